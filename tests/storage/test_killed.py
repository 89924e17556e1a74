"""kill -9 in a backup, a restore or an import: what was there is intact or what is new is whole, and a rerun works."""

import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from metrics.model import Sample, Selector
from metrics.poll import Event, EventKind, Poll, Tier
from storage import backup, files, scrub
from storage.compaction import Retention
from storage.files import StoreError
from storage.importing.load import load
from storage.importing.problems import ImportRefused
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.state import StateStore

WORK = ("open", "os.", "sqlite3.connect", "shutil.", "tempfile.")
"""What a process asks of the system on its way, as Python's audit names it."""
MOST = 40
BEGIN = 1_760_000_000
FOREVER = Retention(raw=1e10, ten_minutes=1e10, hour=1e10)


def quiet(line: str) -> None:
    """Nobody listens."""


def poll(at: float, value: float) -> Poll:
    """A poll whose values are all one."""
    samples = [Sample("rows", (("i", str(i)),), value) for i in range(20)]
    return Poll(source="db", tier=Tier.FAST, at=at, duration=0, up=True, samples=samples)


def made(folder: Path, value: float) -> Path:
    """Both files, of 20 polls with one value, some of it in the WAL of a collector that was killed."""
    with closing(SeriesStore(folder)) as store:
        for at in range(1, 21):
            store.append(poll(float(at), value))
    StateStore(folder).add(Event(EventKind.DEPLOY, 5.0, f"v{value:.0f}"))
    return folder


def values(folder: Path) -> set[float]:
    """Of all polls; each has to be whole."""
    with closing(SeriesReader(folder)) as reader:
        found = reader.raw(Selector("rows"), 0, 1e9)
        assert {len(points.times) for points in found} == {20}
        assert len(found) == 20
        assert reader.health().problem == ""
    with closing(files.connect(folder / files.SERIES, write=False)) as db:
        assert scrub.look(db) == []
    return {value for points in found for value in points.values.tolist()}


def events(folder: Path) -> list[str]:
    """What the state file says."""
    return [event.text for event in StateStore(folder).events(0, 10)]


def _until(kill_at: int, count: Any, work: Callable[[], object]) -> None:
    def heard(event: str, args: tuple[object, ...]) -> None:
        if event.startswith(WORK):
            count.value += 1
            if count.value == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)
    work()


