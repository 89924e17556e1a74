"""A WAL that cannot be written back is told, and no question holds one state of the file for long."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from metrics.model import Sample, Selector
from metrics.poll import Poll, Tier
from storage import wal
from storage.compaction import Retention
from storage.files import StoreError, StoreSlow
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.store import Fold
from storage.upkeep import Upkeep

WIDE = 5000


def polls(begin: int, count: int, series: int = WIDE) -> list[Poll]:
    """Of 40 kB each, which do not compress to nothing."""
    values = np.random.default_rng(begin).random(series).tolist()
    samples = [Sample("x", (("i", str(i)),), value) for i, value in enumerate(values)]
    return [
        Poll(source="wide", tier=Tier.FAST, at=float(at), duration=0, up=True, samples=samples)
        for at in range(begin, begin + count)
    ]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program that has begun to read, and goes on."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("begin")
        db.execute("select count(*) from source").fetchone()
        yield


def test_a_reader_that_holds_the_wal_is_told_and_when_it_ends_all_is_well(tmp_path: Path) -> None:
    """By the collector, by every reader, and by upkeep, once; collecting goes on all the time."""
    said: list[str] = []
    with closing(SeriesStore(tmp_path)) as store, closing(SeriesReader(tmp_path)) as reader:
        upkeep = Upkeep(store, Retention(), said.append, clock=lambda: 1000.0)
        store.append_many(polls(1, 1))
        with held(store.path):
            begin = 2
            while wal.size(store.path) <= 64 * 2**20:
                assert reader.health().problem == ""
                store.append_many(polls(begin, 100))
                begin += 100
            for health in (reader.health(), store.health()):
                assert health.wal_bytes > 64 * 2**20
                assert health.problem.startswith("series.db-wal is ")
                assert "over 64 MiB: a reader holds an old state of the file" in health.problem
            begun = time.monotonic()
            upkeep._tend()
            upkeep._tend()
            store.append_many(polls(begin, 1))
            assert time.monotonic() - begun < 5
            assert [line[:14] for line in said] == ["series.db-wal "]
        upkeep._tend()
        assert wal.size(store.path) <= 64 * 2**20
        assert reader.health().problem == ""
        assert len(reader.raw(Selector("x"), 0, 1e9)[0].times) == begin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Segments enough to take a while."""
    with closing(SeriesStore(tmp_path)) as store:
        for window in range(4):
            store.append_many(polls(1 + 7200 * window, 20, 1000))
        store.compact(86400.0)
    return tmp_path


def test_a_question_that_takes_too_long_is_given_up(folder: Path) -> None:
    """Between two pieces, with an error of the store, and the next one is answered."""
    with closing(SeriesReader(folder, longest=0.002)) as hasty, closing(SeriesReader(folder)) as patient:
        with pytest.raises(StoreSlow, match="longer than"):
            hasty.raw(Selector("x"), 0, 1e6)
        with pytest.raises(StoreSlow, match="longer than"):
            hasty.window(Selector("x"), 7200, 7200, 4, Fold.AVG)
        assert len(patient.raw(Selector("x"), 0, 1e6)) == 1000
        hasty._longest = 30.0
        assert len(hasty.raw(Selector("x"), 0, 1e6)) == 1000
        assert issubclass(StoreSlow, StoreError)


def test_a_statement_that_takes_too_long_is_interrupted(folder: Path) -> None:
    """Within SQLite, in every thread that asks; it lets go of the file's state."""
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"
    errors: list[BaseException] = []
    with closing(SeriesStore(folder)) as store, closing(SeriesReader(folder, longest=0.2)) as reader:

        def ask() -> None:
            try:
                with reader._view() as db:
                    db.execute(endless).fetchone()
            except StoreSlow as error:
                errors.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert [str(error) for error in errors] == ["the question took longer than 200 ms: ask for less at once"] * 3
        assert time.monotonic() - begun < 10
        assert reader.series()
        store.append_many(polls(90000, 1, 10))
        # Nobody holds anything: the WAL can be written back to its end.
        assert store._writer.execute("pragma wal_checkpoint(truncate)").fetchone() == (0, 0, 0)
