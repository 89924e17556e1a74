"""Raw values onto a regular grid."""

from collections.abc import Sequence

import numpy as np

from metrics.increase import falls, over
from metrics.points import Column, Points, last_at
from storage.store import Fold, Grid


def fold_points(points: Points, ends: Column, step: float, fold: Fold) -> Column:
    """One value per step (end − step, end]; nan where the step has no sample.

    Increase and rate count from the last sample before the step and leave out what a reset hides.
    """
    high, low = last_at(points.times, ends), last_at(points.times, ends - step)
    has = high > low
    if fold in (Fold.INCREASE, Fold.RATE):
        cells = over(points, ends - step, ends, falls([points], ()).get((), ()))
        value = cells.increase if fold is Fold.INCREASE else cells.increase / cells.elapsed
        return np.where(has, value, np.nan)
    if fold is Fold.COUNT:
        return (high - low).astype(np.float64)
    if fold is Fold.LAST:
        return np.where(has, points.values[np.maximum(high, 0)], np.nan)
    return np.array([_folded(points.values[a + 1 : b + 1], fold) for a, b in zip(low, high, strict=True)])


def _folded(values: Column, fold: Fold) -> float:
    if not len(values):
        return float("nan")
    if fold is Fold.AVG:
        return float(values.mean())
    return float(values.min() if fold is Fold.MIN else values.max())


def top_of(grids: Sequence[Grid], count: int) -> list[Grid]:
    """The grids with the highest last known values, highest first."""
    return sorted(grids, key=_last_known, reverse=True)[:count]


def _last_known(grid: Grid) -> float:
    known = grid.values[~np.isnan(grid.values)]
    return float(known[-1]) if len(known) else -np.inf
