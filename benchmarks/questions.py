"""The questions, each in 21 wordings of the same shape, checked against every store before any is timed.

A wording differs from the next in its source, its series and its end, so that no store can answer from an answer it
kept. All wordings are asked once before they are timed: warm means that files and indexes have been touched, for
every store alike.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.engines import Grid, Key, Reading
from benchmarks.generator import COUNTERS, GAUGES, Column, Data, Feed
from metrics.model import SOURCE, Matcher, Op, Selector

RUNS = 21
TOLERANCE = 1e-9
HOUR, DAY = 3600.0, 86400.0

# VictoriaMetrics keeps about 15 digits of a raw double: small differences of large ones come out differently.
EXACT = tuple(kind for kind in COUNTERS if kind != "seconds")

Ask = Callable[[Reading], Any]


class Disagreement(RuntimeError):  # noqa: N818 - a statement
    """Two stores answer differently; nothing is timed."""


@dataclass(frozen=True)
class Question:
    """`asks` are the wordings; `check` are the same, or such as all stores must agree on."""

    name: str
    asks: Sequence[Ask]
    checks: Sequence[Ask]


@dataclass(frozen=True)
class Timed:
    """Milliseconds."""

    median: float
    p95: float


def one_hour(data: Data, end: float) -> Question:
    """One series, an hour of raw values."""
    asks = []
    for run in range(RUNS):
        feed = data.feeds[run % len(data.feeds)]
        row = spread(feed.of(*GAUGES), 1, run)[0]
        asks.append(_raw(chosen([feed], row), end - 10 * run - HOUR, end - 10 * run))
    return Question("1x1h", asks, asks)


def of_one_source(name: str, data: Data, end: float, count: int, shape: tuple[float, int], shift: float) -> Question:
    """Gauges of one source, in the proportion of their kinds: min, max and avg."""
    asks = []
    for run in range(RUNS):
        feed = data.feeds[run % len(data.feeds)]
        asks.append(_window(chosen([feed], *spread(feed.of(*GAUGES), count, run)), grid_to(end - run * shift, *shape)))
    return Question(name, asks, asks)


def over_sources(name: str, data: Data, end: float, count: int, shape: tuple[float, int]) -> Question:
    """One gauge of several sources."""
    asks = []
    for run in range(RUNS):
        feeds = [data.feeds[(run + number) % len(data.feeds)] for number in range(min(count, len(data.feeds)))]
        row = spread(feeds[0].of(*GAUGES), 1, run)[0]
        asks.append(_window(chosen(feeds, row), grid_to(end - run * 10, *shape)))
    return Question(name, asks, asks)


def rate(data: Data, end: float, shape: tuple[float, int]) -> Question:
    """The rate of one counter. Checked where no counter is reset: there the stores differ, and say so."""
    asks, checks = [], []
    for run in range(RUNS):
        feed = data.feeds[run % len(data.feeds)]
        rows = [row for row in feed.of(*EXACT) if (np.diff(feed.values[row]) >= 0).all()]
        selector, grid = chosen([feed], spread(rows, 1, run)[0]), grid_to(end - run * 10, *shape)
        asks.append(_rate(selector, grid))
        checks.append(_risen(selector, grid, float(feed.times[0]) / 1000))
    return Question("rate24h", asks, checks)


def latest(at: float) -> Question:
    """The newest value of every series; a store in this process is timed up to what it hands out."""
    asks: list[Ask] = [lambda store: getattr(store, "newest", store.latest)(at)] * RUNS
    checks: list[Ask] = [lambda store: store.latest(at)]
    return Question("latest", asks, checks)


def check(question: Question, stores: Sequence[Reading]) -> None:
    """Every wording, every value, to 1e-9. Raises Disagreement."""
    for number, ask in enumerate(question.checks):
        first = ask(stores[0])
        if not first:
            raise Disagreement(f"{question.name}, wording {number}: {stores[0].name} has no answer")
        for other in stores[1:]:
            _same(first, ask(other), f"{question.name}, wording {number}, {stores[0].name} and {other.name}")


def timed(question: Question, store: Reading) -> Timed:
    """Each wording once, after each was asked once."""
    for ask in question.asks:
        ask(store)
    return spent(store, question.asks)


def spent(store: Reading, asks: Iterable[Ask]) -> Timed:
    took = []
    for ask in asks:
        begun = time.perf_counter()
        ask(store)
        took.append((time.perf_counter() - begun) * 1000)
    return Timed(float(np.median(took)), float(np.quantile(took, 0.95)))


def chosen(feeds: Sequence[Feed], *rows: int) -> Selector:
    """A selector of these rows, which are of one metric and have the same items in all these sources."""
    items = [feeds[0].series[row].item for row in rows]
    return Selector(feeds[0].series[rows[0]].metric, (_among(SOURCE, [f.source for f in feeds]), _among("item", items)))


def spread(rows: Sequence[int], count: int, turn: int) -> list[int]:
    """So many of them at even distances, others at each turn.

    >>> spread(range(10, 20), 3, 1)
    [11, 14, 17]
    """
    count = min(count, len(rows))
    return sorted(rows[(turn + len(rows) * number // count) % len(rows)] for number in range(count))


def _among(label: str, values: Sequence[str]) -> Matcher:
    return Matcher(label, values[0]) if len(values) == 1 else Matcher(label, "|".join(values), Op.RE)


def grid_to(end: float, step: float, n: int) -> Grid:
    return Grid(end - (n - 1) * step, step, n)


def _raw(selector: Selector, start: float, end: float) -> Ask:
    return lambda store: store.raw(selector, start, end)


def _window(selector: Selector, grid: Grid) -> Ask:
    return lambda store: store.window(selector, grid)


def _rate(selector: Selector, grid: Grid) -> Ask:
    return lambda store: store.rate(selector, grid)


def _risen(selector: Selector, grid: Grid, begun: float) -> Ask:
    """Steps whose baseline is before the first sample have none in PromQL, and count from the first with us."""

    def ask(store: Reading) -> dict[Key, Column]:
        found: dict[Key, Column] = getattr(store, "risen", store.rate)(selector, grid)
        known = grid.t0 + grid.step * (np.arange(grid.n) - 1) > begun
        return {key: np.where(known, values, np.nan) for key, values in found.items()}

    return ask


def _same(ours: dict[Key, Any], theirs: dict[Key, Any], where: str) -> None:
    if ours.keys() != theirs.keys():
        raise Disagreement(f"{where}: {len(ours)} and {len(theirs)} series, {sorted(ours.keys() ^ theirs.keys())[:3]}")
    for key, mine in ours.items():
        if isinstance(mine, tuple):
            # Times of this century are large: what is relative to them is no precision.
            _equal(mine[0], theirs[key][0], f"{where}, {key}, times", 0.0)
            _equal(mine[1], theirs[key][1], f"{where}, {key}", TOLERANCE)
        else:
            _equal(mine, theirs[key], f"{where}, {key}", TOLERANCE)


def _equal(mine: Any, other: Any, where: str, relative: float) -> None:
    left, right = np.asarray(mine, dtype=float), np.asarray(other, dtype=float)
    if left.shape != right.shape:
        raise Disagreement(f"{where}: {left.shape} and {right.shape} values")
    wrong = ~np.isclose(left, right, rtol=relative, atol=1e-6 if not relative else TOLERANCE, equal_nan=True)
    if wrong.any():
        raise Disagreement(f"{where}: {wrong.sum()} differ, {left[wrong].flat[0]} and {right[wrong].flat[0]}")
