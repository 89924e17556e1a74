"""The data folder: opening its files, and the lock that lets one process write samples.

StoreError
├── StoreBusy      another process writes; it is named
├── StoreMoved     a file under it was deleted or replaced
└── StoreTooNew    the file was written by a later version
"""

import fcntl
import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TextIO

from sqlite_utils import Database, Migrations

SERIES = "series.db"
STATE = "state.db"


class StoreError(Exception):
    """The store cannot do what was asked."""


class StoreBusy(StoreError):
    """Another process holds the writer's lock."""


class StoreMoved(StoreError):
    """A file of the store is not the one that was opened."""


class StoreTooNew(StoreError):
    """The file has changes that this version does not know."""


class WriterLock:
    """Held while a process may write samples; it dies with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock, or raise StoreBusy naming the process that has it."""
        self._file: TextIO = (folder / "collector.lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "{}"
            self._file.close()
            raise StoreBusy(_held_by(folder, holder)) from None
        self._file.truncate(0)
        json.dump({"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S %Z")}, self._file)
        self._file.flush()

    def release(self) -> None:
        """Let the next one write."""
        self._file.close()


def _held_by(folder: Path, holder: str) -> str:
    known = json.loads(holder)
    return f"{folder} is being written by process {known.get('pid', '?')} since {known.get('since', '?')}"


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """A connection in WAL mode whose commits are on disk when they return; readers cannot write."""
    uri = f"{path.absolute().as_uri()}{'' if write else '?mode=ro'}"
    connection = sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None, check_same_thread=False)
    if write:
        # Only an empty file takes this up, and only before it has a WAL; it lets a compaction give room back.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # Debian's SQLite overwrites what is deleted with zeroes: twice the bytes written for every compaction.
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA mmap_size = 1073741824")
    return connection


def inode(path: Path) -> int:
    """Which file the WAL is: another one under the same name is somebody else's doing."""
    return path.with_name(f"{path.name}-wal").stat().st_ino


def check_in_place(path: Path, known: int, connection: sqlite3.Connection) -> None:
    """Raise StoreMoved when the WAL under a live writer was deleted or replaced: SQLite itself goes on without a word.

    What was committed is saved into the main file first, which the connection still has.
    """
    try:
        if inode(path) == known:
            return
    except FileNotFoundError:
        pass
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    raise StoreMoved(f"{path}-wal was deleted or replaced while it was in use")


def milliseconds(at: float) -> int:
    """Times are kept in whole milliseconds of the epoch."""
    return round(at * 1000)


def size(path: Path) -> int:
    """Bytes on disk of a file with its WAL and its index of that."""
    return sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*") if part.suffix != ".mark")


def migrate(path: Path, migrations: Migrations) -> None:
    """Bring a file to this version's schema, or refuse one from a later version. One process at a time does it."""
    with (path.parent / "migrate.lock").open("a") as lock, closing(connect(path, write=True)) as connection:
        fcntl.flock(lock, fcntl.LOCK_EX)
        db = Database(connection)
        known = {migration.name for migration in migrations.pending(Database(memory=True))}
        strange = sorted({migration.name for migration in migrations.applied(db)} - known)
        if strange:
            raise StoreTooNew(f"{path} has {', '.join(strange)}, which this version (up to {max(known)}) does not know")
        migrations.apply(db)


def empty(migrations: Migrations) -> sqlite3.Connection:
    """What a file that is not there yet would say."""
    db = Database(memory=True)
    migrations.apply(db)
    connection: sqlite3.Connection = db.conn
    return connection
