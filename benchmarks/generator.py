"""Realistic series, the same for every store: a seed gives the same values to the last bit.

Of 100 series of one source: 15 fast counters, 10 of bytes, 10 slow ones, 10 of seconds (half of them raw doubles,
half with 6 decimals), 20 gauges that stay, 10 noisy ones, 7 computed ratios, 3 with 4 decimals, 15 constants.
2 % of the scrapes are late by 1–900 ms; 15 % of the counters are reset once. Rates follow the time of day.

`bound` is the entropy of the generating processes: no lossless store can be smaller than that on average.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from metrics.model import Labels, Sample
from metrics.poll import Poll, Tier

Column = NDArray[np.float64]
Times = NDArray[np.int64]
Dice = np.random.Generator

DAY = 86400.0
LATE = 0.02
RESET = 0.15
MIX = {
    "fast": 15,
    "bytes": 10,
    "slow": 10,
    "seconds": 5,
    "micros": 5,
    "sticky": 20,
    "noisy": 10,
    "ratio": 7,
    "percent": 3,
    "constant": 15,
}
COUNTERS = ("fast", "bytes", "slow", "seconds", "micros")
GAUGES = ("sticky", "noisy", "ratio", "percent")
FAMILIES = {
    **dict.fromkeys(COUNTERS, "bench_work_total"),
    **dict.fromkeys(GAUGES, "bench_level"),
    "constant": "bench_setting",
}
STATES, CHANGE = 16, 0.12
NOISE = 5.87
GAUSS = float(np.log2(np.sqrt(2 * np.pi * np.e)))


@dataclass(frozen=True)
class Series:
    """One series of a source: what kind of thing it is, and its name."""

    kind: str
    item: str

    @property
    def metric(self) -> str:
        return FAMILIES[self.kind]

    @property
    def labels(self) -> Labels:
        return (("item", self.item),)


@dataclass(frozen=True)
class Feed:
    """What one source reported: times in milliseconds, and a row of `values` for each series."""

    source: str
    tier: Tier
    series: Sequence[Series]
    times: Times
    values: Column
    bits: float

    def polls(self, start: int, end: int) -> Iterator[Poll]:
        """The scrapes with these indices, as a collector hands them over."""
        names = [(series.metric, series.labels) for series in self.series]
        new, kind = tuple.__new__, Sample
        for at, row in zip(self.times[start:end].tolist(), self.values[:, start:end].T.tolist(), strict=True):
            samples = [new(kind, (metric, labels, value)) for (metric, labels), value in zip(names, row, strict=True)]
            yield Poll(
                source=self.source, tier=self.tier, at=at / 1000, duration=0.01, up=True, error=None, samples=samples
            )

    def of(self, *kinds: str) -> list[int]:
        """Which rows are of these kinds."""
        return [row for row, series in enumerate(self.series) if series.kind in kinds]


@dataclass(frozen=True)
class Data:
    """All sources on one grid: scrape i of each lies in [start + i·step, start + (i + 1)·step)."""

    feeds: Sequence[Feed]
    start: float
    step: float
    ticks: int

    @property
    def end(self) -> float:
        return self.start + self.ticks * self.step

    @property
    def series(self) -> int:
        return sum(len(feed.series) for feed in self.feeds)

    @property
    def samples(self) -> int:
        return self.series * self.ticks

    def polls(self, start: int, end: int) -> Iterator[Poll]:
        """The scrapes of all sources in the order of time."""
        for together in zip(*(feed.polls(start, end) for feed in self.feeds), strict=True):
            yield from together

    @cached_property
    def bound(self) -> float:
        """Bytes per sample below which no lossless store can be, times not counted."""
        return sum(feed.bits * len(feed.series) for feed in self.feeds) / self.series / 8


def generate(
    series: int, ticks: int, *, start: float, step: float = 10.0, seed: int = 0, tier: Tier = Tier.FAST
) -> Data:
    """So many series, a hundred to each source; fewer than a hundred are one source with the same mix."""
    sources = max(1, series // 100)
    shares = [series // sources + (number < series % sources) for number in range(sources)]
    feeds = [
        _feed(f"s{number:03}", share, ticks, start, step, np.random.default_rng([seed, number]), tier)
        for number, share in enumerate(shares)
    ]
    return Data(feeds, start, step, ticks)


def mixed(count: int) -> list[Series]:
    """The mix for so many series of one source, every kind in its share as near as whole numbers allow.

    >>> from collections import Counter
    >>> Counter(series.kind for series in mixed(20))["sticky"]
    4
    """
    kinds = [kind for kind, share in MIX.items() for _ in range(share)]
    chosen = [kinds[int((number + 0.5) * len(kinds) / count)] for number in range(count)]
    return [Series(kind, f"{kind}-{chosen[:number].count(kind):02}") for number, kind in enumerate(chosen)]


def _feed(source: str, count: int, ticks: int, start: float, step: float, dice: Dice, tier: Tier) -> Feed:
    series = mixed(count)
    clock: Column = np.arange(ticks, dtype=np.float64) * step
    values = np.empty((count, ticks))
    bits = np.empty(count)
    for row, each in enumerate(series):
        values[row], bits[row] = MAKERS[each.kind](dice, clock, step)
    return Feed(source, tier, series, _times(dice, start, ticks, step), values, float(bits.mean()))


def _times(dice: Dice, start: float, ticks: int, step: float) -> Times:
    """Each source has its own place between two ticks. No time is a whole second: servers disagree on whether the
    first moment belongs to a window."""
    phase = int(dice.integers(1, int(step * 1000) - 1000))
    late = np.where(dice.random(ticks) < LATE, dice.integers(1, 901, ticks), 0)
    offset = phase + late
    offset += offset % 1000 == 0
    times: Times = round(start * 1000) + np.arange(ticks, dtype=np.int64) * round(step * 1000) + offset
    return times


def _daily(dice: Dice, clock: Column) -> Column:
    tide: Column = 1 + 0.5 * np.sin(2 * np.pi * (clock / DAY + dice.random()))
    return tide


def _spread(dice: Dice, low: float, high: float) -> float:
    """Between the two, evenly in orders of magnitude."""
    return float(np.exp(dice.uniform(np.log(low), np.log(high))))


def _counted(dice: Dice, risen: Column, first: float) -> Column:
    """Adds up; 15 % of the counters begin anew once."""
    total: Column = first + np.cumsum(risen)
    if dice.random() < RESET and len(risen) > 1:
        at = int(dice.integers(1, len(risen)))
        total[at:] -= total[at]
    return total


def _poisson_bits(rate: Column) -> float:
    """Entropy of counts at these rates, averaged: summed over 200 of them, Gauss' above 50."""
    picked = rate[:: max(1, len(rate) // 200)]
    small, large = picked[picked <= 50], picked[picked > 50]
    k = np.arange(200)
    logs = np.concatenate(([0.0], np.cumsum(np.log(k[1:]))))
    chance = np.exp(k * np.log(np.maximum(small, 1e-9))[:, None] - small[:, None] - logs)
    exact = -(chance * np.log2(np.maximum(chance, 1e-300))).sum()
    return float((exact + (GAUSS + np.log2(large) / 2).sum()) / len(picked))


def _fast(dice: Dice, clock: Column, step: float) -> tuple[Column, float]:
    rate = _spread(dice, 12, 1150) * step * _daily(dice, clock)
    return _counted(dice, dice.poisson(rate).astype(np.float64), float(dice.integers(10**9))), _poisson_bits(rate)


def _slow(dice: Dice, clock: Column, step: float) -> tuple[Column, float]:
    rate = _spread(dice, 0.008, 0.065) * step * _daily(dice, clock)
    return _counted(dice, dice.poisson(rate).astype(np.float64), float(dice.integers(10**4))), _poisson_bits(rate)


def _bytes(dice: Dice, clock: Column, step: float) -> tuple[Column, float]:
    mean = _spread(dice, 2.4e4, 4e5) * step * _daily(dice, clock)
    risen = np.maximum(np.rint(dice.normal(mean, mean / 4)), 0)
    return _counted(dice, risen, float(dice.integers(10**11))), float((GAUSS + np.log2(mean / 4)).mean())


def _seconds(dice: Dice, clock: Column, step: float) -> tuple[Column, float]:
    """As a server adds them up: each bit of the double is noise."""
    mean = _spread(dice, 0.014, 0.4) * step * _daily(dice, clock)
    total = _counted(dice, np.abs(dice.normal(mean, mean / 4)), dice.uniform(1e5, 1e6))
    return total, float((GAUSS + np.log2(mean / 4 / np.spacing(np.maximum(total, 1)))).mean())


def _micros(dice: Dice, clock: Column, step: float) -> tuple[Column, float]:
    mean = _spread(dice, 0.006, 0.2) * step * _daily(dice, clock)
    risen = np.rint(np.abs(dice.normal(mean, mean / 4)) * 1e6)
    return _counted(dice, risen, float(dice.integers(10**11))) / 1e6, float((GAUSS + np.log2(mean / 4 * 1e6)).mean())


def _sticky(dice: Dice, clock: Column, _step: float) -> tuple[Column, float]:
    """Stays where it is, seven times of eight."""
    jumps = np.where(dice.random(len(clock)) < CHANGE, dice.integers(1, STATES, len(clock)), 0)
    bits = -(CHANGE * np.log2(CHANGE / (STATES - 1)) + (1 - CHANGE) * np.log2(1 - CHANGE))
    return np.cumsum(jumps) % STATES + 0.0, float(bits)


def _noisy(dice: Dice, clock: Column, _step: float) -> tuple[Column, float]:
    level = _spread(dice, 40, 400) * _daily(dice, clock)
    return np.maximum(np.rint(level + dice.normal(0, NOISE, len(clock))), 0), float(GAUSS + np.log2(NOISE))


def _ratio(dice: Dice, clock: Column, step: float) -> tuple[Column, float]:
    """A quotient that somebody computed before storing it: the worst case of every codec."""
    rate, share = _spread(dice, 400, 4000) * step * _daily(dice, clock), dice.uniform(0.9, 0.99)
    whole = np.maximum(dice.poisson(rate), 1)
    bits = GAUSS + np.log2(rate * share * (1 - share)) / 2
    return dice.binomial(whole, share) / whole, _poisson_bits(rate) + float(bits.mean())


def _percent(dice: Dice, clock: Column, _step: float) -> tuple[Column, float]:
    level = dice.uniform(0.3, 0.7) + 0.1 * (_daily(dice, clock) - 1)
    return np.rint((level + dice.normal(0, 0.0029, len(clock))) * 1e4) / 1e4, float(GAUSS + np.log2(29))


def _constant(dice: Dice, clock: Column, _step: float) -> tuple[Column, float]:
    return np.full(len(clock), float(dice.integers(1, 10**6))), 0.0


MAKERS: dict[str, Callable[[Dice, Column, float], tuple[Column, float]]] = {
    "fast": _fast,
    "bytes": _bytes,
    "slow": _slow,
    "seconds": _seconds,
    "micros": _micros,
    "sticky": _sticky,
    "noisy": _noisy,
    "ratio": _ratio,
    "percent": _percent,
    "constant": _constant,
}
