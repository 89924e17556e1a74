"""Looks at every byte that has a checksum, and takes what is damaged out of the way.

Looking needs a reader only, so it burdens no collector; taking out is the writer's. A damaged segment is kept whole in
`quarantine`, and its undamaged series go on in a new segment.
"""

import sqlite3
import struct
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from storage import checks, meta, names, spans
from storage.codec import DamagedError
from storage.index import layout_sound
from storage.names import Number
from storage.segment import Filled, Read, Segment, encode, reader

PAGES = "pages"
"""Damage of SQLite's own structure, which nothing can be taken out of."""
MOVABLE = ("poll", "segment", "layout", "source", "series", "stream", "record", "text", "meta")
"""What can be taken out."""
BREATH = 5.0
"""Seconds after which another state of the file is looked at: what holds one keeps the WAL from being written back."""
Said = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Damage:
    """One damaged piece: what it is (MOVABLE or pages), its number, and what is wrong."""

    kind: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number}: {self.reason}" if self.number else f"{self.kind}: {self.reason}"


def look(db: sqlite3.Connection, said: Said = lambda done, of: None) -> list[Damage]:
    """All damage there is in what was there at the beginning; ``said`` is told how many pieces of all are seen."""
    found, look_at = [*_structure(db)], _Breathing(db)
    try:
        broken = {damage.number: damage for damage in _layouts(db)}
        found += broken.values()
        found += _meta(db)
        found += _names(db)
        found += _records(db)
        rows = [row[0] for row in db.execute("select seq from hot order by seq").fetchall()]
        segments = [row[0] for row in db.execute("select id from segment order by id").fetchall()]
        layouts = db.execute("select id, series from layout").fetchall()
        used = {each for number, series in layouts if number not in broken for each in _numbers(series)}
        whole = {number for number, _ in layouts} - broken.keys()
        for done, seq in enumerate(rows, start=1):
            look_at.another()
            found += _poll(db, seq, whole)
            said(done, len(rows) + len(segments))
        for done, number in enumerate(segments, start=1):
            look_at.another()
            found += _segment(db, number, used)
            said(len(rows) + done, len(rows) + len(segments))
        found += _nameless(db, used)
    except sqlite3.DatabaseError as error:
        found.append(Damage(PAGES, 0, str(error)))
    finally:
        look_at.end()
    return found


