"""Records: the newest body of each key, every text kept once, and of no source more than its share.

A server that floods a log must not fill the disk, and must not push out what others said. What is over the bounds is
forgotten, the oldest first, and counted.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from metrics.poll import Poll, Record
from storage import checks
from storage.store import StoredRecord


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept of one source: records, and bytes of their keys and texts; a shared text counts for each.

    A text of more than a quarter of the bytes is not kept at all: it would push out everything else.
    """

    most: int = 20_000
    most_bytes: int = 32 * 2**20


class Records:
    """The writer's half."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        """``bounds``: of each source."""
        self.bounds = bounds or Bounds()
        self._since: dict[int, tuple[int, int]] = {}

    def put(self, db: sqlite3.Connection, poll: Poll) -> None:
        """Keep what a poll brought. Between two turns of upkeep a source is over its bounds by a quarter at most."""
        source = int(db.execute("select id from source where name = ?", (poll.source,)).fetchone()[0])
        bodies = [(_body(record.body), record) for record in poll.records]
        kept = [
            (checks.digest(body), len(body) + len(record.key.encode()), record)
            for body, record in bodies
            if len(body) <= self.bounds.most_bytes // 4
        ]
        _count(db, source, len(bodies) - len(kept), poll.at)
        db.executemany(
            "insert into text (digest, body) values (?, ?) on conflict do nothing",
            [(known, record.body) for known, _, record in kept],
        )
        db.executemany(
            "insert into record (source, kind, key, at, bytes, crc, text)"
            " select ?, ?, ?, ?, ?, ?, id from text where digest = ?"
            " on conflict do update set at = excluded.at, bytes = excluded.bytes, crc = excluded.crc,"
            " text = excluded.text",
            [
                (source, record.kind, record.key, poll.at, size, _check(source, poll.at, record, known), known)
                for known, size, record in kept
            ],
        )
        count, size = self._since.get(source, (0, 0))
        self._since[source] = count + len(kept), size + sum(each[1] for each in kept)
        if 4 * self._since[source][0] > self.bounds.most or 4 * self._since[source][1] > self.bounds.most_bytes:
            self._bound(db, source, poll.at)

    def bound(self, db: sqlite3.Connection, now: float) -> None:
        """Every source within its bounds; within a transaction."""
        for (source,) in db.execute("select distinct source from record").fetchall():
            self._bound(db, source, now)

    def _bound(self, db: sqlite3.Connection, source: int, now: float) -> None:
        self._since.pop(source, None)
        most, most_bytes = self.bounds.most, self.bounds.most_bytes
        count, size = db.execute("select count(*), sum(bytes) from record where source = ?", (source,)).fetchone()
        if count <= most and (size or 0) <= most_bytes:
            return
        gone = db.execute(
            "delete from record where rowid in (select row from (select rowid as row, row_number() over newest as n,"
            " sum(bytes) over newest as size from record where source = ?"
            " window newest as (order by at desc, rowid desc rows unbounded preceding)) where n > ? or size > ?)",
            (source, most, most_bytes),
        ).rowcount
        _count(db, source, gone, now)
        drop_texts(db)


def forget(db: sqlite3.Connection, before: float) -> None:
    """Records that were last seen before."""
    if db.execute("delete from record where at < ?", (before,)).rowcount:
        drop_texts(db)


def drop_texts(db: sqlite3.Connection) -> None:
    """Those that no record has any more."""
    db.execute("delete from text where id not in (select text from record)")


def found(db: sqlite3.Connection, source: str, kind: str, damaged: set[int]) -> Iterator[StoredRecord]:
    """Records of one kind, newest first; the rows of those that are not what was written enter ``damaged``."""
    rows = db.execute(
        "select r.rowid, s.id, s.crc, cast(r.key as blob), r.at, r.crc, t.digest, cast(t.body as blob)"
        " from record r join source s on s.id = r.source left join text t on t.id = r.text"
        " where s.name = ? and r.kind = ? order by r.at desc",
        (source, kind),
    ).fetchall()
    for row, number, known, key, at, crc, kept, body in rows:
        if known == checks.of_source(number, source.encode()) and sound(
            (number, kind.encode(), key, at), crc, kept, body
        ):
            damaged.discard(row)
            yield StoredRecord(source, kind, key.decode(), at, body.decode())
        else:
            damaged.add(row)


def sound(row: tuple[int, bytes, bytes, float], crc: object, kept: bytes, body: bytes) -> bool:
    """Whether a record (its source, kind, key and time) and its text are what was written."""
    try:
        return checks.of_record(*row, kept) == crc and checks.digest(body) == kept
    except (TypeError, ValueError):
        return False


def dropped(db: sqlite3.Connection) -> Sequence[tuple[str, int]]:
    """How many records each source had over its bounds, ever."""
    return db.execute(
        "select s.name, d.records from dropped d join source s on s.id = d.source order by s.name"
    ).fetchall()


def _body(body: object) -> bytes:
    if not isinstance(body, str):
        raise sqlite3.ProgrammingError(f"a record's body is a text, not {type(body).__name__}")
    return body.encode()


def _check(source: int, at: float, record: Record, known: bytes) -> int:
    return checks.of_record(source, record.kind.encode(), record.key.encode(), at, known)


def _count(db: sqlite3.Connection, source: int, gone: int, now: float) -> None:
    if gone:
        db.execute(
            "insert into dropped (source, records, last) values (?, ?, ?)"
            " on conflict do update set records = records + excluded.records, last = excluded.last",
            (source, gone, now),
        )
