"""Values onto a regular grid."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metrics.increase import falls, over
from metrics.points import Column, Points, last_at
from storage.rollup import COUNT, LAST, LEAST, MOST, TOTAL
from storage.segment import Times
from storage.store import Fold, Grid

Piece = tuple[Times, Column]
COLUMN_OF = {Fold.MIN: LEAST, Fold.MAX: MOST, Fold.AVG: TOTAL, Fold.COUNT: COUNT}
"""Which column of a rollup answers a fold; the last value answers all others."""


def columns_of(folds: Sequence[Fold]) -> tuple[int, ...]:
    """The rollup columns that some folds need."""
    needed = {COLUMN_OF.get(fold, LAST) for fold in folds} | ({COUNT} if Fold.AVG in folds else set())
    return tuple(sorted(needed))


@dataclass(slots=True)
class Parts:
    """The pieces of one series: times, columns, and whether they are of a rollup."""

    pieces: list[tuple[Times, dict[int, Column], bool]] = field(default_factory=list)
    rolled: bool = False

    def add(self, times: Times, columns: dict[int, Column], rolled: bool) -> None:
        """One more piece: of a rollup the columns asked for, of raw values the LAST."""
        self.pieces.append((times, columns, rolled))
        self.rolled = self.rolled or rolled

    def column(self, number: int) -> tuple[Column, Column]:
        """One column over all pieces: raw values are their own least, most and sum, and each counts one."""
        found = []
        for times, columns, rolled in self.pieces:
            if rolled and number in columns:
                found.append((times, columns[number]))
            elif not rolled:
                found.append((times, np.ones(len(times)) if number == COUNT else columns[LAST]))
        return joined(found)


def joined(pieces: Sequence[Piece]) -> tuple[Column, Column]:
    """Pieces as one: times in seconds, rising; of two values of one time the later piece's counts."""
    if len(pieces) == 1:
        times, values = pieces[0]
        return times / 1000, values
    times = np.concatenate([piece[0] for piece in pieces]) if pieces else np.empty(0, dtype=np.int64)
    values = np.concatenate([piece[1] for piece in pieces]) if pieces else np.empty(0)
    if len(times) > 1 and not (times[1:] > times[:-1]).all():
        times, first = np.unique(times[::-1], return_index=True)
        values = values[::-1][first]
    return times / 1000, values


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def fold_parts(parts: Parts, ends: Column, step: float, folds: Sequence[Fold]) -> dict[Fold, Column]:
    """One value per step (end − step, end] for each fold; nan where the step has no sample, 0 for a count.

    Increase and rate count from the last sample before the step and leave out what a reset hides.
    """
    if parts.rolled:
        return {fold: _folded(parts.column(COLUMN_OF.get(fold, LAST)), parts, ends, step, fold) for fold in folds}
    raw = parts.column(LAST)
    steps = _Steps.of(raw, ends, step)
    return {fold: _folded(raw, parts, ends, step, fold, steps) for fold in folds}


def _folded(
    column: tuple[Column, Column], parts: Parts, ends: Column, step: float, fold: Fold, steps: "_Steps | None" = None
) -> Column:
    times, values = column
    if fold in (Fold.INCREASE, Fold.RATE):
        return _risen(times, values, ends, step, fold)
    if fold is Fold.LAST:
        high, low = last_at(times, ends), last_at(times, ends - step)
        return np.where(high > low, values[np.maximum(high, 0)], np.nan) if len(values) else np.full(len(ends), np.nan)
    steps = steps or _Steps.of(column, ends, step)
    if fold in (Fold.MIN, Fold.MAX):
        return steps.brought_to_one(np.fmin if fold is Fold.MIN else np.fmax)
    counted = _Steps.of(parts.column(COUNT), ends, step).brought_to_one(np.add) if parts.rolled else steps.counts()
    if fold is Fold.COUNT:
        return np.nan_to_num(counted)
    with np.errstate(invalid="ignore", divide="ignore"):
        return steps.brought_to_one(np.add) / counted


@dataclass(slots=True)
class _Steps:
    """Where each step's values begin and stop; values that are NaN do not count."""

    values: Column
    begin: NDArray[np.int64]
    stop: NDArray[np.int64]

    @classmethod
    def of(cls, column: tuple[Column, Column], ends: Column, step: float) -> "_Steps":
        times, values = column
        known = ~np.isnan(values)
        if not known.all():
            times, values = times[known], values[known]
        edges = np.searchsorted(times, np.append(ends[0] - step, ends), side="right") if _regular(ends, step) else None
        if edges is not None:
            return cls(values, edges[:-1], edges[1:])
        begin = np.searchsorted(times, ends - step, side="right")
        return cls(values, begin, np.searchsorted(times, ends, side="right"))

    def counts(self) -> Column:
        """How many values each step has; nan for none."""
        found = (self.stop - self.begin).astype(np.float64)
        return np.where(found > 0, found, np.nan)

    def brought_to_one(self, by: np.ufunc) -> Column:
        """Each step's values, two by two until one is left."""
        found = np.full(len(self.begin), np.nan)
        has = self.stop > self.begin
        if has.any():
            # Laid end to end, begin and stop of the steps that have values: every other piece is a step.
            edges = np.column_stack((self.begin[has], self.stop[has])).ravel()
            edges = edges[:-1] if edges[-1] == len(self.values) else edges
            found[has] = by.reduceat(self.values, edges)[::2]
        return found


def _regular(ends: Column, step: float) -> bool:
    """Whether each step begins where the one before it ends, to the bit."""
    return bool((ends[:-1] == ends[1:] - step).all())


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
