"""Polls that wait on disk for a remote to come back, oldest first: bounded, and safe once `keep` has returned."""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import cramjam
import msgspec
from sqlite_utils import Database, Migrations

from storage import files
from storage.files import StoreError
from storage.remote.batch import MOST_SAMPLES, Batch, of_entries
from storage.remote.entry import Entry

SPOOL = "spool.db"
REMEMBERED = 60.0
"""Seconds for which what has arrived is kept: an engine that dies forgets what it had only in memory."""
migrations = Migrations("trivet.spool")


@migrations(name="m001_waiting")
def _m001_waiting(db: Database) -> None:
    """One row per poll, numbered as they came: MessagePack of an Entry, packed with zstd."""
    db.table("waiting").create({"id": int, "at": int, "samples": int, "sent": int, "data": bytes}, pk="id")
    db.table("waiting").create_index(["sent", "id"])


class SpoolFull(StoreError):
    """There is no room for what should wait."""


class Spool:
    """The backlog of a store that has no other: written by one process, looked at by many."""

    def __init__(self, folder: Path, most: int) -> None:
        """``most``: bytes that may wait."""
        self.path = folder / SPOOL
        self._most = most
        files.migrate(self.path, migrations)
        self._db = files.connect(self.path, write=True)
        self._one = threading.Lock()
        self._given = 0
        self._arrived: deque[tuple[float, int]] = deque()
        # Whoever ended us may have ended the remote as well.
        self._db.execute("update waiting set sent = 0")
        self._count()

    def waits(self) -> bool:
        """Whether anything is left to send."""
        return self._rows > 0

    def keep(self, entries: Iterable[Entry]) -> None:
        """Polls that could not be sent, behind those that wait. They are on disk when this returns."""
        rows = [(entry.at, len(entry.rows), _packed(entry)) for entry in entries]
        size = sum(len(row[2]) for row in rows)
        if self._bytes + size > self._most:
            raise SpoolFull(f"{self.path} is full: {self._rows} polls wait for the remote, and no more are kept")
        with self._one:
            self._db.execute("begin immediate")
            try:
                self._db.executemany("insert into waiting (at, samples, sent, data) values (?, ?, 0, ?)", rows)
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
        self._bytes += size
        self._rows += len(rows)

    def next(self) -> Batch:
        """The oldest polls that wait, about one request of them."""
        rows = self._db.execute("select id, samples, data from waiting where sent = 0 order by id limit 500").fetchall()
        taken: list[Entry] = []
        samples = 0
        for number, count, data in rows:
            if taken and samples + count > MOST_SAMPLES:
                break
            taken.append(_unpacked(data))
            samples += count
            self._given = number
        return of_entries(taken)

    def done(self) -> None:
        """What `next` gave last has arrived."""
        now = time.monotonic()
        self._arrived.append((now, self._given))
        old = 0
        while self._arrived and self._arrived[0][0] < now - REMEMBERED:
            old = self._arrived.popleft()[1]
        with self._one:
            self._db.execute("update waiting set sent = 1 where sent = 0 and id <= ?", (self._given,))
            self._db.execute("delete from waiting where sent = 1 and id <= ?", (old,))
        self._count()

    def rewind(self) -> None:
        """The remote may have lost what it was sent a short while ago: that waits again."""
        self._arrived.clear()
        with self._one:
            self._db.execute("update waiting set sent = 0 where sent = 1")
        self._count()

    def sent(self, entries: Iterable[Entry]) -> None:
        """Polls arrived without waiting: nothing is to be noted, but what is no longer needed goes."""
        if self._arrived and self._arrived[-1][0] < time.monotonic() - REMEMBERED:
            self._arrived.clear()
            with self._one:
                self._db.execute("delete from waiting where sent = 1")
            self._count()

    def _count(self) -> None:
        counted = "select coalesce(sum(length(data)), 0), coalesce(sum(1 - sent), 0) from waiting"
        self._bytes, self._rows = map(int, self._db.execute(counted).fetchone())

    def close(self) -> None:
        """What waits stays on disk."""
        self._db.close()


def waiting(folder: Path) -> tuple[int, float | None]:
    """How many polls wait in a folder's spool, and the time of the oldest; for other processes to show."""
    path = folder / SPOOL
    if not path.exists():
        return 0, None
    db = files.connect(path, write=False)
    try:
        count, at = db.execute("select count(*), min(at) from waiting where sent = 0").fetchone()
    except sqlite3.OperationalError:
        return 0, None
    finally:
        db.close()
    return int(count), None if at is None else at / 1000


def _packed(entry: Entry) -> bytes:
    return bytes(cramjam.zstd.compress(msgspec.msgpack.encode(entry)))


def _unpacked(data: bytes) -> Entry:
    return msgspec.msgpack.decode(bytes(cramjam.zstd.decompress(data)), type=Entry)