class _Breathing:
    """Read transactions of a few seconds each. Pieces never change, so that those that are still there can be seen."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._begin()

    def _begin(self) -> None:
        self._db.execute("begin")
        self._since = time.monotonic()

    def another(self) -> None:
        if time.monotonic() - self._since > BREATH:
            self.end()
            self._begin()

    def end(self) -> None:
        if self._db.in_transaction:
            self._db.execute("rollback")


def quarantine(db: sqlite3.Connection, number: Number, damage: Sequence[Damage]) -> list[Damage]:
    """Take pieces out that are damaged indeed; which they were."""
    done, bad = [], {(piece.kind, piece.number) for piece in [*_layouts(db), *_records(db)]}
    whole = {number for (number,) in db.execute("select id from layout")} - {n for kind, n in bad if kind == "layout"}
    for piece in damage:
        if piece.kind == "poll" and [*_poll(db, piece.number, whole)]:
            _take_poll(db, number, piece)
        elif piece.kind == "segment" and [*_segment(db, piece.number)]:
            _take_segment(db, number, piece)
        elif piece.kind in names.TABLES and not names.TABLES[piece.kind].one(db, piece.number):
            _take_name(db, number, piece)
        elif piece.kind == "meta" and not meta.sound(db):
            _mend_meta(db, number)
        elif (piece.kind, piece.number) in bad:
            _take_row(db, number, piece)
        else:
            continue
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
    for number, *row in db.execute("select id, stream, digest, series, crc from layout").fetchall():
        if not layout_sound(number, *row):
            yield Damage("layout", number, "its digest or its checksum is wrong")


def _meta(db: sqlite3.Connection) -> Iterator[Damage]:
    if not meta.sound(db):
        yield Damage("meta", 0, "the table is not what it was")


def _names(db: sqlite3.Connection) -> Iterator[Damage]:
    """Sources, series and streams whose checksum is wrong, and sources that are gone."""
    sources = set()
    for table in names.TABLES.values():
        for number, row, sound in table.rows(db):
            if not sound:
                yield Damage(table.name, number, names.WRONG)
            elif table is not names.SOURCE and row[0]:
                sources.add(row[0])
    there = {number for number, _, _ in names.SOURCE.rows(db)}
    yield from (Damage("source", number, names.GONE) for number in sorted(sources - there))


def _nameless(db: sqlite3.Connection, used: set[int]) -> Iterator[Damage]:
    """Series that have values and no name."""
    there = {number for number, _, _ in names.SERIES.rows(db)}
    yield from (Damage("series", number, names.GONE) for number in sorted(used - there))


def _numbers(series: object) -> list[int]:
    whole = isinstance(series, bytes) and len(series) % 4 == 0
    return np.frombuffer(series, dtype=np.uint32).tolist() if whole else []  # type: ignore[call-overload]


def _records(db: sqlite3.Connection) -> Iterator[Damage]:
    """Texts and records that are not what was written."""
    digests: dict[int, bytes] = {}
    for number, digest, body in db.execute("select id, digest, cast(body as blob) from text"):
        digests[number] = digest
        if not isinstance(body, bytes) or checks.digest(body) != digest:
            yield Damage("text", number, names.WRONG)
    find = "select rowid, source, cast(kind as blob), cast(key as blob), at, crc, text from record"
    for row, source, kind, key, at, crc, text in db.execute(find):
        try:
            sound = checks.of_record(source, kind, key, at, digests[text]) == crc
        except (TypeError, KeyError, struct.error):
            sound = False
        if not sound:
            yield Damage("record", row, names.WRONG)


def _poll(db: sqlite3.Connection, seq: int, layouts: Collection[int]) -> Iterator[Damage]:
    """``layouts``: those that are sound."""
    try:
        row = db.execute("select stream, at, layout, turn, data, crc from hot where seq = ?", (seq,)).fetchone()
    except sqlite3.DatabaseError as error:
        yield Damage("poll", seq, f"cannot be read: {error}")
        return
    if row is None:
        return
    if not all(isinstance(value, int) for value in (*row[:4], row[5])) or not isinstance(row[4], bytes):
        yield Damage("poll", seq, "its columns are not what they were")
    elif checks.of_hot(*row[:5]) != row[5]:
        yield Damage("poll", seq, "its checksum is wrong")
    elif row[2] not in layouts:
        yield Damage("poll", seq, f"its layout {row[2]} is damaged")


def _segment(db: sqlite3.Connection, number: int, used: set[int] | None = None) -> Iterator[Damage]:
    """``used`` gets the numbers of its series."""
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
    if used is not None:
        used.update(head.numbers.tolist())
    wrong: dict[int, str] = {}
    if spans.one(db, wrong, number) is None:
        yield Damage("segment", number, spans.WRONG)
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
        names.put_aside(db, number, "poll", row[:3], piece.reason, row[3])
        db.execute("delete from hot where seq = ?", (piece.number,))


def _mend_meta(db: sqlite3.Connection, number: Number) -> None:
    with _transaction(db, number):
        meta.mend(db, number(), names.highest(db))


def _take_name(db: sqlite3.Connection, number: Number, piece: Damage) -> None:
    with _transaction(db, number):
        names.take_out(db, number, names.TABLES[piece.kind], piece.number, piece.reason)


def _take_row(db: sqlite3.Connection, number: Number, piece: Damage) -> None:
    """A layout, a text or a record; texts and records come again with the next poll that has them."""
    content = {"text": "cast(body as blob)", "record": "cast(key as blob)", "layout": "series"}[piece.kind]
    data = db.execute(f"select {content} from {piece.kind} where rowid = ?", (piece.number,)).fetchone()  # noqa: S608
    if data is None:
        # A record that went with its text.
        return
    with _transaction(db, number):
        names.put_aside(db, number, piece.kind, (0, 0, 0), piece.reason, data[0])
        if piece.kind == "text":
            db.execute("delete from record where text = ?", (piece.number,))
        db.execute(f"delete from {piece.kind} where rowid = ?", (piece.number,))  # noqa: S608


def _take_segment(db: sqlite3.Connection, number: Number, piece: Damage) -> None:
    place = "select stream, res, start, stop from segment where id = ?"
    stream, res, start, stop = db.execute(place, (piece.number,)).fetchone()
    try:
        blob = db.execute("select data from segment where id = ?", (piece.number,)).fetchone()[0]
        # Of which time and stream its series are is not known where the row is wrong.
        rest = _rest(blob) if spans.one(db, {}, piece.number) else None
    except (DamagedError, TypeError):
        rest = None
    except sqlite3.DatabaseError:
        blob, rest = b"", None
    with _transaction(db, number):
        names.put_aside(db, number, "segment", (stream, start, stop), piece.reason, blob)
        db.execute("delete from segment where id = ?", (piece.number,))
        if rest:
            spans.put(db, spans.Span(number(), stream, res, start, stop, *rest[:2]), rest[2])


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
        meta.step(db, number())
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")
