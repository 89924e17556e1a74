"""Damage is found, named and taken out of the way; what is undamaged stays."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from metrics.model import Sample, Selector
from metrics.poll import Poll, Tier
from storage import files, scrub
from storage.reading import SeriesReader
from storage.scrub import Damage
from storage.series import SeriesStore

COUNT = 20
HOUR = 3600.0


def poll(at: float) -> Poll:
    """Values that do not compress to nothing."""
    chance = random.Random(at)
    samples = [Sample("rows", (("i", str(i)),), chance.random()) for i in range(COUNT)]
    return Poll(source="db", tier=Tier.FAST, at=at, duration=0, up=True, samples=samples)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A segment of two hours, and hot rows."""
    with closing(SeriesStore(tmp_path)) as store:
        store.append_many([poll(at * 60.0) for at in range(1, 121)])
        store.compact(3 * HOUR)
        store.append_many([poll(3 * HOUR + at) for at in range(10)])
    return tmp_path


def change(folder: Path, table: str, column: str, number: int, at: int) -> None:
    """One byte of a blob."""
    with closing(sqlite3.connect(folder / "series.db")) as db:
        key = "seq" if table == "hot" else "id"
        (rowid, data) = db.execute(
            f"select {key}, {column} from {table} order by {key} limit 1 offset {number}"
        ).fetchone()
        data = bytearray(data)
        data[at] ^= 0x55
        db.execute(f"update {table} set {column} = ? where {key} = ?", (bytes(data), rowid))
        db.commit()


def look(folder: Path) -> list[Damage]:
    """What there is."""
    with closing(files.connect(folder / "series.db", write=False)) as db:
        return scrub.look(db)


def times(folder: Path) -> list[int]:
    """How many values each series has."""
    reader = SeriesReader(folder)
    found = [len(points.times) for points in reader.raw(Selector("rows"), 0, 1e9)]
    reader.close()
    return sorted(found)


def test_a_sound_file_has_no_damage(folder: Path) -> None:
    """Nothing is found, everything is looked at."""
    seen: list[tuple[int, int]] = []
    with closing(files.connect(folder / "series.db", write=False)) as db:
        assert scrub.look(db, lambda done, of: seen.append((done, of))) == []
    assert seen[-1] == (11, 11)


def test_a_damaged_poll_goes_to_quarantine(folder: Path) -> None:
    """One of ten, and no other."""
    change(folder, "hot", "data", 3, 17)
    (damage,) = look(folder)
    assert (damage.kind, damage.reason) == ("poll", "its checksum is wrong")
    with closing(SeriesStore(folder)) as store:
        assert store.quarantine([damage, Damage("poll", 10**9, "is not there"), Damage("segment", 1, "is sound")]) == [
            damage
        ]
        assert "1 damaged pieces are left out and in quarantine" in store.health().problem
        assert store.forget_quarantine() == 1
        assert store.health().problem == ""
    assert look(folder) == []
    assert set(times(folder)) == {129}


def test_a_damaged_series_costs_its_segment_nothing_else(folder: Path) -> None:
    """19 of 20 series keep all they had."""
    before = SeriesReader(folder)
    whole = {p.labels["i"]: p.values for p in before.raw(Selector("rows"), 0, 1e9)}
    change(folder, "segment", "data", 0, -5)
    found = look(folder)
    assert [str(damage.reason) for damage in found] == ["1 of its 20 series are damaged"]
    with closing(SeriesStore(folder)) as store:
        store.quarantine(found)
    assert look(folder) == []
    assert times(folder) == [10] + [130] * 19
    after = SeriesReader(folder)
    for points in after.raw(Selector("rows"), 0, 1e9):
        if len(points.times) == 130:
            np.testing.assert_array_equal(points.values, whole[points.labels["i"]])
    with closing(sqlite3.connect(folder / "series.db")) as db:
        assert db.execute("select kind, start, stop from quarantine").fetchall() == [("segment", 0, 7200_000)]


def test_a_damaged_head_costs_the_segment(folder: Path) -> None:
    """Nothing in it can be trusted."""
    change(folder, "segment", "data", 0, 30)
    found = look(folder)
    with closing(SeriesStore(folder)) as store:
        store.quarantine(found)
    assert look(folder) == []
    assert times(folder) == [10] * 20


def test_polls_of_a_damaged_layout_are_not_shown_as_anything_else(folder: Path) -> None:
    """The layout says which series the values are of."""
    change(folder, "layout", "series", 0, 0)
    found = look(folder)
    assert [damage.kind for damage in found] == ["layout"] + ["poll"] * 10


def test_every_damaged_byte_of_a_segment_is_found(folder: Path) -> None:
    """Wherever it is."""
    with closing(sqlite3.connect(folder / "series.db")) as db:
        number, blob = db.execute("select id, data from segment").fetchone()
        for at in random.Random(1).sample(range(len(blob)), 150):
            bad = bytearray(blob)
            bad[at] ^= 1 << (at % 8)
            db.execute("update segment set data = ? where id = ?", (bytes(bad), number))
            assert [*scrub._segment(db, number)], at


def test_damaged_pages_are_told(folder: Path) -> None:
    """What SQLite cannot follow is named, and nothing raises."""
    path = folder / "series.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma wal_checkpoint(truncate)")
        page = db.execute("select rootpage from sqlite_master where name = 'segment'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(100))
    assert any(damage.kind == scrub.PAGES for damage in look(folder))
