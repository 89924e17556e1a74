"""From rows to segments, from segments to days, from days to rollups, and out in the end.

Each step is one transaction, so that a crash leaves the file before it or after it. Readers see a new generation and
start anew. Windows are (start, stop], so that a step's last sample is in the window that the step ends.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from storage import checks, meta, records, wal
from storage.codec import DamagedError
from storage.index import Numbers, layout
from storage.names import put_aside
from storage.plan import HOUR, RAW, TEN_MINUTES
from storage.rollup import Table, joined, of_rows, of_segment, rolled, without
from storage.segment import Segment, reader
from storage.spans import Span, overlapping, put

WINDOW = 2 * 3600_000
DAY = 24 * 3600_000
BLOCK = 30 * DAY
"""How much an hourly rollup's blob covers; the newest is written anew each day."""
GRACE = 15 * 60_000
"""How long a window waits for late polls; later ones cost its segment being written anew."""

Number = Callable[[], int]
Row = tuple[int, int, int, int, int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Seconds that each resolution is kept, and how large the file may be; 0 bytes is no limit."""

    raw: float = 30 * 86400.0
    ten_minutes: float = 365 * 86400.0
    hour: float = 5 * 365 * 86400.0
    most_bytes: int = 0


@dataclass(slots=True)
class Report:
    """What a compaction did."""

    windows: int = 0
    merged: int = 0
    forgotten: int = 0
    damaged: list[str] = field(default_factory=list)


def compact(
    db: sqlite3.Connection,
    lock: threading.RLock,
    number: Number,
    now: int,
    retention: Retention | None,
    layouts: Callable[[], Sequence[int]],
) -> Report:
    """All steps that are due at ``now``, in milliseconds; ``layouts`` are those that the next polls may use."""
    report = Report()
    for stream, start in _due(db, now):
        with lock:
            _seal(db, number, stream, start, report)
    for stream, day in _whole_days(db, now):
        with lock:
            _merge(db, number, stream, day, report)
    with lock:
        if retention:
            report.forgotten = _forget(db, number, now, retention)
        if report.windows or report.merged or report.forgotten:
            _drop_layouts(db, layouts())
            _tidy(db)
    return report


def window_of(at: int, length: int) -> int:
    """The start of the window (start, start + length] that a time is in.

    >>> window_of(7200_000, WINDOW), window_of(7200_001, WINDOW)
    (0, 7200000)
    """
    return (-(-at // length) - 1) * length


def prune(db: sqlite3.Connection, number: Number, before: int) -> int:
    """Forget raw polls and records older than this; how many polls."""
    with _step(db, number):
        gone = db.execute("delete from hot where at < ?", (before,)).rowcount
        ticks = "select coalesce(sum(ticks), 0) from segment where res = ? and stop < ?"
        gone += db.execute(ticks, (RAW, before)).fetchone()[0]
        db.execute("delete from segment where res = ? and stop < ?", (RAW, before))
        records.forget(db, before / 1000)
    return int(gone)


# --- steps ----------------------------------------------------------------------------------------------------


class _step:  # noqa: N801
    """One transaction that takes rows away: readers learn of it by the generation."""

    def __init__(self, db: sqlite3.Connection, number: Number) -> None:
        self._db, self._number = db, number

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            if self._db.in_transaction:
                self._db.execute("rollback")
            return
        meta.step(self._db, self._number())
        self._db.execute("commit")


def _due(db: sqlite3.Connection, now: int) -> list[tuple[int, int]]:
    """Streams and windows that have hot rows and are over."""
    rows = db.execute("select stream, at from hot").fetchall()
    found = {(stream, window_of(at, WINDOW)) for stream, at in rows}
    return sorted((stream, start) for stream, start in found if start + WINDOW + GRACE <= now)


def _seal(db: sqlite3.Connection, number: Number, stream: int, start: int, report: Report) -> None:
    """The hot rows of one window into its segment, or into the day's that has it already."""
    rows = db.execute(
        "select seq, at, layout, turn, crc, data from hot where stream = ? and at > ? and at <= ? order by at, seq",
        (stream, start, start + WINDOW),
    ).fetchall()
    layouts = _layouts(db, {row[2] for row in rows})
    good = [row for row in rows if _sound(stream, row, layouts)]
    with _step(db, number):
        _quarantine_rows(db, number, stream, [row for row in rows if row not in good], report)
        if good:
            fresh = _rows_table(layouts, good)
            there = _overlapping(db, number, report, stream, RAW, start, start + WINDOW)
            old = _taken(db, number, there, report)
            low = min([start, *(span.start for span in there)])
            high = max([start + WINDOW, *(span.stop for span in there)])
            table = joined([*old, fresh]) if old else fresh
            _put(db, number, stream, RAW, low, high, table)
            if high - low == DAY:
                _roll(db, number, stream, low, table, report)
        db.executemany("delete from hot where seq = ?", [(row[0],) for row in rows])
    report.windows += 1


def _whole_days(db: sqlite3.Connection, now: int) -> list[tuple[int, int]]:
    """Streams and days that are over and still in pieces."""
    rows = db.execute("select stream, start from segment where res = ? and stop - start < ?", (RAW, DAY)).fetchall()
    found = {(stream, window_of(start + 1, DAY)) for stream, start in rows}
    return sorted((stream, day) for stream, day in found if day + DAY + GRACE + WINDOW <= now)


def _merge(db: sqlite3.Connection, number: Number, stream: int, day: int, report: Report) -> None:
    """A day's segments into one, and into the rollups."""
    with _step(db, number):
        there = _overlapping(db, number, report, stream, RAW, day, day + DAY)
        tables = _taken(db, number, there, report)
        if tables:
            table = joined(tables)
            _put(db, number, stream, RAW, day, day + DAY, table)
            _roll(db, number, stream, day, table, report)
    report.merged += 1


def _roll(db: sqlite3.Connection, number: Number, stream: int, day: int, table: Table, report: Report) -> None:
    """The rollups of a day: its own blob of ten minutes, and its part of the block of hours."""
    _taken(db, number, _overlapping(db, number, report, stream, TEN_MINUTES, day, day + DAY), report)
    _put(db, number, stream, TEN_MINUTES, day, day + DAY, rolled(table, TEN_MINUTES))
    block = window_of(day + 1, BLOCK)
    there = _overlapping(db, number, report, stream, HOUR, block, block + BLOCK)
    old = _taken(db, number, there, report)
    low = min([day, *(span.start for span in there)])
    high = max([day + DAY, *(span.stop for span in there)])
    rest = [without(part, day, day + DAY) for part in old]
    _put(db, number, stream, HOUR, low, high, joined([*rest, rolled(table, HOUR)]))


def _forget(db: sqlite3.Connection, number: Number, now: int, retention: Retention) -> int:
    """Drop what is older than its resolution is kept, then the oldest raw segments while the file is too large."""
    kept = {RAW: retention.raw, TEN_MINUTES: retention.ten_minutes, HOUR: retention.hour}
    old = [
        row[0]
        for res, seconds in kept.items()
        for row in db.execute("select id from segment where res = ? and stop < ?", (res, now - round(seconds * 1000)))
    ]
    if retention.most_bytes:
        used = db.execute("select coalesce(sum(length(data)), 0) from segment").fetchone()[0]
        oldest = db.execute("select id, length(data) from segment where res = ? order by stop", (RAW,)).fetchall()
        for segment, size in oldest:
            if used <= retention.most_bytes:
                break
            used -= size
            old.append(segment)
    if old:
        with _step(db, number):
            db.executemany("delete from segment where id = ?", [(segment,) for segment in old])
    return len(old)


def _drop_layouts(db: sqlite3.Connection, used: Sequence[int]) -> None:
    """Layouts that no hot row needs and no next poll will."""
    unused = "select id from layout where id not in (select layout from hot)"
    gone = [(number,) for (number,) in db.execute(unused).fetchall() if number not in used]
    db.executemany("delete from layout where id = ?", gone)


def _tidy(db: sqlite3.Connection) -> None:
    """Give the room back: to the file, and from the WAL."""
    # executescript, as execute would give back one page only: it makes one step of a statement without columns.
    db.executescript("pragma incremental_vacuum")
    wal.write_back(db)


# --- pieces ---------------------------------------------------------------------------------------------------


def _layouts(db: sqlite3.Connection, wanted: Iterable[int]) -> dict[int, Numbers]:
    """Those of some layouts that are not damaged."""
    found = {}
    for number in wanted:
        with suppress(DamagedError):
            found[number] = layout(db, number)
    return found


def _sound(stream: int, row: Row, layouts: Mapping[int, Numbers]) -> bool:
    try:
        checked = checks.of_hot(stream, row[1], row[2], row[3], row[5]) == row[4]
    except TypeError:
        # A number that has become a text.
        return False
    return checked and row[2] in layouts and len(row[5]) == 8 * len(layouts[row[2]])


def _rows_table(layouts: Mapping[int, Numbers], rows: Sequence[Row]) -> Table:
    numbers = np.array([row[0] for row in rows])
    # Between two polls that came in the wrong order a counter may have fallen unseen.
    late = np.append(False, numbers[1:] < numbers[:-1])
    return of_rows(
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[3] for row in rows], dtype=np.bool_) | late,
        [layouts[row[2]] for row in rows],
        [np.frombuffer(row[5]) for row in rows],
    )


