"""What outlives raw values: fewer ticks, and for each the last, least, most, sum and count of what it stands for.

Pure: tables in, tables out. A table is a segment taken apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.points import Column
from storage.codec import DamagedError
from storage.plan import thinned
from storage.segment import Filled, Segment, Times, encode
from storage.segment import Read as ReadBlob

LAST, LEAST, MOST, TOTAL, COUNT = range(5)
WIDTH = 5
"""Columns of a rollup; raw segments have the first only."""

Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Table:
    """Ticks, and per series number its columns over them; a mask says at which ticks a column has a value."""

    times: Times
    turns: Mask
    series: dict[int, list[tuple[Column, Mask]]]

    @property
    def samples(self) -> int:
        """How many values the first column has in all."""
        return sum(int(columns[0][1].sum()) for columns in self.series.values())

    def encoded(self) -> bytes:
        """The table as a segment's blob."""
        numbers = sorted(self.series)
        columns = [[_filled(values, mask) for values, mask in self.series[number]] for number in numbers]
        return encode(self.times, self.turns, numbers, columns)


def of_segment(head: Segment, read: ReadBlob) -> tuple[Table, list[str]]:
    """A segment taken apart, and what was wrong with the series that had to be left out."""
    series, wrong = {}, []
    for number in head.numbers.tolist():
        try:
            series[number] = [_spread(filled, len(head.times)) for filled in head.columns(read, number)]
        except DamagedError as damage:
            wrong.append(str(damage))
    return Table(head.times, head.turns, series), wrong


def of_rows(times: Times, turns: Mask, layouts: Sequence[NDArray[np.uint32]], rows: Sequence[Column]) -> Table:
    """Polls as a table: per poll its time, its layout and its values."""
    numbers = sorted({int(number) for layout in {id(one): one for one in layouts}.values() for number in layout})
    place = {number: i for i, number in enumerate(numbers)}
    values = np.zeros((len(numbers), len(times)))
    masks = np.zeros((len(numbers), len(times)), dtype=np.bool_)
    slots = {id(one): np.array([place[int(number)] for number in one], dtype=np.int64) for one in layouts}
    for i, (layout, row) in enumerate(zip(layouts, rows, strict=True)):
        values[slots[id(layout)], i] = row
        masks[slots[id(layout)], i] = True
    table = Table(times, turns, {number: [(values[i], masks[i])] for i, number in enumerate(numbers)})
    return joined([table])


def joined(tables: Sequence[Table]) -> Table:
    """Tables as one in time order; of two ticks of one time the later table's counts, whole."""
    times = np.concatenate([table.times for table in tables])
    if len(tables) == 1 and (np.diff(times) > 0).all():
        return tables[0]
    turns = np.concatenate([table.turns for table in tables])
    # The last of equal times, in rising order of time.
    order = len(times) - 1 - np.unique(times[::-1], return_index=True)[1]
    width = max((len(columns) for table in tables for columns in table.series.values()), default=1)
    series = {}
    for number in sorted({number for table in tables for number in table.series}):
        series[number] = [_laid(tables, number, column, order) for column in range(width)]
    # A tick that is set between two others by a late poll may hide a fall: both sides count as turns, also where the
    # late one is the last of its table.
    moved = np.append(False, np.diff(order) != 1)
    turns = turns[order] | moved
    home = np.repeat(np.arange(len(tables)), [len(table.times) for table in tables])[order]
    turns[1:] |= (home[1:] != home[:-1]) & turns[:-1]
    return Table(times[order], turns, series)


def without(table: Table, start: int, stop: int) -> Table:
    """A table without its ticks in (start, stop]."""
    stays = (table.times <= start) | (table.times > stop)
    series = {
        number: [(values[stays], mask[stays]) for values, mask in columns] for number, columns in table.series.items()
    }
    return Table(table.times[stays], table.turns[stays], series)


@np.errstate(over="ignore", invalid="ignore")
def rolled(table: Table, res: int) -> Table:
    """A raw table at a resolution in seconds: the last tick of each (k·res − res, k·res], and both sides of turns."""
    picked = thinned(table.times, table.turns, res)
    bucket = -(-table.times // (res * 1000))
    begin = np.flatnonzero(np.append(True, bucket[1:] != bucket[:-1]))
    last_of_bucket = np.append(begin[1:] - 1, len(bucket) - 1)
    # A tick that only a turn keeps stands for nothing but its own value.
    stands_for = np.isin(picked, last_of_bucket)
    series = {
        number: _figures(columns[0][0], columns[0][1], picked, begin, stands_for)
        for number, columns in table.series.items()
    }
    return Table(table.times[picked], table.turns[picked], series)


def _figures(
    values: Column, mask: Mask, picked: NDArray[np.int64], begin: NDArray[np.int64], stands_for: Mask
) -> list[tuple[Column, Mask]]:
    known = mask & ~np.isnan(values)
    least = np.fmin.reduceat(np.where(known, values, np.nan), begin)
    most = np.fmax.reduceat(np.where(known, values, np.nan), begin)
    total = np.add.reduceat(np.where(known, values, 0.0), begin)
    count = np.add.reduceat(known.astype(np.float64), begin)
    columns = [(values[picked], mask[picked])]
    for figures in (least, most, total, count):
        spread = np.zeros(len(picked))
        spread[stands_for] = figures
        there = np.zeros(len(picked), dtype=np.bool_)
        there[stands_for] = count > 0
        columns.append((np.where(there, spread, 0.0), there))
    return columns


def _laid(tables: Sequence[Table], number: int, column: int, order: NDArray[np.int64]) -> tuple[Column, Mask]:
    values, masks = [], []
    for table in tables:
        columns = table.series.get(number)
        if columns is None or column >= len(columns):
            values.append(np.zeros(len(table.times)))
            masks.append(np.zeros(len(table.times), dtype=np.bool_))
        else:
            values.append(columns[column][0])
            masks.append(columns[column][1])
    return np.concatenate(values)[order], np.concatenate(masks)[order]


def _filled(values: Column, mask: Mask) -> Filled:
    return Filled(np.ascontiguousarray(values)) if mask.all() else Filled(values[mask], mask)


def _spread(filled: Filled, ticks: int) -> tuple[Column, Mask]:
    if filled.mask is None:
        return filled.values, np.ones(ticks, dtype=np.bool_)
    values = np.zeros(ticks)
    values[filled.mask] = filled.values
    return values, filled.mask
