"""Polls of one layout as a matrix: how rows become columns of values."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.points import Column, Points


@dataclass(frozen=True, slots=True)
class Block:
    """Polls of one layout: times, the series numbers of the columns, and one row of values per time."""

    times: Column
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]]
    values: np.ndarray[tuple[int, int], np.dtype[np.float64]]

    def points(self, members: Mapping[int, Mapping[str, str]]) -> Iterator[Points]:
        """The wanted columns, each as a series."""
        for column, number in enumerate(self.numbers):
            labels = members.get(int(number))
            if labels is not None:
                yield Points(labels, self.times, np.ascontiguousarray(self.values[:, column]))


_ALL = "select at, data from poll where layout = ? and source = ? and tier = ? and at between ? and ? order by at"

# The last poll of each step (k·step − step, k·step], and around every turn the poll itself and the one before it.
_THINNED = """
with span as (
    select at, turn, lag(at) over (order by at) as before
    from poll where source = :source and tier = :tier and at between :start and :end),
wanted as (
    select max(at) as at from span group by cast(at / :step as integer) + (at / :step > cast(at / :step as integer))
    union select at from span where turn
    union select before from span where turn
    union select min(at) from span)
select p.at, p.data from poll p join wanted w on p.at = w.at
where p.source = :source and p.tier = :tier and p.layout = :layout order by p.at
"""


def blocks(
    db: sqlite3.Connection, source: int, wanted: Sequence[int], start: float, end: float, step: float
) -> Iterator[Block]:
    """The polls of a source between two times whose layout has any of the wanted series."""
    layouts = db.execute("select id, tier, series from layout where source = ?", (source,)).fetchall()
    for layout, tier, packed in layouts:
        numbers = np.frombuffer(packed, dtype=np.int64)
        if not np.isin(numbers, wanted).any():
            continue
        if step:
            span = {"source": source, "tier": tier, "layout": layout, "start": start, "end": end, "step": step}
            rows = db.execute(_THINNED, span).fetchall()
        else:
            rows = db.execute(_ALL, (layout, source, tier, start, end)).fetchall()
        if rows:
            times = np.array([row[0] for row in rows])
            values = np.frombuffer(b"".join(row[1] for row in rows)).reshape(len(rows), len(numbers))
            yield Block(times, numbers, values)
