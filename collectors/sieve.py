"""What cannot be true is taken out of a poll: an impossible value, a second sample of a series, a leap of a counter.

What is odd costs itself and no more. A poll whose series are those of the poll before, which is nearly every one, is
looked at as columns of numbers.
"""

import importlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metrics.catalog import declared
from metrics.model import Labels, Metric, labelled
from metrics.poll import Tier
from metrics.reading import Odd
from metrics.samples import Keys, Samples
from metrics.text import clean

IMPOSSIBLE, DOUBLED, LEAP, UNREADABLE = "impossible", "doubled", "leap", "unreadable"
REASONS = (IMPOSSIBLE, DOUBLED, LEAP, UNREADABLE)
"""Why a value was refused, as trivet_values_refused_total has it."""

GROWN = 2.0
"""How often as large a part may be as its whole was when another tier told that."""

AGAIN = "came twice in one answer; the first one counts"
_PARTS = ("_bucket", "_count", "_sum")
Series = tuple[str, Labels]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Refused:
    """One value that was taken out: of which series, and why, in words."""

    reason: str
    metric: str
    labels: Labels
    text: str

    @property
    def series(self) -> str:
        """Name and labels.

        >>> Refused(LEAP, "x_total", (("user", "a"),), "").series
        'x_total{user="a"}'
        """
        inner = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.metric}{{{inner}}}" if inner else self.metric


@dataclass(slots=True)
class Doubts:
    """What was taken out before anything was reckoned from it: values that are no numbers, and the others."""

    odd: list[Odd] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def doubled(self, name: str, labels: Mapping[str, object]) -> None:
        """A row of a statement came again."""
        own = labelled({label: clean(value) for label, value in labels.items()})
        self.refused.append(Refused(DOUBLED, name, own, AGAIN))


@cache
def limits_of(kind: str) -> Mapping[str, Metric]:
    """The metrics that the folder of a kind of source declares; none where there is no such folder."""
    try:
        importlib.import_module(f"collectors.{kind}.metrics")
    except ModuleNotFoundError:
        return {}
    return declared(f"collectors.{kind}", kind)


@dataclass(slots=True)
class _Paced:
    """A counter that has a pace: where it stands in the poll, and where the gauges that bound it do."""

    at: int
    series: Series
    metric: Metric
    each: Sequence[int]
    earlier: Sequence[int]


@dataclass(slots=True)
class _Before:
    """What a poll said of such a counter: ``each`` and ``earlier`` are of the gauges that bound it."""

    time: float
    value: float
    each: float
    earlier: float


@dataclass(slots=True)
class _Shape:
    """Polls with the same series in the same order: what is the same for all of them is worked out once.

    parts   of each series that is a part, its place and that of its whole
    again   places of series that were there already
    apart   of each part whose whole is told by another tier, its place and that whole
    compared  places of series that are such wholes
    cut     the keys of what is left, by the places that were taken out
    paced_at  the places of the counters that have a pace
    paces   by how much each of them may rise in a second, whatever the gauges say
    before  when the poll before was, and its values, if nothing of it was refused
    """

    runs: list[Keys]
    series: list[Series]
    low: Numbers
    high: Numbers
    parts: NDArray[np.int64]
    wholes: NDArray[np.int64]
    again: list[int]
    paced: list[_Paced]
    apart: list[tuple[int, Series]]
    compared: list[int]
    paced_at: NDArray[np.int64]
    paces: Numbers
    cut: dict[tuple[int, ...], Keys] = field(default_factory=dict)
    before: tuple[float, Numbers] | None = None


