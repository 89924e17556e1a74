"""A flood of records of one source stays within its bounds, pushes out nobody else's, and is counted."""

from contextlib import closing
from pathlib import Path

import pytest

from metrics.poll import Record
from storage import files, scrub
from storage.compaction import Retention
from storage.figures import figures
from storage.reading import SeriesReader
from storage.records import Bounds
from storage.series import SeriesStore
from storage.upkeep import Upkeep
from tests.storage.test_series import poll

BOUNDS = Bounds(most=100, most_bytes=20_000)


def flood(store: SeriesStore, begin: int, rounds: int, each: int, size: int = 10) -> None:
    """New records with every poll, none of which is ever seen again."""
    for i in range(begin, begin + rounds):
        records = [Record("slowlog", f"{i}-{j}", f"{i}-{j}".ljust(size)) for j in range(each)]
        store.append(poll(100.0 + i, {}, "flood", records=records))


def count(store: SeriesStore, what: str) -> int:
    """A number of the file."""
    found: int = store._writer.execute(f"select coalesce({what}, 0) from record where source = 1").fetchone()[0]
    return found


@pytest.mark.parametrize(("each", "size"), [(7, 10), (7, 900), (500, 10), (1, 4900)])
def test_a_flood_stays_within_its_bounds(tmp_path: Path, each: int, size: int) -> None:
    """At any time within a quarter more, after upkeep within the bounds; the newest stay, and others keep theirs."""
    with closing(SeriesStore(tmp_path, bounds=BOUNDS)) as store:
        store.append(poll(1, {}, "flood", records=[Record("slowlog", "first", "1")]))
        store.append(poll(1, {}, "quiet", records=[Record("query", str(i), f"select {i}") for i in range(90)]))
        for turn in range(10):
            flood(store, 10 * turn, 10, each, size)
            assert count(store, "count(*)") <= 1.25 * BOUNDS.most + each
            assert count(store, "sum(bytes)") <= 1.25 * BOUNDS.most_bytes + each * (size + 8)
            assert turn or store.records("flood", "slowlog")
        store.prune_records(0)
        assert 0 < count(store, "count(*)") <= BOUNDS.most
        assert count(store, "sum(bytes)") <= BOUNDS.most_bytes
        kept = [record.key for record in store.records("flood", "slowlog")]
        assert f"99-{each - 1}" in kept
        assert "first" not in kept
        assert len(store.records("quiet", "query")) == 90
        texts = store._writer.execute("select count(*) from text").fetchone()[0]
        assert texts == 90 + count(store, "count(distinct text)")
    with closing(SeriesReader(tmp_path)) as reader:
        health = reader.health()
        assert health.dropped.keys() == {"flood"}
        assert health.dropped["flood"] > 0
        assert health.problem == ""
    (row,) = [row for row in figures(tmp_path / files.SERIES) if row[0][0].startswith("dropped")]
    assert [cell for cell, _ in row[:2]] == ["dropped of flood", f"{health.dropped['flood']:,}"]
    with closing(files.connect(tmp_path / files.SERIES, write=False)) as db:
        assert scrub.look(db) == []


def test_a_text_that_is_too_large_pushes_out_nothing(tmp_path: Path) -> None:
    """It alone is not kept."""
    with closing(SeriesStore(tmp_path, bounds=BOUNDS)) as store:
        store.append(poll(1, {}, records=[Record("query", "1", "select 1")]))
        store.append(poll(2, {}, records=[Record("query", "2", "x" * 20_000), Record("query", "3", "select 3")]))
        store.prune_records(0)
        assert [record.key for record in store.records("cache", "query")] == ["3", "1"]
        assert store.health().dropped == {"cache": 1}


def test_what_is_seen_again_and_again_is_kept_once(tmp_path: Path) -> None:
    """Also when several sources say the same; nothing of it is dropped."""
    with closing(SeriesStore(tmp_path, bounds=BOUNDS)) as store:
        for i in range(50):
            for source in ("a", "b"):
                store.append(poll(i, {}, source, records=[Record("query", str(j), f"select {j}") for j in range(60)]))
        assert store._writer.execute("select count(*) from text").fetchone() == (60,)
        assert store._writer.execute("select count(*) from record").fetchone() == (120,)
        assert store.health().dropped == {}
        store.append(poll(60, {}, "a", records=[Record("query", "0", "select 60")]))
        assert {r.source: r.body for s in "ab" for r in store.records(s, "query", ["0"])} == {
            "a": "select 60",
            "b": "select 0",
        }
        store.prune_records(55)
        assert store._writer.execute("select count(*) from text").fetchone() == (1,)


def test_upkeep_applies_the_bounds(tmp_path: Path) -> None:
    """With every turn."""
    with closing(SeriesStore(tmp_path, bounds=BOUNDS)) as store:
        flood(store, 0, 11, 10)
        assert count(store, "count(*)") == 110
        upkeep = Upkeep(store, Retention(), lambda line: None, clock=lambda: 1000.0)
        upkeep._tend()
        assert count(store, "count(*)") == 100
