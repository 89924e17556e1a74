"""The embedded store keeps the protocol's guarantees."""

import math
import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.increase import falls, over
from metrics.model import Matcher, Op, Sample, Selector, labelled
from metrics.poll import Poll, Record, Tier
from storage import files, numbering, scrub
from storage.files import StoreBusy, StoreTooNew
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.store import Fold


def poll(at: float, values: dict[str, float], source: str = "cache", **more: object) -> Poll:
    """A poll of unlabelled series, or of ``metric/label`` ones."""
    samples = []
    for name, value in values.items():
        metric, _, table = name.partition("/")
        samples.append(Sample(metric, labelled({"table": table} if table else {}), value))
    return Poll(source=source, tier=Tier.FAST, at=at, duration=0.01, up=True, samples=samples, **more)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    """An empty store."""
    opened = SeriesStore(tmp_path)
    yield opened
    opened.close()


def test_what_was_appended_is_read_back_by_another_process_connection(store: SeriesStore, tmp_path: Path) -> None:
    """Values come back as given, by metric and labels, within inclusive bounds."""
    for at in (10.0, 20.0, 30.0):
        store.append(poll(at, {"hits_total": at * 2, "rows/a": at, "rows/b": math.inf}))
    reader = SeriesReader(tmp_path)
    (hits,) = reader.raw(Selector("hits_total"), 10, 20)
    assert hits.labels == {"source": "cache"}
    assert list(hits.times) == [10, 20]
    assert list(hits.values) == [20, 40]
    assert [p.labels["table"] for p in reader.raw(Selector("rows"), 0, 99)] == ["a", "b"]
    (only_a,) = reader.raw(Selector("rows", (Matcher("table", "a|c", Op.RE),)), 0, 99)
    assert list(only_a.values) == [10, 20, 30]
    reader.close()


def test_a_series_that_comes_and_goes_keeps_its_gap(store: SeriesStore) -> None:
    """Layouts change from poll to poll and a series is still one series."""
    store.append(poll(10, {"rows/a": 1, "rows/b": 2}))
    store.append(poll(20, {"rows/b": 3}))
    store.append(poll(30, {"rows/a": 4, "rows/b": 5}))
    a, b = store.raw(Selector("rows"), 0, 99)
    assert list(a.times) == [10, 30]
    assert list(b.times) == [10, 20, 30]


def test_names_that_come_for_ever_are_not_all_kept_in_memory(
    store: SeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "REMEMBERED", 5)
    for at in range(1, 21):
        store.append(poll(float(at), {"always": 1.0, f"client_{at}": 2.0}))
    assert len(store.series()) == 21
    assert len(store._numbering._series) <= 7
    (points,) = store.raw(Selector("always"), 0, 100)
    assert len(points.times) == 20


def test_late_and_repeated_polls(store: SeriesStore) -> None:
    """A late poll takes its place; a second poll of the same time replaces the first."""
    store.append(poll(30, {"x": 3}))
    store.append(poll(10, {"x": 1}))
    store.append(poll(30, {"x": 33}))
    (points,) = store.raw(Selector("x"), 0, 99)
    assert list(zip(points.times, points.values, strict=True)) == [(10, 1), (30, 33)]


def test_hostile_labels_are_data(store: SeriesStore) -> None:
    """Quotes, newlines, SQL and emptiness come back as they were."""
    names = ['"; drop table poll; --', "a\nb\x00c", "", "é\U0001f600", "<script>"]
    samples = [Sample("rows", labelled({"table": name}), float(i)) for i, name in enumerate(names)]
    store.append(Poll(source="s'\"<", tier=Tier.FAST, at=1, duration=0, up=True, samples=samples))
    found = {points.labels["table"]: points.values[0] for points in store.raw(Selector("rows"), 0, 9)}
    assert found == {name: float(i) for i, name in enumerate(names)}
    assert {points.source for points in store.raw(Selector("rows"), 0, 9)} == {"s'\"<"}


def test_records_keep_the_newest_body(store: SeriesStore) -> None:
    """One row per source, kind and key."""
    store.append(poll(1, {}, records=(Record("query", "42", "select 1"),)))
    store.append(poll(2, {}, records=(Record("query", "42", "select 2"), Record("query", "43", "select 3"))))
    assert [(r.key, r.at, r.body) for r in store.records("cache", "query", ["42"])] == [("42", 2, "select 2")]
    assert len(store.records("cache", "query")) == 2


def test_polls_without_samples_can_be_compacted(store: SeriesStore, tmp_path: Path) -> None:
    """A store that only keeps the records of a remote one has no others."""
    for i in range(10):
        store.append(poll(10.0 * i, {}, records=(Record("query", str(i), "select 1"),)))
        store.append(poll(10.0 * i, {"x": 1.0} if i % 2 else {}, "other"))
    assert store.compact(9 * 86400).damaged == []
    assert len(store.records("cache", "query")) == 10
    assert len(store.raw(Selector("x"), 0, 1e6)[0].times) == 5
    with closing(files.connect(tmp_path / "series.db", write=False)) as db:
        assert scrub.look(db) == []


def test_latest_is_the_newest_poll_only(store: SeriesStore) -> None:
    """A series that the newest poll lacks is not present."""
    store.append(poll(10, {"rows/a": 1, "rows/b": 2}))
    store.append(poll(20, {"rows/b": 3}))
    assert store.latest() == [("rows", labelled({"table": "b", "source": "cache"}), 20, 3)]


