"""Values onto a regular grid."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from metrics.increase import falls, over
from metrics.points import Column, Points, last_at
from storage.segment import Times
from storage.store import Fold, Grid

Piece = tuple[Times, Column]


@dataclass(slots=True)
class Parts:
    """The pieces of one series: values by time, and how many samples each stands for."""

    values: list[Piece] = field(default_factory=list)
    counts: list[Piece] = field(default_factory=list)

    def add(self, times: Times, values: Column, counts: Column | None) -> None:
        """One more piece; without counts, each value is one sample."""
        self.values.append((times, values))
        self.counts.append((times, np.ones(len(values)) if counts is None else counts))


def joined(pieces: Sequence[Piece]) -> tuple[Column, Column]:
    """Pieces as one: times in seconds, rising; of two values of one time the later piece's counts."""
    if len(pieces) == 1:
        times, values = pieces[0]
        return times / 1000, values
    times = np.concatenate([piece[0] for piece in pieces])
    values = np.concatenate([piece[1] for piece in pieces])
    if len(times) > 1 and not (np.diff(times) > 0).all():
        times, first = np.unique(times[::-1], return_index=True)
        values = values[::-1][first]
    return times / 1000, values


def fold_parts(parts: Parts, ends: Column, step: float, fold: Fold) -> Column:
    """One value per step (end − step, end]; nan where the step has no sample.

    Increase and rate count from the last sample before the step and leave out what a reset hides.
    """
    times, values = joined(parts.values)
    if fold in (Fold.INCREASE, Fold.RATE):
        return _risen(times, values, ends, step, fold)
    if fold is Fold.LAST:
        high, low = last_at(times, ends), last_at(times, ends - step)
        return np.where(high > low, values[np.maximum(high, 0)], np.nan) if len(values) else np.full(len(ends), np.nan)
    if fold in (Fold.MIN, Fold.MAX):
        return _reduced(times, values, ends, step, np.fmin if fold is Fold.MIN else np.fmax)
    counted = _reduced(*joined(parts.counts), ends, step, np.add)
    if fold is Fold.COUNT:
        return np.nan_to_num(counted)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _reduced(times, values, ends, step, np.add) / counted


def _reduced(times: Column, values: Column, ends: Column, step: float, by: np.ufunc) -> Column:
    """Each step's values brought to one; a value that is NaN does not count."""
    known = ~np.isnan(values)
    if not known.all():
        times, values = times[known], values[known]
    found = np.full(len(ends), np.nan)
    begin = np.searchsorted(times, ends - step, side="right")
    stop = np.searchsorted(times, ends, side="right")
    has = stop > begin
    if has.any():
        # Laid end to end, begin and stop of the steps that have values: every other piece is a step.
        edges = np.column_stack((begin[has], stop[has])).ravel()
        edges = edges[:-1] if edges[-1] == len(values) else edges
        found[has] = by.reduceat(values, edges)[::2]
    return found


def _risen(times: Column, values: Column, ends: Column, step: float, fold: Fold) -> Column:
    finite = np.isfinite(values)
    points = Points({}, times[finite], values[finite])
    if not len(points.times):
        return np.full(len(ends), np.nan)
    cells = over(points, ends - step, ends, falls([points], ()).get((), ()))
    has = last_at(points.times, ends) > last_at(points.times, ends - step)
    return np.where(has, cells.increase if fold is Fold.INCREASE else cells.increase / cells.elapsed, np.nan)


def top_of(grids: Sequence[Grid], count: int) -> list[Grid]:
    """The grids with the highest last known values, highest first."""
    return sorted(grids, key=_last_known, reverse=True)[:count]


def _last_known(grid: Grid) -> float:
    known = grid.values[~np.isnan(grid.values)]
    return float(known[-1]) if len(known) else -np.inf
