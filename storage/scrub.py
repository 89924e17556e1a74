"""Looks at every byte that has a checksum, and takes what is damaged out of the way.

Looking needs a reader only, so it burdens no collector; taking out is the writer's. A damaged segment is kept whole in
`quarantine`, and its undamaged series go on in a new segment.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from storage import compaction
from storage.codec import DamagedError
from storage.compaction import Number
from storage.migrations import hot_check
from storage.segment import Filled, Read, Segment, encode, reader

PAGES = "pages"
"""Damage of SQLite's own structure, which nothing can be taken out of."""
Said = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Damage:
    """One damaged piece: what it is (poll, segment, layout or pages), its number, and what is wrong."""

    kind: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number}: {self.reason}" if self.number else f"{self.kind}: {self.reason}"


def look(db: sqlite3.Connection, said: Said = lambda done, of: None) -> list[Damage]:
    """All damage there is, in one consistent state of the file; ``said`` is told how many pieces of all are seen."""
    found = [*_structure(db)]
    db.execute("begin")
    try:
        broken = {damage.number: damage for damage in _layouts(db)}
        found += broken.values()
        rows = [row[0] for row in db.execute("select seq from hot order by seq").fetchall()]
        segments = [row[0] for row in db.execute("select id from segment order by id").fetchall()]
        for done, seq in enumerate(rows, start=1):
            found += _poll(db, seq, broken)
            said(done, len(rows) + len(segments))
        for done, number in enumerate(segments, start=1):
            found += _segment(db, number)
            said(len(rows) + done, len(rows) + len(segments))
    except sqlite3.DatabaseError as error:
        found.append(Damage(PAGES, 0, str(error)))
    finally:
        db.execute("rollback")
    return found


def quarantine(db: sqlite3.Connection, number: Number, damage: Sequence[Damage]) -> list[Damage]:
    """Take pieces out that are damaged indeed; which they were."""
    done = []
    for piece in damage:
        if piece.kind == "poll" and [*_poll(db, piece.number, {d.number: d for d in _layouts(db)})]:
            _take_poll(db, number, piece)
            done.append(piece)
        elif piece.kind == "segment" and [*_segment(db, piece.number)]:
            _take_segment(db, number, piece)
            done.append(piece)
    return done


def _structure(db: sqlite3.Connection) -> Iterator[Damage]:
    try:
        for (line,) in db.execute("pragma quick_check(20)").fetchall():
            if line != "ok":
                yield Damage(PAGES, 0, " ".join(line.split()))
    except sqlite3.DatabaseError as error:
        yield Damage(PAGES, 0, str(error))


def _layouts(db: sqlite3.Connection) -> Iterator[Damage]:
    for number, digest, series in db.execute("select id, digest, series from layout").fetchall():
        if hashlib.blake2b(series, digest_size=16).digest() != digest:
            yield Damage("layout", number, "its digest is wrong")


def _poll(db: sqlite3.Connection, seq: int, broken: dict[int, Damage]) -> Iterator[Damage]:
    try:
        row = db.execute("select stream, at, layout, turn, data, crc from hot where seq = ?", (seq,)).fetchone()
    except sqlite3.DatabaseError as error:
        yield Damage("poll", seq, f"cannot be read: {error}")
        return
    if row is None:
        return
    if not all(isinstance(value, int) for value in (*row[:4], row[5])) or not isinstance(row[4], bytes):
        yield Damage("poll", seq, "its columns are not what they were")
    elif hot_check(*row[:5]) != row[5]:
        yield Damage("poll", seq, "its checksum is wrong")
    elif row[2] in broken:
        yield Damage("poll", seq, f"its layout {row[2]} is damaged")


def _segment(db: sqlite3.Connection, number: int) -> Iterator[Damage]:
    try:
        row = db.execute("select data from segment where id = ?", (number,)).fetchone()
    except sqlite3.DatabaseError as error:
        yield Damage("segment", number, f"cannot be read: {error}")
        return
    if row is None:
        return
    try:
        read = reader(row[0])
        head = Segment(read, len(row[0]))
        head.figures()
    except (DamagedError, TypeError) as damage:
        yield Damage("segment", number, str(damage))
        return
    bad = len(head.numbers) - len(_good(head, read))
    if bad:
        yield Damage("segment", number, f"{bad} of its {len(head.numbers)} series are damaged")


def _good(head: Segment, read: Read) -> dict[int, list[Filled]]:
    """The undamaged series of a segment whose head is."""
    series = {}
    for number in head.numbers.tolist():
        try:
            series[number] = head.columns(read, number)
        except DamagedError:
            continue
    return series


def _take_poll(db: sqlite3.Connection, number: Number, piece: Damage) -> None:
    try:
        row = db.execute("select stream, at, at, data from hot where seq = ?", (piece.number,)).fetchone()
    except sqlite3.DatabaseError:
        row = (0, 0, 0, b"")
    with _transaction(db, number):
        compaction.quarantine(db, number, "poll", row[:3], piece.reason, row[3])
        db.execute("delete from hot where seq = ?", (piece.number,))


def _take_segment(db: sqlite3.Connection, number: Number, piece: Damage) -> None:
    place = "select stream, res, start, stop from segment where id = ?"
    stream, res, start, stop = db.execute(place, (piece.number,)).fetchone()
    try:
        blob = db.execute("select data from segment where id = ?", (piece.number,)).fetchone()[0]
        rest = _rest(blob)
    except (DamagedError, TypeError):
        rest = None
    except sqlite3.DatabaseError:
        blob, rest = b"", None
    with _transaction(db, number):
        compaction.quarantine(db, number, "segment", (stream, start, stop), piece.reason, blob)
        db.execute("delete from segment where id = ?", (piece.number,))
        if rest:
            db.execute(
                "insert into segment (id, stream, res, start, stop, ticks, samples, data)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                (number(), stream, res, start, stop, *rest),
            )


def _rest(blob: bytes) -> tuple[int, int, bytes] | None:
    """Ticks, samples and blob of what is undamaged."""
    read = reader(blob)
    head = Segment(read, len(blob))
    good = _good(head, read)
    if not good:
        return None
    samples = sum(len(columns[0].values) for columns in good.values())
    return len(head.times), samples, encode(head.times, head.turns, list(good), list(good.values()))


@contextmanager
def _transaction(db: sqlite3.Connection, number: Number) -> Iterator[None]:
    """One that takes rows away: readers learn of it by the generation."""
    db.execute("begin immediate")
    try:
        yield
        db.execute("update meta set value = value + 1 where name = 'generation'")
        db.execute("update meta set value = ? where name = 'seq'", (number(),))
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")
