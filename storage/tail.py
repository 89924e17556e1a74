"""The polls that were written since one last looked, each once: for who judges them as they come."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metrics.points import Column
from storage import checks, files, migrations
from storage.codec import DamagedError
from storage.index import Index, Name
from storage.names import STREAM

MOST = 2_000
"""Polls that are taken at once: after a pause there may be many."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """One poll: its series and their values, as many. ``layout`` is the same while the series are.

    seq     later polls have higher ones, whatever the clock said
    missed  it was there before one began to look: somebody else may have seen it
    """

    source: str
    tier: str
    at: float
    layout: int
    names: Sequence[Name]
    values: Column
    seq: int = 0
    missed: bool = False


class Tail:
    """Of one data folder's series file. One thread at a time. Damaged rows are passed over."""

    def __init__(self, folder: Path, back: float = 0.0) -> None:
        """Begins with what is written from now on, and with the polls of the last ``back`` seconds before."""
        self._back = back
        self._path = folder / files.SERIES
        self._index = Index()
        self._streams: dict[int, tuple[str, str]] = {}
        self._layouts: dict[int, list[Name]] = {}
        self._last: int | None = None
        self._began = 0
        self._db: sqlite3.Connection | None = None

    def new(self) -> list[Fresh]:
        """Polls in the order in which they were written. Raises sqlite3.Error and StoreError."""
        db = self._opened()
        if db is None:
            # What comes into a file that was not there is new.
            self._last = 0 if self._last is None else self._last
            return []
        try:
            db.execute("begin")
            try:
                return list(self._read(db))
            finally:
                if db.in_transaction:
                    db.execute("rollback")
        except sqlite3.Error:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _read(self, db: sqlite3.Connection) -> list[Fresh]:
        if self._last is None:
            newest = db.execute("select coalesce(max(at), 0) from hot").fetchone()[0]
            before = newest - self._back * 1000 if self._back else newest
            find = "select coalesce(max(seq), 0) from hot where at <= ?"
            self._last = int(db.execute(find, (before,)).fetchone()[0])
            self._began = int(db.execute("select coalesce(max(seq), 0) from hot").fetchone()[0])
            if not self._back:
                self._last = self._began
        rows = db.execute(
            "select seq, stream, at, layout, turn, crc, data from hot where seq > ? order by seq limit ?",
            (self._last, MOST),
        ).fetchall()
        found = []
        for seq, stream, at, layout, turn, crc, data in rows:
            self._last = seq
            fresh = self._fresh(db, seq, (stream, at, layout, turn, data), crc)
            if fresh is not None:
                found.append(fresh)
        return found

    def _fresh(self, db: sqlite3.Connection, seq: int, row: tuple[int, int, int, int, bytes], crc: int) -> Fresh | None:
        stream, at, layout, _, data = row
        try:
            if checks.of_hot(*row) != crc:
                return None
            names = self._names(db, layout)
        except (DamagedError, TypeError):
            return None
        of = self._stream(db, stream, names)
        values = np.frombuffer(data)
        if of is None or len(values) != len(names):
            return None
        return Fresh(of[0], of[1], at / 1000, layout, names, values, seq, seq <= self._began)

    def _names(self, db: sqlite3.Connection, layout: int) -> list[Name]:
        if layout not in self._layouts:
            numbers = self._index.layout(db, layout).tolist()
            self._index.refresh(db)
            names = [self._index.name(number) for number in numbers]
            if None in names:
                raise DamagedError(f"layout {layout} names a series that is damaged")
            if len(self._layouts) > MOST:
                self._layouts.clear()
            self._layouts[layout] = [name for name in names if name is not None]
        return self._layouts[layout]

    def _stream(self, db: sqlite3.Connection, stream: int, names: Sequence[Name]) -> tuple[str, str] | None:
        """Source and tier; the source as its series have it."""
        if stream not in self._streams and names:
            for number, (_, tier), sound in STREAM.rows(db, stream - 1):
                if number == stream and sound:
                    self._streams[stream] = names[0].mapping["source"], tier.decode()
        return self._streams.get(stream)

    def _opened(self) -> sqlite3.Connection | None:
        if self._db is not None and files.moved(self._path, self._db):
            # A restored backup: its numbers are others.
            self.close()
            self._index, self._streams, self._layouts, self._last = Index(), {}, {}, None
        if self._db is None and self._path.exists():
            opened = files.connect(self._path, write=False)
            if not files.furnished(opened, migrations.NEWEST):
                opened.close()
                return None
            self._db = opened
        return self._db