class Sieve:
    """Of one source. One thread at a time.

    metrics  what is declared, by name; what is not there has no bounds
    refused  how many values were taken out, by reason
    """

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        """Nothing was seen yet."""
        self._metrics = metrics
        self._shapes: dict[Tier, _Shape] = {}
        self._before: dict[Series, _Before] = {}
        self._told: dict[Series, float] = {}
        self._compared = {metric.part_of.name for metric in metrics.values() if metric.part_of}
        self._shifts: Counter[str] = Counter()
        self._renewed = 0
        self.refused: Counter[str] = Counter()

    def sift(self, tier: Tier, samples: Samples, now: float) -> tuple[Samples, list[Refused]]:
        """What can be believed of a round's samples, and what cannot. ``now``: seconds of a clock that never falls."""
        shape = self._shapes.get(tier)
        if shape is None or shape.runs != samples.runs:
            if shape is not None:
                self._remember(shape)
            shape = self._shapes[tier] = self._shaped(samples)
        values = samples.numbers()
        refused = self._odd(shape, values)
        if shape.paced:
            refused.update(self._leaps(shape, values, now, refused))
        if not refused:
            return samples, []
        self.refused.update(each.reason for each in refused.values())
        return _without(shape, samples, refused), list(refused.values())

    def epochs(self, epochs: Mapping[str, float]) -> dict[str, float]:
        """The marks of a round, moved for each leap: no increase is taken across one."""
        return {name: mark + self._shifts[name] + self._renewed for name, mark in epochs.items()}

    def renew(self) -> None:
        """Another server answers: what the one before said bounds nothing, and no increase is taken across."""
        self._renewed += 1
        self._before.clear()
        self._told.clear()
        self._shapes.clear()

    def _odd(self, shape: _Shape, values: Numbers) -> dict[int, Refused]:
        found = {at: Refused(DOUBLED, *shape.series[at], AGAIN) for at in shape.again}
        good = (values >= shape.low) & (values <= shape.high)
        if not good.all():
            for at in np.flatnonzero(~good).tolist():
                if at not in found:
                    found[at] = Refused(IMPOSSIBLE, *shape.series[at], beyond(values[at], shape.low[at]))
        if len(shape.parts):
            larger = values.take(shape.parts) > values.take(shape.wholes)
            for number in np.flatnonzero(larger).tolist() if larger.any() else ():
                at, of = int(shape.parts[number]), int(shape.wholes[number])
                if good[at] and good[of]:
                    whole_of = shape.series[of][0]
                    text = f"was {values[at]:g}, more than the {values[of]:g} of {whole_of}, which it is a part of"
                    found[at] = Refused(IMPOSSIBLE, *shape.series[at], text)
        for at, key in shape.apart:
            value, told = float(values[at]), self._told.get(key, math.inf)
            if good[at] and value > GROWN * told:
                text = f"was {value:g}, more than the {told:g} of {key[0]}, which it is a part of"
                found[at] = Refused(IMPOSSIBLE, *shape.series[at], text)
        for at in shape.compared:
            if good[at]:
                self._told[shape.series[at]] = float(values[at])
        return found

    def _leaps(self, shape: _Shape, values: Numbers, now: float, refused: Mapping[int, Refused]) -> dict[int, Refused]:
        """Counters that rose by more than time allows."""
        before, shape.before = shape.before, None
        found: dict[int, Refused] = {}
        if before is None or refused:
            if before is not None:
                self._note(shape, *before)
            for each in shape.paced:
                if each.at not in refused:
                    this = _seen(each, values, now)
                    if leap := self._leap(each, self._before.get(each.series), this):
                        found[each.at] = leap
                    self._before[each.series] = this
        else:
            # Most counters rise by less than anyone could doubt, and need no look.
            risen = values.take(shape.paced_at) - before[1].take(shape.paced_at)
            rose = risen > shape.paces * (now - before[0])
            for each in [shape.paced[number] for number in np.flatnonzero(rose).tolist()] if rose.any() else ():
                if leap := self._leap(each, _seen(each, before[1], before[0]), _seen(each, values, now)):
                    found[each.at] = leap
            if found:
                self._note(shape, now, values)
        if not refused and not found:
            shape.before = now, values
        return found

    def _remember(self, shape: _Shape) -> None:
        """What the poll before said, for polls of another shape."""
        if shape.before is not None:
            self._note(shape, *shape.before)

    def _note(self, shape: _Shape, time: float, values: Numbers) -> None:
        for each in shape.paced:
            self._before[each.series] = _seen(each, values, time)

    def _leap(self, paced: _Paced, before: _Before | None, this: _Before) -> Refused | None:
        pace = paced.metric.pace
        assert pace is not None  # noqa: S101 - only such a metric is paced
        if before is None or this.value <= before.value:
            return None
        each = max(this.each, before.each) if pace.each else 1.0
        most = pace.per_second * (this.time - before.time + before.earlier) * max(pace.few, pace.slack * each)
        risen = this.value - before.value
        if risen <= most:
            return None
        if paced.metric.epoch:
            self._shifts[paced.metric.epoch] += 1
        text = f"rose by {risen:.3g} in {this.time - before.time:.3g} s, where {most:.3g} is the most that can be"
        return Refused(LEAP, *paced.series, text)

    def _shaped(self, samples: Samples) -> _Shape:
        series = list(samples.series())
        first: dict[Series, int] = {}
        again = [at for at, each in enumerate(series) if first.setdefault(each, at) != at]
        bounds = _bounds(self._metrics, [name for name, _ in series])
        parts = [
            (at, first[of.name, labels])
            for at, (name, labels) in enumerate(series)
            if (of := _part_of(self._metrics.get(name))) and (of.name, labels) in first
        ]
        apart = [
            (at, (of.name, labels))
            for at, (name, labels) in enumerate(series)
            if (of := _part_of(self._metrics.get(name))) and (of.name, labels) not in first
        ]
        paced = [self._paced(at, each, first) for at, each in enumerate(series) if self._has_pace(each[0])]
        return _Shape(
            runs=list(samples.runs),
            series=series,
            low=np.array([low for low, _ in bounds]),
            high=np.array([high for _, high in bounds]),
            parts=np.array([at for at, _ in parts], dtype=np.int64),
            wholes=np.array([of for _, of in parts], dtype=np.int64),
            again=again,
            apart=apart,
            compared=[at for at, (name, _) in enumerate(series) if name in self._compared],
            paced=paced,
            paced_at=np.array([each.at for each in paced], dtype=np.int64),
            paces=np.array([_surely(each.metric) for each in paced]),
        )

    def _has_pace(self, name: str) -> bool:
        metric = self._metrics.get(name)
        return metric is not None and metric.pace is not None

    def _paced(self, at: int, series: Series, first: Mapping[Series, int]) -> _Paced:
        metric = self._metrics[series[0]]
        pace = metric.pace
        assert pace is not None  # noqa: S101
        earlier = (pace.earlier,) if pace.earlier else ()
        return _Paced(at, series, metric, _places(first, pace.each, series[1]), _places(first, earlier, series[1]))


