"""The data folder: opening its files, and the lock that lets one process write samples.

StoreError
├── StoreBusy      another process writes; it is named
├── StoreMoved     a file under it was deleted or replaced
├── StoreOld       the file is still as an earlier version left it
├── StoreSlow      a question took longer than a reader may hold one state of the file
└── StoreTooNew    the file was written by a later version
"""

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TextIO

from sqlite_utils import Database, Migrations

MIGRATIONS = "_sqlite_migrations"
"""Where sqlite-utils keeps which changes a file has had."""
SERIES = "series.db"
STATE = "state.db"
BUSY_MS = 10_000
"""How long a connection waits for another that has locked the file."""
WAL_BYTES = 64 * 2**20
"""What is left of a WAL that was written back."""


class StoreError(Exception):
    """The store cannot do what was asked."""


class StoreBusy(StoreError):
    """Another process holds the writer's lock."""


class StoreMoved(StoreError):
    """A file of the store is not the one that was opened."""


class StoreSlow(StoreError):
    """A question took too long."""


class StoreOld(StoreError):
    """The file is of an earlier version, and only the collector changes it."""


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


class Reading(sqlite3.Connection):
    """A connection that only reads, and what it was opened on.

    alone  the folder is read-only and nobody writes: locks cannot be had, and are not needed
    """

    alone = False
    seen: tuple[object, ...] = ()


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """A connection in WAL mode whose commits are on disk when they return; readers cannot write."""
    if not write:
        return _reading(path)
    connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    # Only an empty file takes this up, and only before it has a WAL; it lets a compaction give room back.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # Debian's SQLite overwrites what is deleted with zeroes: twice the bytes written for every compaction.
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    _sized(connection)
    return connection


def _reading(path: Path) -> Reading:
    """Without a place for the -shm file SQLite refuses even to read, unless it is told that it is alone."""
    try:
        connection = _opened(path, "mode=ro")
    except sqlite3.OperationalError:
        if os.access(path.parent, os.W_OK):
            raise
        connection = _opened(path, *_alone(path))
        connection.alone = True
    connection.seen = _seen(path, connection.alone)
    return connection


def _alone(path: Path) -> tuple[str, ...]:
    """How to read where nothing can be written: after a clean end there is no WAL, and SQLite would make one."""
    if path.with_name(f"{path.name}-wal").exists():
        return "mode=ro&vfs=unix-none", "PRAGMA locking_mode = EXCLUSIVE"
    return ("mode=ro&immutable=1",)


def _opened(path: Path, how: str, *first: str) -> Reading:
    uri = f"{path.absolute().as_uri()}?{how}"
    connection: Reading = sqlite3.connect(
        uri, uri=True, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False, factory=Reading
    )
    try:
        for pragma in first:
            connection.execute(pragma).fetchall()
        connection.execute("select 1 from sqlite_master limit 1").fetchall()
    except UnicodeDecodeError as error:
        # SQLite's words about a damaged schema quote the damage.
        connection.close()
        raise sqlite3.DatabaseError(f"{path} has a damaged schema: {error.object!r:.200}") from None
    except BaseException:
        connection.close()
        raise
    _sized(connection)
    return connection


def _sized(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA mmap_size = 1073741824")


def _seen(path: Path, alone: bool) -> tuple[object, ...]:
    """Which files are there; for one that reads alone, also whether anything was written."""
    found: list[object] = []
    for part in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        try:
            is_now = part.stat()
        except OSError:
            found.append(None)
        else:
            found.append((is_now.st_ino, is_now.st_size, is_now.st_mtime_ns) if alone else is_now.st_ino)
    return tuple(found)


def moved(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether a file under a reading connection was deleted or replaced: it would show what is no more."""
    return isinstance(connection, Reading) and connection.seen != _seen(path, connection.alone)


Inodes = tuple[int, ...]


def inodes(path: Path) -> Inodes:
    """Which files there are, 0 for none: others under the same names are somebody else's doing."""
    return tuple(_inode(f"{path}{end}") for end in ("", "-wal", "-shm"))


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0


def check_in_place(path: Path, known: Inodes, connection: sqlite3.Connection) -> None:
    """Raise StoreMoved when a file under a live writer was deleted or replaced: SQLite itself goes on without a word.

    What was committed is saved first, as the connection still has it: into the main file, or into a new one.
    """
    if inodes(path) == known:
        return
    if path.exists():
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    else:
        _saved(connection, path)
    raise StoreMoved(f"{path} or its -wal or -shm was deleted or replaced while it was in use")


def _saved(connection: sqlite3.Connection, path: Path) -> None:
    """What a connection has, under the name that was deleted."""
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    fresh = path.with_name(f"{path.name}.saved")
    fresh.unlink(missing_ok=True)
    with closing(sqlite3.connect(fresh)) as copy:
        connection.backup(copy)
    fresh.replace(path)


def furnished(connection: sqlite3.Connection, newest: str) -> bool:
    """Whether a file is as ``newest``, the last change, left it: one that was only just made is not yet.

    Raises StoreOld when it is not and has data.
    """
    tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    if MIGRATIONS in tables:
        if connection.execute(f"select 1 from {MIGRATIONS} where name = ?", (newest,)).fetchone():  # noqa: S608
            return True
        if "hot" in tables and connection.execute("select 1 from hot limit 1").fetchone():
            raise StoreOld("the file is of an earlier version: the collector brings it up to date when it starts")
    return False


def milliseconds(at: float) -> int:
    """Times are kept in whole milliseconds of the epoch."""
    return round(at * 1000)


def size(path: Path) -> int:
    """Bytes on disk of a file with its WAL and its index of that."""
    return sum(
        part.stat().st_size for end in ("", "-wal", "-shm") if (part := path.with_name(path.name + end)).exists()
    )


def migrate(path: Path, migrations: Migrations, backup: Callable[[Path, str], object] | None = None) -> None:
    """Bring a file to this version's schema, or refuse one from a later version. One process at a time does it.

    backup  is given a file that has data, and the first change, before that is made
    """
    with (path.parent / "migrate.lock").open("a") as lock, closing(connect(path, write=True)) as connection:
        fcntl.flock(lock, fcntl.LOCK_EX)
        db = Database(connection)
        known = {migration.name for migration in migrations.pending(Database(memory=True))}
        strange = sorted({migration.name for migration in migrations.applied(db)} - known)
        if strange:
            raise StoreTooNew(f"{path} has {', '.join(strange)}, which this version (up to {max(known)}) does not know")
        pending = [migration.name for migration in migrations.pending(db)]
        if pending and backup and migrations.applied(db):
            backup(path, pending[0])
        migrations.apply(db)


def empty(migrations: Migrations) -> sqlite3.Connection:
    """What a file that is not there yet would say."""
    db = Database(memory=True)
    migrations.apply(db)
    connection: sqlite3.Connection = db.conn
    return connection
