"""A file of an older version is brought to this one, whole, wherever that is cut off.

``versions/m002.zip`` is a backup that the last version with m002 made: two sources with hot rows, segments, rollups
and records.
"""

import multiprocessing
import os
import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from metrics.model import Selector
from metrics.poll import Poll, Record, Tier
from storage import backup, files, migrations, scrub
from storage.files import StoreOld
from storage.reading import SeriesReader
from storage.series import SeriesStore

OLD = Path(__file__).parent / "versions" / "m002.zip"
BEGIN = 1_700_006_400.0
POLLS = 1799


def quiet(line: str) -> None:
    """Nobody listens."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that an older version left."""
    backup.restore(tmp_path / "data", OLD, quiet)
    return tmp_path / "data"


def whole(folder: Path) -> None:
    """Every value of the older version is there, under its name, and everything has its checksum."""
    with closing(SeriesReader(folder)) as reader:
        for source in ("db", "cache"):
            (total,) = [p for p in reader.raw(Selector("n_total"), 0, 1e10) if p.source == source]
            assert total.times.tolist() == [BEGIN + 60 * i for i in range(1, POLLS + 1)]
            assert total.values.tolist() == [float(i * 7 % 5000) for i in range(1, POLLS + 1)]
        levels = reader.raw(Selector("level"), 0, 1e10)[0].values.tolist()
        assert levels == [round(random.Random(i).random(), 3) for i in range(1, POLLS + 1)]
        assert {points.labels["table"] for points in reader.raw(Selector("rows"), 0, 1e10)} == {'é "x"'}
        assert len(reader.raw(Selector("size"), 0, 1e10)[0].times) == 180
        bodies = {record.key: record.body for record in reader.records("db", "query")}
        assert bodies == {"0": "select 0", "1": "select 1", "2": "select 2", "same": "select 'same'"}
        assert reader.health().problem == ""
    with closing(files.connect(folder / files.SERIES, write=False)) as db:
        assert scrub.look(db) == []
        assert db.execute(
            "select count(*) from segment where id not in (select segment from segment_check)"
        ).fetchone() == (0,)
        for table in ("source", "series", "stream", "layout", "record"):
            assert db.execute(f"select count(*) from {table} where crc is null").fetchone() == (0,)
        assert db.execute("select count(*), count(distinct body) from text").fetchone() == (4, 4)


def test_an_older_file_is_copied_and_migrated(folder: Path) -> None:
    """Opening it is enough."""
    SeriesStore(folder).close()
    whole(folder)
    with closing(sqlite3.connect(folder / "series.db.before-m003")) as db:
        assert db.execute("select count(*) from record").fetchone() == (6,)
        assert db.execute("select max(name) from _sqlite_migrations").fetchone() == ("m002_segments",)


def test_until_it_is_migrated_the_pages_say_so(folder: Path) -> None:
    """A web process may be started before the collector."""
    with closing(SeriesReader(folder)) as reader:
        assert "earlier version" in reader.health().problem
        with pytest.raises(StoreOld, match="collector brings it up to date"):
            reader.raw(Selector("level"), 0, 1e10)
        SeriesStore(folder).close()
        assert reader.health().problem == ""
        assert reader.raw(Selector("level"), 0, 1e10)


def test_a_file_that_is_being_made_is_empty(tmp_path: Path) -> None:
    """Whatever of its changes it has had so far."""
    with closing(sqlite3.connect(tmp_path / files.SERIES)) as db, closing(SeriesReader(tmp_path)) as reader:
        for migration in migrations.series.pending(Database(memory=True)):
            assert (reader.health().series, reader.health().problem) == (0, "")
            one = Migrations("trivet.series")
            one(name=migration.name)(migration.fn)
            one.apply(Database(db))
            db.commit()
        assert (reader.health().series, reader.health().problem) == (0, "")


def test_what_is_new_goes_on_from_it(folder: Path) -> None:
    """The same series have the same numbers, and no number is given twice."""
    with closing(SeriesStore(folder)) as store:
        before = store._writer.execute("select max(id) from series").fetchone()[0]
        reader = SeriesReader(folder)
        known = reader.series()
        at = BEGIN + 60 * (POLLS + 1)
        (last,) = [s for s in store.latest(Selector("level")) if dict(s[1])["source"] == "db"]
        poll = Poll(
            source="db", tier=Tier.MEDIUM, at=at, duration=0, up=True, records=[Record("query", "1", "select 9")]
        )
        store.append(poll)
        assert reader.series() == known
        assert [r.body for r in store.records("db", "query", ["1"])] == ["select 9"]
        assert last
        assert store._writer.execute("select max(id) from series").fetchone()[0] == before
        store.compact(at + 9 * 86400)
        assert store.health().problem == ""


def test_a_name_that_was_damaged_before_is_not_believed(folder: Path) -> None:
    """There was no checksum, but what cannot be read cannot be what was written."""
    with closing(sqlite3.connect(folder / files.SERIES)) as db:
        db.execute("update series set labels = '7' where metric = 'level'")
        db.commit()
    SeriesStore(folder).close()
    with closing(SeriesReader(folder)) as reader:
        assert not reader.raw(Selector("level"), 0, 1e10)
        assert len(reader.raw(Selector("n_total"), 0, 1e10)) == 2
        assert reader.health().damaged == 2


def _migrate(folder: Path, kill_at: int, seen: "multiprocessing.sharedctypes.Synchronized[int]") -> None:
    """In a process that ends itself as it is about to run a statement."""
    connect = files.connect

    def counted(statement: str) -> None:
        seen.value += 1
        if seen.value == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(path: Path, *, write: bool) -> sqlite3.Connection:
        connection = connect(path, write=write)
        connection.set_trace_callback(counted)
        return connection

    files.connect = watched
    files.migrate(folder / files.SERIES, migrations.series, backup.before_migration)


def test_a_migration_that_is_killed_at_any_statement_leaves_the_old_or_the_new(folder: Path, tmp_path: Path) -> None:
    """And the next one brings it to its end."""
    context = multiprocessing.get_context("fork")
    old = (folder / files.SERIES).read_bytes()
    seen, kill_at = context.Value("i", 0), 0
    places = [0]
    while places:
        kill_at = places.pop(0)
        target = tmp_path / f"killed{kill_at}"
        target.mkdir()
        (target / files.SERIES).write_bytes(old)
        seen.value = 0
        child = context.Process(target=_migrate, args=(target, kill_at, seen))
        child.start()
        child.join(60)
        if not kill_at:
            assert child.exitcode == 0
            total = seen.value
            places = sorted({*range(1, total + 1, max(1, total // 60)), total})
            continue
        assert child.exitcode == -signal.SIGKILL
        with closing(sqlite3.connect(target / files.SERIES)) as db:
            assert db.execute("pragma integrity_check").fetchone() == ("ok",)
            changes = [name for (name,) in db.execute("select name from _sqlite_migrations")]
            new = "m003_checks" in changes
            tables = {name for (name,) in db.execute("select name from sqlite_master where type = 'table'")}
            assert ("segment_check" in tables, "text" in tables, "old_record" in tables) == (new, new, False)
        SeriesStore(target).close()
        whole(target)
