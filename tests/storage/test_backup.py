"""A backup under load is one state of both files, and comes back as it was."""

import json
import multiprocessing
import os
import signal
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from metrics.model import Sample, Selector
from metrics.poll import Event, EventKind, Poll, Tier
from storage import backup, files, migrations
from storage.files import StoreBusy, StoreError
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.state import StateStore


def poll(at: float, count: int = 50) -> Poll:
    """A poll whose values are all its time."""
    samples = [Sample("rows", (("i", str(i)),), at) for i in range(count)]
    return Poll(source="db", tier=Tier.FAST, at=at, duration=0, up=True, samples=samples)


def quiet(line: str) -> None:
    """Nobody listens."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with both files and 20 polls."""
    where = tmp_path / "data"
    with closing(SeriesStore(where)) as store:
        for at in range(1, 21):
            store.append(poll(float(at)))
    StateStore(where).add(Event(EventKind.DEPLOY, 5.0, "v1"))
    return where


def write_on(folder: Path, acknowledged: "multiprocessing.Queue[float]") -> None:
    """A collector under load, until killed."""
    store = SeriesStore(folder)
    at = 20.0
    while True:
        at += 1
        store.append(poll(at))
        acknowledged.put(at)


@pytest.fixture
def writing(folder: Path) -> Iterator["multiprocessing.Queue[float]"]:
    """The times that a writer in another process had acknowledged."""
    context = multiprocessing.get_context("spawn")
    acknowledged: multiprocessing.Queue[float] = context.Queue()
    writer = context.Process(target=write_on, args=(folder, acknowledged))
    writer.start()
    acknowledged.get(timeout=20)
    yield acknowledged
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()


def test_a_backup_under_load_is_whole_to_its_mark(
    folder: Path, writing: "multiprocessing.Queue[float]", tmp_path: Path
) -> None:
    """All that was acknowledged before it began is in it, nothing is torn, and restoring it shows just that."""
    for turn in range(3):
        last = writing.get(timeout=10)
        while not writing.empty():
            last = writing.get(timeout=10)
        made = backup.write(folder, tmp_path / f"{turn}.zip", quiet)
        target = tmp_path / f"restored{turn}"
        assert backup.restore(target, tmp_path / f"{turn}.zip", quiet) == made
        with closing(SeriesStore(target)) as store:
            assert store.lost == 0
            series = store.raw(Selector("rows"), 0, 1e9)
            assert len(series) == 50
            ends = {points.times[-1] for points in series}
            assert len(ends) == 1
            assert ends.pop() >= last
            assert made.mark >= last
            store.append(poll(1e6))
        assert [event.text for event in StateStore(target).events(0, 10)] == ["v1"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_restore_while_a_collector_runs_is_refused(
    folder: Path, writing: "multiprocessing.Queue[float]", tmp_path: Path
) -> None:
    """With the process that holds the folder."""
    backup.write(folder, tmp_path / "b.zip", quiet)
    with pytest.raises(StoreBusy, match="process"):
        backup.restore(folder, tmp_path / "b.zip", quiet, force=True)


def test_nothing_is_replaced_unasked(folder: Path, tmp_path: Path) -> None:
    """Neither a file nor a folder's data."""
    target = tmp_path / "b.zip"
    backup.write(folder, target, quiet)
    with pytest.raises(StoreError, match="--force"):
        backup.write(folder, target, quiet)
    with pytest.raises(StoreError, match="--force"):
        backup.restore(folder, target, quiet)
    reader = SeriesReader(folder)
    assert len(reader.raw(Selector("rows"), 0, 1e9)[0].times) == 20
    with closing(SeriesStore(folder)) as store:
        store.append(poll(30.0))
    backup.restore(folder, target, quiet, force=True)
    # Also for those who had the old file open.
    assert len(reader.raw(Selector("rows"), 0, 1e9)[0].times) == 20
    reader.close()


def test_a_backup_that_is_damaged_is_refused(folder: Path, tmp_path: Path) -> None:
    """Wherever the damage is, and whatever the file really is."""
    target = tmp_path / "b.zip"
    backup.write(folder, target, quiet)
    whole = target.read_bytes()
    for at in (len(whole) // 3, len(whole) // 2):
        target.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with pytest.raises(StoreError):
            backup.restore(tmp_path / "new", target, quiet)
    target.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match="no backup"):
        backup.restore(tmp_path / "new", target, quiet)
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("manifest.json", json.dumps({"made": "", "mark": 1, "sha256": {"../x": ""}}))
    with pytest.raises(StoreError, match="does not hold"):
        backup.restore(tmp_path / "new", target, quiet)
    assert not (tmp_path / "new" / "series.db").exists()


def test_a_file_with_data_is_backed_up_before_it_is_migrated(tmp_path: Path) -> None:
    """As it was, under the name of the change."""
    path = tmp_path / "series.db"
    first = Migrations("trivet.series")
    first(name="m001_polls")(migrations._m001_polls)
    with closing(files.connect(path, write=True)) as db:
        first.apply(Database(db))
        db.execute("insert into source (name) values ('old')")
    SeriesStore(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "series.db.before-m002")) as db:
        assert db.execute("select name from source").fetchall() == [("old",)]
        assert db.execute("select count(*) from poll").fetchone() == (0,)
    (tmp_path / "series.db.before-m002").unlink()
    SeriesStore(tmp_path).close()
    assert not list(tmp_path.glob("*.before-*"))