def _overlapping(
    db: sqlite3.Connection, number: Number, report: Report, stream: int, res: int, start: int, stop: int
) -> list[Span]:
    """The segments that touch a window; one that is not what it was written as goes to quarantine."""
    damaged: dict[int, str] = {}
    found = [*overlapping(db, damaged, stream, res, start, stop)]
    for segment, reason in damaged.items():
        blob = db.execute("select data from segment where id = ?", (segment,)).fetchone()[0]
        put_aside(db, number, "segment", (stream, start, stop), reason, blob)
        report.damaged.append(f"segment {segment}: {reason}")
        db.execute("delete from segment where id = ?", (segment,))
    return found


def _taken(db: sqlite3.Connection, number: Number, segments: Iterable[Span], report: Report) -> list[Table]:
    """Segments out of the file and taken apart; a damaged one goes to quarantine, and its good series go on."""
    tables = []
    for span in segments:
        blob = db.execute("select data from segment where id = ?", (span.segment,)).fetchone()[0]
        read = reader(blob)
        try:
            table, wrong = of_segment(Segment(read, len(blob)), read)
            tables += [table] if table.series else []
        except DamagedError as damage:
            wrong = [str(damage)]
        if wrong:
            put_aside(db, number, "segment", (span.stream, span.start, span.stop), "; ".join(wrong[:3]), blob)
            report.damaged += [f"segment {span.segment}: {reason}" for reason in wrong]
        db.execute("delete from segment where id = ?", (span.segment,))
    return tables


def _put(db: sqlite3.Connection, number: Number, stream: int, res: int, start: int, stop: int, table: Table) -> None:
    put(db, Span(number(), stream, res, start, stop, len(table.times), table.samples), table.encoded())


def _quarantine_rows(
    db: sqlite3.Connection, number: Number, stream: int, rows: Sequence[Sequence[object]], report: Report
) -> None:
    for row in rows:
        put_aside(db, number, "poll", (stream, row[1], row[1]), "its checksum is wrong", row[5])
        report.damaged.append(f"poll {row[0]}: its checksum is wrong")
