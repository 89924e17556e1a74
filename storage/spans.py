"""The rows of segments, each verified: what they are of is as much worth a checksum as what is in them."""

import sqlite3
from collections.abc import Iterator, MutableMapping
from typing import NamedTuple

from storage import checks

_FIND = (
    "select s.id, s.stream, s.res, s.start, s.stop, s.ticks, s.samples, c.crc"
    " from segment s left join segment_check c on c.segment = s.id"
)
WRONG = "the checksum of its span is wrong"
Damaged = MutableMapping[int, str]


class Span(NamedTuple):
    """A segment without its data: times in milliseconds, (start, stop]."""

    segment: int
    stream: int
    res: int
    start: int
    stop: int
    ticks: int
    samples: int


def spans(db: sqlite3.Connection, damaged: Damaged, where: str = "", given: tuple[int, ...] = ()) -> Iterator[Span]:
    """The sound ones of those that ``where``, which is ours, chooses; the others enter ``damaged``."""
    for *row, crc in db.execute(_FIND + where, given).fetchall():
        span = Span(*row)
        if sound(span, crc):
            yield span
        else:
            damaged[span.segment] = WRONG


def overlapping(
    db: sqlite3.Connection, damaged: Damaged, stream: int, res: int, start: int, stop: int
) -> Iterator[Span]:
    """Those of a stream that touch (start, stop], in order."""
    where = " where s.stream = ? and s.res = ? and s.start < ? and s.stop > ? order by s.start"
    return spans(db, damaged, where, (stream, res, stop, start))


def one(db: sqlite3.Connection, damaged: Damaged, segment: int) -> Span | None:
    """One of them, by its number."""
    return next(spans(db, damaged, " where s.id = ?", (segment,)), None)


def sound(span: Span, crc: object) -> bool:
    """Whether a row is what was written."""
    try:
        return checks.of_segment(*span) == crc
    except TypeError:
        return False


def put(db: sqlite3.Connection, span: Span, data: bytes) -> None:
    """Enter a segment."""
    db.execute(
        "insert into segment (id, stream, res, start, stop, ticks, samples, data) values (?, ?, ?, ?, ?, ?, ?, ?)",
        (*span, data),
    )
    # A column behind the data would cost the whole of it to be read.
    entry = (span.segment, checks.of_segment(*span))
    db.execute("insert or replace into segment_check (segment, crc) values (?, ?)", entry)