def _surely(metric: Metric) -> float:
    """What a counter that has a pace may rise by in a second at least."""
    return metric.pace.per_second * metric.pace.few if metric.pace else math.inf


def _part_of(metric: Metric | None) -> Metric | None:
    return metric.part_of if metric else None


def _bounds(metrics: Mapping[str, Metric], names: Sequence[str]) -> list[tuple[float, float]]:
    known: dict[str, tuple[float, float]] = {}
    for name in dict.fromkeys(names):
        metric = metrics.get(name)
        if metric is not None:
            known[name] = metric.limits
        elif name.endswith(_PARTS):
            # Of a histogram's parts the sum may be of anything; counts have no ends that matter.
            known[name] = (-math.inf if name.endswith("_sum") else 0.0, math.nextafter(math.inf, 0))
        else:
            known[name] = (-math.inf, math.inf)
    return [known[name] for name in names]


def _places(first: Mapping[Series, int], gauges: Sequence[Metric], labels: Labels) -> list[int]:
    """Where gauges stand whose labels agree with those of a series, as far as both have them."""
    wanted, own = {gauge.name for gauge in gauges}, dict(labels)
    return [
        at
        for (name, theirs), at in first.items()
        if name in wanted and all(own.get(label, value) == value for label, value in theirs)
    ]


def _seen(paced: _Paced, values: Numbers, time: float) -> _Before:
    """What a poll says of a counter that has a pace."""
    each = sum(float(values[at]) for at in paced.each if not math.isnan(values[at]))
    earlier = max((float(values[at]) for at in paced.earlier if values[at] > 0), default=0.0)
    return _Before(time, float(values[paced.at]), each, earlier)


def beyond(value: float, low: float) -> str:
    """Why a value cannot be."""
    if math.isnan(value):
        return "was no number"
    return f"was {value:g}, and less than {low:g} cannot be" if value < low else f"was {value:g}, which cannot be"


def _without(shape: _Shape, samples: Samples, refused: Mapping[int, Refused]) -> Samples:
    """The samples but some. The same places give the same keys again, so that who stores them knows them."""
    places = tuple(sorted(refused))
    keys = shape.cut.get(places)
    if keys is None:
        shape.cut.clear()
        left = [series for at, series in enumerate(shape.series) if at not in refused]
        keys = shape.cut[places] = Keys(tuple(name for name, _ in left), tuple(labels for _, labels in left))
    kept = Samples()
    kept.put(keys, [value for at, value in enumerate(samples.values) if at not in refused])
    return kept
