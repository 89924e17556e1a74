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
    # Series that were reset together fell in the same intervals: each is kept once.
    found: dict[tuple[str, ...], dict[Span, None]] = defaultdict(dict)
    for points in series:
        at = np.flatnonzero(np.diff(points.values) < 0)
        if len(at):
            found[points.pick(scope)].update(_between(points.times, at))
    return {key: list(spans) for key, spans in found.items()}


def changes(epochs: Iterable[Points]) -> dict[tuple[str, ...], list[Span]]:
    """Where an epoch changed, by source."""
    found: dict[tuple[str, ...], list[Span]] = defaultdict(list)
    for points in epochs:
        at = np.flatnonzero(np.diff(points.values) != 0)
        if len(at):
            found[(points.source,)] += _between(points.times, at).keys()
    return found


def _between(times: Column, at: NDArray[np.int64]) -> dict[Span, None]:
    return dict.fromkeys(zip(times[at].tolist(), times[at + 1].tolist(), strict=True))


class Cuts:
    """Spans, in an order in which those that an interval touches are found at once: there may be hundreds."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Sequence[Span]) -> None:
        """Of series that share a fate: made once for all of them."""
        both = np.array(sorted(spans), dtype=np.float64).reshape(len(spans), 2)
        self._starts = both[:, 0]
        # How far any of the spans reaches that begin up to here.
        self._ends: Column = np.maximum.accumulate(both[:, 1]) if len(spans) else both[:, 1]

    def kept(self, times: Column) -> NDArray[np.bool_]:
        """Which intervals between times touch none of the spans.

        >>> Cuts([(1.0, 2.0)]).kept(np.array([0.0, 1.0, 1.5, 2.0, 3.0])).tolist()
        [True, False, False, True]
        """
        if len(times) < 2 or not len(self._starts):
            return np.ones(max(len(times) - 1, 0), dtype=np.bool_)
        last = np.searchsorted(self._starts, times[1:], side="left") - 1
        touched: NDArray[np.bool_] = (last >= 0) & (self._ends[np.maximum(last, 0)] > times[:-1])
        return ~touched


def over(
    points: Points, starts: Column, ends: Column, spans: Sequence[Span] | Cuts, lookback: float = LOOKBACK
) -> Cells:
    """One series' increase over each window (starts[i], ends[i]].

    spans     across which nothing is counted
    lookback  how many seconds before a window's start a sample may lie and still be its baseline

    >>> import numpy as np
    >>> p = Points({"source": "a"}, np.array([0., 10., 20., 30.]), np.array([5., 9., 1., 4.]))
    >>> over(p, np.array([0.]), np.array([30.]), falls([p], ["source"])[("a",)]).increase
    array([7.])
    """
    times, values = points.times, points.values
    kept = (spans if isinstance(spans, Cuts) else Cuts(spans)).kept(times)
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
