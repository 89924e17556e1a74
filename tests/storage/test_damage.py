"""What is damaged is left out and said; it never ends a reader, and never shows as the numbers of another series."""

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from metrics.model import Selector
from storage import files, migrations, scrub
from storage.files import connect
from storage.reading import SeriesReader
from storage.series import SeriesStore
from tests.storage.test_series import poll

DAMAGE: dict[str, str] = {
    "another layout": "update hot set layout = 999 where at = 10000",
    "a number that became a text": "update hot set turn = 'x' where at = 10000",
    "the series of a layout in another order": "update layout set series = x'0200000001000000'",
    "a layout that is gone": "delete from layout",
}


def harmed(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / files.SERIES)) as db:
        db.execute(statement)
        db.commit()


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("compacted", [False, True], ids=["hot", "compacted"])
def test_damaged_rows_show_no_wrong_number(tmp_path: Path, statement: str, compacted: bool) -> None:
    """Also not after they were compacted."""
    with closing(SeriesStore(tmp_path)) as store:
        store.append(poll(10, {"a": 1, "b": 2}))
        store.append(poll(20, {"a": 1, "b": 2}))
    harmed(tmp_path, statement)
    if compacted:
        with closing(SeriesStore(tmp_path)) as store:
            assert store.compact(1e6).damaged
    with closing(SeriesReader(tmp_path)) as reader:
        for metric, value in (("a", 1.0), ("b", 2.0)):
            for points in reader.raw(Selector(metric), 0, 99):
                assert points.values.tolist() == [value] * len(points.values)
                assert 10 not in points.times
        assert "left out" in reader.health().problem


def test_a_damaged_schema_is_an_error_of_the_database(tmp_path: Path) -> None:
    """SQLite's message quotes the damage, which need not be UTF-8."""
    SeriesStore(tmp_path).close()
    path = tmp_path / files.SERIES
    content = path.read_bytes()
    path.write_bytes(content.replace(b"idx_stream_source_tier", b"idx_stream_source_t\x7f\xb9\xb9", 1))
    with closing(SeriesReader(tmp_path)) as reader, pytest.raises(sqlite3.DatabaseError, match="schema"):
        reader.series()


def test_a_compaction_gives_the_room_back(tmp_path: Path) -> None:
    """All of it."""
    with closing(SeriesStore(tmp_path)) as store:
        store.append_many([poll(10.0 * i, {f"x/{j}": 1.0 for j in range(50)}) for i in range(700)])
        store.compact(1e6)
        with closing(sqlite3.connect(store.path)) as db:
            assert db.execute("pragma freelist_count").fetchone()[0] < 5


def test_layouts_of_the_first_version_are_whole_after_their_migration(tmp_path: Path) -> None:
    """Their digest was one of eight-byte numbers."""
    path = tmp_path / files.SERIES
    _first_version(path)
    SeriesStore(tmp_path).close()
    with closing(connect(path, write=False)) as db:
        assert not scrub.look(db)
    with closing(SeriesReader(tmp_path)) as reader:
        assert [points.values.tolist() for points in reader.raw(Selector("x"), 0, 99)] == [[7.0]]


def _first_version(path: Path) -> None:
    steps = {migration.name: migration.fn for migration in migrations.series.pending(Database(memory=True))}
    only = type(migrations.series)("trivet.series")
    only(name="m001_polls")(steps["m001_polls"])
    with closing(connect(path, write=True)) as connection:
        db = Database(connection)
        only.apply(db)
        series = np.array([1], dtype=np.int64).tobytes()
        db.execute("insert into source values (1, 'cache')")
        db.execute("insert into series values (1, 1, 'x', '{}')")
        digest = hashlib.blake2b(series, digest_size=16).digest()
        db.execute("insert into layout values (1, 1, 'fast', ?, ?)", (digest, series))
        db.execute("insert into poll values (1, 1, 'fast', 5.0, 0, 1, ?)", (np.array([7.0]).tobytes(),))


def test_history_is_read_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a clean end there is no WAL. Root may write everywhere, so SQLite is only told that it may not."""
    with closing(SeriesStore(tmp_path)) as store:
        store.append(poll(10, {"x": 1}))
    opened, asked = files._opened, []

    def refused(path: Path, how: str, *first: str) -> files.Reading:
        asked.append(how)
        if how == "mode=ro":
            raise sqlite3.OperationalError("unable to open database file")
        return opened(path, how, *first)

    monkeypatch.setattr(files, "_opened", refused)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with closing(SeriesReader(tmp_path)) as reader:
        assert [points.values.tolist() for points in reader.raw(Selector("x"), 0, 99)] == [[1.0]]
    assert asked == ["mode=ro", "mode=ro&immutable=1"]


@pytest.mark.parametrize("labels", ["'{\"table'", "x'ff7b7d'", "cast(x'ff7b7d' as text)", "'7'", "null"])
def test_a_damaged_name_is_left_out_and_the_rest_is_served(tmp_path: Path, labels: str) -> None:
    """One unreadable name ended every question."""
    with closing(SeriesStore(tmp_path)) as store:
        store.append(poll(10, {"a": 1, "b": 2}))
    harmed(tmp_path, f"update series set labels = {labels} where metric = 'a'")
    with closing(SeriesReader(tmp_path)) as reader:
        assert [name for name, *_ in reader.latest()] == ["b"]
        assert [name for name, _ in reader.series()] == ["b"]
        assert not reader.raw(Selector("a"), 0, 99)
        assert "left out" in reader.health().problem
