"""How much counters rose: the one place that knows resets.

An increase is measured from the last sample at or before the window's start, so that windows laid end to end add
up; with less history, from the first sample. An interval across a reset is dropped, for all the counters that
were reset together: keeping half of a quotient would make a wrong number, dropping both leaves a true one of a
little less time. A reset is a value that fell, or an epoch (server start, statistics reset) that changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.points import LOOKBACK, Column, Points, last_at

Span = tuple[float, float]
Spans = Mapping[tuple[str, ...], Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Cells:
    """One series over many windows: increase, seconds it is of, first and last sample used; nan where unknown."""

    increase: Column
    elapsed: Column
    base: Column
    seen: Column


def falls(series: Iterable[Points], scope: Sequence[str]) -> dict[tuple[str, ...], list[Span]]:
    """Where values fell, by the labels that share a fate."""
    found: dict[tuple[str, ...], list[Span]] = defaultdict(list)
    for points in series:
        for i in np.flatnonzero(np.diff(points.values) < 0):
            found[points.pick(scope)].append((float(points.times[i]), float(points.times[i + 1])))
    return found


def changes(epochs: Iterable[Points]) -> dict[tuple[str, ...], list[Span]]:
    """Where an epoch changed, by source."""
    found: dict[tuple[str, ...], list[Span]] = defaultdict(list)
    for points in epochs:
        for i in np.flatnonzero(np.diff(points.values) != 0):
            found[(points.source,)].append((float(points.times[i]), float(points.times[i + 1])))
    return found


def _kept(times: Column, spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Which intervals touch none of the spans."""
    kept = np.ones(max(len(times) - 1, 0), dtype=np.bool_)
    for start, end in spans:
        kept &= (times[1:] <= start) | (times[:-1] >= end)
    return kept


def over(points: Points, starts: Column, ends: Column, spans: Sequence[Span], lookback: float = LOOKBACK) -> Cells:
    """One series' increase over each window (starts[i], ends[i]].

    lookback  how many seconds before a window's start a sample may lie and still be its baseline

    >>> import numpy as np
    >>> p = Points({"source": "a"}, np.array([0., 10., 20., 30.]), np.array([5., 9., 1., 4.]))
    >>> over(p, np.array([0.]), np.array([30.]), falls([p], ["source"])[("a",)]).increase
    array([7.])
    """
    times, values = points.times, points.values
    kept = _kept(times, spans)
    risen = np.concatenate(([0.0], np.cumsum(np.where(kept, np.diff(values), 0.0))))
    spent = np.concatenate(([0.0], np.cumsum(np.where(kept, np.diff(times), 0.0))))
    high, low = last_at(times, ends), last_at(times, starts)
    too_old = (low < 0) | (times[np.maximum(low, 0)] < starts - lookback)
    low = np.where(too_old, low + 1, low)
    known = (high > low) & (high >= 0)
    high, low = np.where(known, high, 0), np.where(known, low, 0)
    elapsed = spent[high] - spent[low]
    known &= elapsed > 0
    return Cells(
        increase=np.where(known, risen[high] - risen[low], np.nan),
        elapsed=np.where(known, elapsed, np.nan),
        base=np.where(known, times[low], np.nan),
        seen=np.where(known, times[high], np.nan),
    )