def killed(work: Callable[[int], Callable[[], object]]) -> Iterator[int]:
    """Do it in a process that is killed at one of its calls, at each in turn; ``work`` is given which."""
    context = multiprocessing.get_context("fork")
    count = context.Value("i", 0)
    places = [0]
    total = 0
    while places:
        place = places.pop(0)
        count.value = 0
        child = context.Process(target=_until, args=(place, count, work(place)))
        child.start()
        child.join(60)
        if place:
            if child.exitcode == 0 and count.value < place:
                # The first time more files were opened: modules that by now are loaded.
                assert place > total // 2
                continue
            assert child.exitcode == -signal.SIGKILL
            yield place
        else:
            assert child.exitcode == 0
            total = count.value
            assert total > 10
            places = sorted({*range(1, total + 1, max(1, total // MOST)), total})


@pytest.mark.parametrize("fresh", [False, True], ids=["over data", "into nothing"])
def test_a_restore_that_is_killed(tmp_path: Path, fresh: bool) -> None:
    """Both files are of before or of the backup, never one of each, once a collector has begun."""
    backup.write(made(tmp_path / "new", 2.0), tmp_path / "b.zip", quiet)
    outcomes = set()

    def work(place: int) -> Callable[[], object]:
        folder = tmp_path / f"{place}"
        if not fresh:
            made(folder, 1.0)
        return lambda: backup.restore(folder, tmp_path / "b.zip", quiet, force=not fresh)

    for place in killed(work):
        folder = tmp_path / f"{place}"
        with closing(SeriesStore(folder)) as store:
            assert store.lost == 0
            begun = bool(store.series())
        assert begun or fresh
        if begun:
            (value,) = values(folder)
            assert events(folder) == [f"v{value:.0f}"]
            outcomes.add(value)
        backup.restore(folder, tmp_path / "b.zip", quiet, force=True)
        assert values(folder) == {2.0}
        assert events(folder) == ["v2"]
        assert not (folder / backup.RESTORING).exists()
    assert outcomes == ({2.0} if fresh else {1.0, 2.0})


def test_a_restore_that_is_killed_is_done_again(tmp_path: Path) -> None:
    """Without a collector in between, and without asking for --force."""
    backup.write(made(tmp_path / "new", 2.0), tmp_path / "b.zip", quiet)
    refused = 0
    for place in killed(lambda place: lambda: backup.restore(tmp_path / f"{place}", tmp_path / "b.zip", quiet)):
        if (tmp_path / f"{place}" / files.SERIES).exists() and not (tmp_path / f"{place}" / backup.RESTORING).exists():
            refused += 1
            with pytest.raises(StoreError, match="--force"):
                backup.restore(tmp_path / f"{place}", tmp_path / "b.zip", quiet)
        else:
            backup.restore(tmp_path / f"{place}", tmp_path / "b.zip", quiet)
        assert values(tmp_path / f"{place}") == {2.0}
        assert events(tmp_path / f"{place}") == ["v2"]
    # Only where everything was in place already.
    assert refused <= 2


def test_a_backup_that_is_killed(tmp_path: Path) -> None:
    """The data is untouched, and under the backup's name there is the old one or the new."""
    folder = made(tmp_path / "data", 2.0)
    old = tmp_path / "old.zip"
    backup.write(made(tmp_path / "older", 1.0), old, quiet)

    def work(place: int) -> Callable[[], object]:
        target = tmp_path / f"{place}" / "b.zip"
        target.parent.mkdir()
        target.write_bytes(old.read_bytes())
        return lambda: backup.write(folder, target, quiet, force=True)

    outcomes = set()
    for place in killed(work):
        target = tmp_path / f"{place}" / "b.zip"
        for _ in range(2):
            backup.restore(tmp_path / "restored", target, quiet, force=True)
            outcomes |= values(tmp_path / "restored")
            backup.write(folder, target, quiet, force=True)
        assert values(tmp_path / "restored") == {2.0}
        assert values(folder) == {2.0}
    assert outcomes == {1.0, 2.0}


def _import(folder: Path, file: Path, kill_at: int, count: Any) -> None:
    connect = files.connect

    def counted(statement: str) -> None:
        count.value += 1
        if count.value == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(path: Path, *, write: bool) -> sqlite3.Connection:
        connection = connect(path, write=write)
        connection.set_trace_callback(counted)
        return connection

    files.connect = watched
    with closing(SeriesStore(folder)) as store:
        load(store, [file], "old", "", False, FOREVER, quiet)


def test_an_import_that_is_killed(tmp_path: Path) -> None:
    """What was there is intact, what was imported is whole polls, and the same with --replace brings the rest."""
    file = tmp_path / "old.csv"
    lines = [f"load,{BEGIN + 15 * i},{i}.5\nsize,{BEGIN + 15 * i},{i}" for i in range(700)]
    file.write_text("metric,time,value\n" + "\n".join(lines), encoding="utf-8")
    context = multiprocessing.get_context("fork")
    count, places, partly = context.Value("i", 0), [0], 0
    while places:
        place = places.pop(0)
        folder = made(tmp_path / f"{place}", 1.0)
        count.value = 0
        child = context.Process(target=_import, args=(folder, file, place, count))
        child.start()
        child.join(60)
        if not place:
            assert child.exitcode == 0
            places = sorted({*range(1, count.value, max(1, count.value // 30)), count.value})
            continue
        assert child.exitcode == -signal.SIGKILL
        assert values(folder) == {1.0}
        partly += _imported(folder, file)
    assert partly > 5


def _imported(folder: Path, file: Path) -> bool:
    """Whether a part was there; afterwards everything is."""
    with closing(SeriesStore(folder)) as store:
        there = _lengths(store)
        assert len(set(there)) <= 1
        if there:
            with pytest.raises(ImportRefused, match="--replace"):
                load(store, [file], "old", "", False, FOREVER, quiet)
        load(store, [file], "old", "", bool(there), FOREVER, quiet)
        (found,) = [p for p in store.raw(Selector("load"), 0, time.time()) if p.source == "old"]
        assert found.times.tolist() == [BEGIN + 15.0 * i for i in range(700)]
        assert found.values.tolist() == [i + 0.5 for i in range(700)]
        assert set(_lengths(store)) == {700}
    return bool(there) and 0 < there[0] < 700


def _lengths(store: SeriesStore) -> list[int]:
    found = [*store.raw(Selector("load"), 0, 1e10), *store.raw(Selector("size"), 0, 1e10)]
    return [len(points.times) for points in found if points.source == "old"]
