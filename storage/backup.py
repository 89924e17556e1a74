"""Both files in one, as they were at one moment, while everything goes on; and back again.

A backup is a zip of `series.db`, `state.db` and `manifest.json`. Copying the files themselves would leave out what is
in their WALs: SQLite's own backup is what reads them, within one read transaction that holds nobody up.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from storage import files, meta
from storage.files import StoreError
from storage.mark import HighWater

MANIFEST = "manifest.json"
VERSION = 1
PIECE = 1 << 20
RESTORING = ".restoring"
"""The files of a restore, verified and whole, that are yet to be put in place."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    mark  the highest number that series.db had given: a poll that was acknowledged before has a lower one
    """

    made: str
    mark: int
    sha256: dict[str, str] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    version: int = VERSION


def write(folder: Path, target: Path, say: Say, *, force: bool = False) -> Manifest:
    """Make a backup; it has its name only once it is whole and on disk."""
    if target.exists() and not force:
        raise StoreError(f"{target} is there already: --force replaces it")
    if not (folder / files.SERIES).exists():
        raise StoreError(f"{folder} has no {files.SERIES}: there is nothing to back up")
    with _beside(target) as work:
        say("copying both files at one moment")
        mark = _copied(folder, work)
        names = [name for name in (files.SERIES, files.STATE) if (work / name).exists()]
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        sizes = {name: (work / name).stat().st_size for name in names}
        manifest = Manifest(made, mark, {name: _digest(work / name) for name in names}, sizes)
        say(f"packing {sum(sizes.values()) / 1e6:,.1f} MB")
        _pack(work, names, manifest, work / "packed")
        os.replace(work / "packed", target)
        _sync(target.parent)
    return manifest


def restore(folder: Path, source: Path, say: Say, *, force: bool = False) -> Manifest:
    """Put a backup's files in place; StoreBusy while a collector runs, StoreError when anything is not as it says."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = files.WriterLock(folder)
    try:
        again = finish(folder)
        there = [name for name in (files.SERIES, files.STATE) if (folder / name).exists()]
        if there and not force and not again:
            raise StoreError(f"{folder} has {' and '.join(there)} already: --force replaces what is there")
        with _beside(folder / files.SERIES) as work:
            say("unpacking and verifying")
            manifest = _unpacked(source, work)
            for name in manifest.sha256:
                _check(work / name)
            (work / MANIFEST).write_text(json.dumps(asdict(manifest)), encoding="utf-8")
            _sync(work)
            os.rename(work, folder / RESTORING)
            _sync(folder)
            finish(folder)
    finally:
        lock.release()
    return manifest


def finish(folder: Path) -> bool:
    """Put in place what a restore had ready, also one that was killed while it did; whether there was any.

    From the moment at which RESTORING is there, the new files are the data; they are two and cannot be put in place at
    once. Only for the holder of the writer's lock.
    """
    ready = folder / RESTORING
    if not ready.is_dir():
        return False
    if (ready / MANIFEST).exists():
        manifest = Manifest(**json.loads((ready / MANIFEST).read_text(encoding="utf-8")))
        for name in manifest.sha256:
            if (ready / name).exists():
                _put_in_place(ready / name, folder / name)
        _set_mark(folder / files.SERIES, manifest.mark)
        _sync(folder)
        (ready / MANIFEST).unlink()
    shutil.rmtree(ready)
    return True


def before_migration(path: Path, change: str) -> Path:
    """A copy of a file as it is before a change of its schema."""
    kept = path.with_name(f"{path.name}.before-{change.partition('_')[0]}")
    with _beside(kept) as work:
        with closing(files.connect(path, write=False)) as db:
            _backup(db, work / "copy")
        os.replace(work / "copy", kept)
        _sync(kept.parent)
    return kept


def _copied(folder: Path, work: Path) -> int:
    """Both files as they are now; the mark of series.db."""
    with _reading(folder / files.SERIES) as series:
        reached = meta.reached(series)
        if (folder / files.STATE).exists():
            with _reading(folder / files.STATE) as state:
                state.execute("select count(*) from sqlite_master").fetchone()
                _backup(state, work / files.STATE)
        _backup(series, work / files.SERIES)
    return reached


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read transaction: what is copied in it is one state of the file, however long that takes."""
    with closing(files.connect(path, write=False)) as db:
        db.execute("begin")
        yield db


def _backup(db: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as copy:
        copy.execute("pragma synchronous = off")
        db.backup(copy)
        # One file without a WAL beside it; whoever opens it for writing makes it a WAL again.
        copy.execute("pragma journal_mode = delete")
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _pack(work: Path, names: Sequence[str], manifest: Manifest, target: Path) -> None:
    with target.open("xb") as raw:
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for name in names:
                packed.write(work / name, name)
                (work / name).unlink()
            packed.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
        raw.flush()
        os.fsync(raw.fileno())


def _unpacked(source: Path, work: Path) -> Manifest:
    try:
        with zipfile.ZipFile(source) as packed:
            manifest = Manifest(**json.loads(packed.read(MANIFEST)))
            if manifest.version > VERSION:
                raise StoreError(f"{source} is of version {manifest.version}: this one reads up to {VERSION}")
            if not {files.SERIES} <= manifest.sha256.keys() <= {files.SERIES, files.STATE}:
                raise StoreError(f"{source} does not hold {files.SERIES} and {files.STATE}")
            for name, digest in manifest.sha256.items():
                with packed.open(name) as inside, (work / name).open("xb") as file:
                    shutil.copyfileobj(inside, file, PIECE)
                    file.flush()
                    os.fsync(file.fileno())
                if _digest(work / name) != digest:
                    raise StoreError(f"{source}: {name} is not what the manifest says: it is damaged")
    except (zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError, EOFError) as error:
        raise StoreError(f"{source} is no backup of trivet, or damaged: {error}") from None
    except OSError as error:
        raise StoreError(f"{error.filename or source}: {error.strerror or error}") from None
    return manifest


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        try:
            found = db.execute("pragma quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            found = str(error)
    if found != "ok":
        raise StoreError(f"{path.name} of the backup is damaged: {found}")


def _put_in_place(fresh: Path, path: Path) -> None:
    """Replace a file, and see to it that no WAL of the old one is ever read as the new one's."""
    if path.exists():
        # Perhaps it is to be replaced because it is damaged.
        with closing(sqlite3.connect(path, timeout=10)) as db, suppress(sqlite3.DatabaseError):
            db.execute("pragma wal_checkpoint(truncate)").fetchall()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    os.replace(fresh, path)


def _set_mark(path: Path, mark: int) -> None:
    water = HighWater(path)
    water.set(mark)
    water.close()


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder for unfinished files on the same file system; it goes away whatever happens."""
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