def test_window_folds(store: SeriesStore) -> None:
    """Each fold over steps of 20 s, a gap as nan, an increase counted from the sample before."""
    for at, value in ((0, 0), (10, 4), (20, 6), (30, 16), (70, 20)):
        store.append(poll(at, {"n_total": value}))
    want: dict[Fold, list[float]] = {
        Fold.LAST: [6, 16, math.nan, 20],
        Fold.MIN: [4, 16, math.nan, 20],
        Fold.MAX: [6, 16, math.nan, 20],
        Fold.AVG: [5, 16, math.nan, 20],
        Fold.COUNT: [2, 1, 0, 1],
        Fold.INCREASE: [6, 10, math.nan, 4],
        Fold.RATE: [0.3, 1, math.nan, 0.1],
    }
    for fold, expected in want.items():
        (grid,) = store.window(Selector("n_total"), 20, 20, 4, fold)
        np.testing.assert_allclose(grid.values, np.array(expected, dtype=np.float64), err_msg=fold)


def test_window_top(store: SeriesStore) -> None:
    """The highest last values first."""
    store.append(poll(10, {"rows/a": 1, "rows/b": 3, "rows/c": 2}))
    top = store.window(Selector("rows"), 10, 10, 1, Fold.LAST, top=2)
    assert [dict(grid.labels)["table"] for grid in top] == ["b", "c"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(st.integers(-50, 60), min_size=3, max_size=80), step=st.sampled_from([30.0, 60.0, 170.0]))
def test_thinned_reads_give_the_same_increase(tmp_path: Path, steps: list[int], step: float) -> None:
    """Whatever the resets, increases at grid edges from thinned values equal those from all values."""
    folder = tmp_path / str(time.monotonic_ns())
    with closing(SeriesStore(folder)) as store:
        _compare_thinned(store, steps, step)


def _compare_thinned(store: SeriesStore, steps: list[int], step: float) -> None:
    value, at = 100.0, 0.0
    for change in steps:
        value = max(0.0, value + change)
        store.append(poll(at, {"n_total": value}))
        at += 10
    ends = np.arange(step, at + step, step)
    results = []
    for thin in (0.0, step):
        (points,) = store.raw(Selector("n_total"), 0, at, thin)
        results.append(over(points, ends - step, ends, falls([points], ()).get((), ())).increase)
    # A step whose every interval was dropped is unknown either way; every other is the same number.
    np.testing.assert_allclose(results[1], results[0])


def test_a_reader_may_come_before_the_collector(tmp_path: Path) -> None:
    """It finds nothing, then what the collector writes."""
    reader = SeriesReader(tmp_path)
    assert not reader.latest()
    assert not reader.series()
    assert not reader.raw(Selector("x"), 0, 9)
    assert reader.health().problem == ""
    with closing(SeriesStore(tmp_path)) as store:
        store.append(poll(1, {"x": 1}))
        assert len(reader.raw(Selector("x"), 0, 9)) == 1
    reader.close()


def test_a_reader_may_come_while_the_file_is_being_made(tmp_path: Path) -> None:
    """A file without tables is an empty store."""
    sqlite3.connect(tmp_path / "series.db").close()
    with closing(SeriesReader(tmp_path)) as reader:
        assert not reader.latest()
        assert reader.health().problem == ""
        with closing(SeriesStore(tmp_path)) as store:
            store.append(poll(1, {"x": 1}))
            assert len(reader.raw(Selector("x"), 0, 9)) == 1


def test_a_second_writer_is_refused_and_told_who_writes(store: SeriesStore, tmp_path: Path) -> None:
    """The lock names the process that holds it."""
    with pytest.raises(StoreBusy, match=rf"process {os.getpid()} since"):
        SeriesStore(tmp_path)


def test_a_failed_append_leaves_nothing_and_the_next_one_works(store: SeriesStore) -> None:
    """A poll is stored whole or not at all, also when its series are new."""
    with pytest.raises(sqlite3.Error):
        store.append(poll(1, {"new": 1}, records=(Record("query", "1", object()),)))  # type: ignore[arg-type]
    assert store.series() == []
    store.append(poll(2, {"other": 5}))
    store.append(poll(3, {"new": 6}))
    assert [list(points.values) for points in store.raw(Selector("new"), 0, 9)] == [[6]]


def _write_until_killed(folder: Path, acknowledged: "multiprocessing.Queue[float]") -> None:
    opened = SeriesStore(folder)
    at = 0.0
    while True:
        at += 1
        opened.append(poll(at, {f"rows/{i}": at for i in range(50)}))
        acknowledged.put(at)


def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Everything that append returned for is there, whole, and the lock is free again."""
    context = multiprocessing.get_context("spawn")
    acknowledged = context.Queue()
    writer = context.Process(target=_write_until_killed, args=(tmp_path, acknowledged))
    writer.start()
    last = acknowledged.get(timeout=20)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        last = acknowledged.get(timeout=5)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    store = SeriesStore(tmp_path)
    series = store.raw(Selector("rows"), 0, 1e9)
    assert len(series) == 50
    for points in series:
        assert points.times[-1] >= last
        assert list(points.times) == list(points.values) == [float(i) for i in range(1, len(points.times) + 1)]
    store.close()


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """With the name of the change that is not known here."""
    SeriesStore(tmp_path).close()
    db = sqlite3.connect(tmp_path / "series.db")
    db.execute(
        "insert into _sqlite_migrations (migration_set, name, applied_at) values ('trivet.series', 'm999_x', '')"
    )
    db.commit()
    db.close()
    with pytest.raises(StoreTooNew, match="m999_x"):
        SeriesStore(tmp_path)


def test_pruning_forgets_the_old(store: SeriesStore) -> None:
    """Polls before the bound go, later ones stay."""
    for at in (10.0, 20.0, 30.0):
        store.append(poll(at, {"x": at}))
    assert store.prune(20) == 1
    assert store.health().oldest == 20
