"""Folds of `window`: from raw values, or by the engine where those would be too many."""

from collections.abc import Iterator

import numpy as np

from metrics.increase import falls, over
from metrics.model import Selector
from metrics.points import Column, Points, last_at
from storage.remote.ask import Ask
from storage.store import Fold

_FUNCTIONS = {Fold.MIN: "min", Fold.MAX: "max", Fold.AVG: "avg", Fold.COUNT: "count"}


def folded(times: Column, values: Column, ends: Column, step: float, fold: Fold) -> Column:
    """One value per step (end − step, end]; nan where the step has no sample, but 0 where samples are counted."""
    high, low = last_at(times, ends), last_at(times, ends - step)
    has = high > low
    if fold in (Fold.INCREASE, Fold.RATE):
        finite = np.isfinite(values)
        points = Points({}, times[finite], values[finite])
        if not finite.any():
            return np.full(len(ends), np.nan)
        cells = over(points, ends - step, ends, falls([points], ()).get((), ()))
        return np.where(has, cells.increase if fold is Fold.INCREASE else cells.increase / cells.elapsed, np.nan)
    if fold is Fold.COUNT:
        return (high - low).astype(np.float64)
    if fold is Fold.LAST:
        return np.where(has, values[np.maximum(high, 0)], np.nan)
    return np.array([_one(values[a + 1 : b + 1], fold) for a, b in zip(low, high, strict=True)])


def _one(values: Column, fold: Fold) -> float:
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan")
    if fold is Fold.AVG:
        return float(values.mean())
    return float(values.min() if fold is Fold.MIN else values.max())


def over_time(
    ask: Ask, selector: Selector, t0: float, step: float, n: int, fold: Fold
) -> Iterator[tuple[dict[str, str], Column]]:
    """Labels and column of each series, folded by the engine."""
    # Prometheus before 3 takes a sample on the left edge as well, so the window is a millisecond shorter.
    query = f"{_FUNCTIONS[fold]}_over_time({ask.text(selector)}[{round(step * 1000) - 1}ms])"
    columns: dict[tuple[tuple[str, str], ...], Column] = {}
    for rows in ask.grid(query, t0, step, n):
        for labels, times, values in rows:
            blank = np.full(n, 0.0 if fold is Fold.COUNT else np.nan)
            column = columns.setdefault(tuple(sorted(labels.items())), blank)
            column[np.round((times - t0) / step).astype(np.int64)] = values
    return ((dict(labels), column) for labels, column in columns.items())
