"""A store that cannot be written to is waited for: nothing is lost, history is read, and it is said."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from metrics.model import Sample, Selector
from metrics.poll import Poll, Tier
from storage import trouble
from storage.patience import Patience
from storage.reading import SeriesReader
from storage.series import SeriesStore

ROOT = Path(__file__).parents[2]
MOUNTS = ("full", "readonly")


def run(name: str, folder: Path) -> dict[str, object]:
    """One hardship, in a process of its own."""
    command = [sys.executable, "-m", "tests.storage.hardship", name, str(folder)]
    if name in MOUNTS:
        if os.geteuid() != 0 or not shutil.which("unshare"):
            pytest.skip("only root can mount a small disk")
        command = ["unshare", "-m", *command]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, object] = json.loads(ended.stdout)
    return found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("full", "disk is full"),
        ("readonly", "read-only"),
        ("size_limit", "disk I/O error"),
        ("descriptors", ""),
        ("wal_gone", "deleted or replaced"),
        ("shm_gone", "deleted or replaced"),
        ("all_gone", "deleted or replaced"),
    ],
)
def test_a_hardship_passes_without_a_restart_and_without_a_loss(tmp_path: Path, name: str, words: str) -> None:
    """Every poll is there, once and in order; another process was told, and could read what was there before."""
    found = run(name, tmp_path / "data")
    assert found["whole"] is True, found
    assert found["seen"] == found["fresh"] == found["written"]
    assert words in str(found["told"])
    assert found["told"]
    assert found["well"] == ""
    if not name.endswith("_gone"):
        # There a reader may be refused until the collector has saved what it had.
        assert found["history"] == 200, found
    said = found["said"]
    assert isinstance(said, list)
    assert [line.partition(" ")[0] for line in said] == ["cannot", "writes"]
    assert isinstance(found["took"], float)
    assert found["took"] < 3


def poll(at: float, source: str = "cache") -> Poll:
    """A poll of one value."""
    return Poll(source=source, tier=Tier.FAST, at=at, duration=0, up=True, samples=[Sample("n", (), at)])


def test_what_is_kept_is_bounded_and_what_is_dropped_is_said(tmp_path: Path) -> None:
    """The newest stay."""
    store = SeriesStore(tmp_path)
    fails = threading.Event()
    fails.set()

    def write(one: Poll) -> None:
        if fails.is_set():
            raise sqlite3.OperationalError("disk I/O error")
        store.append(one)

    said: list[str] = []
    patience = Patience(write, store, said.append, lambda text: None, most_bytes=3200)
    for at in range(1, 31):
        patience.write(poll(float(at)))
    assert patience.waiting == 10
    fails.clear()
    patience.close()
    (points,) = store.raw(Selector("n"), 0, 99)
    assert points.times.tolist() == [float(at) for at in range(21, 31)]
    assert said[-1].endswith("20 polls were too many to keep and are lost.")
    store.close()


def test_what_is_wrong_with_a_poll_is_raised_at_once(tmp_path: Path) -> None:
    """It is no trouble of the store's."""
    store = SeriesStore(tmp_path)
    patience = Patience(store.append, store, print, lambda text: None)
    bad = Poll(source="x", tier=Tier.FAST, at=1, duration=0, up=True, samples=[Sample("n", (), "no")])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="could not convert"):
        patience.write(bad)
    assert patience.trouble == ""
    store.close()


def test_the_word_of_a_collector_that_was_killed_does_not_stay(tmp_path: Path) -> None:
    """It is current for a few seconds."""
    said = trouble.TroubleFile(tmp_path)
    said.tell("disk is full")
    assert trouble.told(tmp_path) == "disk is full"
    assert trouble.told(tmp_path, time.time() + 60) == ""
    said.close()
    assert trouble.told(tmp_path) == ""
    assert trouble.told(tmp_path / "nowhere") == ""


def test_a_reader_follows_a_file_that_was_replaced(tmp_path: Path) -> None:
    """Other numbers, other names: nothing of what it knew is left, also when the new file is younger by its count."""
    for name, count in (("a", 5), ("b", 3)):
        store = SeriesStore(tmp_path / name)
        for at in range(count):
            store.append(poll(100.0 + at, source=name))
        if name == "a":
            store.compact(1e6)
        store.close()
    reader = SeriesReader(tmp_path / "a")
    assert len(reader.raw(Selector("n"), 0, 999)[0].times) == 5
    os.replace(tmp_path / "b" / "series.db", tmp_path / "a" / "series.db")
    (points,) = reader.raw(Selector("n"), 0, 999)
    assert (points.source, len(points.times)) == ("b", 3)
    reader.close()
