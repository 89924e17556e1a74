"""Memory of the web process: bounded whatever ranges are asked for, and given back."""

import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from dashboards.memory import Memory
from metrics.model import labelled
from metrics.poll import Poll, Tier
from metrics.samples import Keys, Samples
from storage.series import SeriesStore
from tests.dashboards.feed import Feed

MOST = 300 * 2**20
NOW = 1_800_000_000.0
STEP, STEPS = 600.0, 3 * 144
TABLES = 100
COUNTERS = ("seq_scan", "idx_scan", "seq_tup_read", "idx_tup_fetch")


def fill(folder: Path) -> None:
    """Three days of twenty sources: five of each kind, each PostgreSQL with many tables."""
    store, feed = SeriesStore(folder), Feed()
    labels = [labelled({"database": "platform", "schema": "public", "table": f"t{n}"}) for n in range(TABLES)]
    keys = Keys(
        tuple(f"pg_table_{name}_total" for name in COUNTERS for _ in labels) + ("pg_table_size_bytes",) * TABLES,
        tuple(each for _ in range(len(COUNTERS) + 1) for each in labels),
    )
    counts = np.zeros(len(COUNTERS) * TABLES)
    random = np.random.default_rng(1)
    polls: list[Poll] = []
    for number in range(STEPS):
        at = NOW - STEP * (STEPS - number)
        counts += random.integers(0, 1000, len(counts))
        tables = Samples()
        tables.put(keys, [*counts.tolist(), *[1e7] * TABLES])
        for poll in feed.polls(at, STEP):
            kind = {"web": "api", "pooler": "pgbouncer", "cache": "redis", "main": "postgres"}[poll.source]
            for clone in range(5):
                polls.append(replace(poll, source=f"{kind}-{clone}", records=()))
                if kind == "postgres":
                    polls.append(
                        Poll(source=f"{kind}-{clone}", tier=Tier.MEDIUM, at=at, duration=0, up=True, samples=tables)
                    )
        if len(polls) > 500:
            store.append_many(polls)
            polls = []
    store.append_many(polls)
    for _ in range(20):
        store.compact(NOW)
    store.close()


@pytest.mark.timeout(600)
def test_many_ranges_of_many_sources_take_no_more_than_is_allowed(tmp_path: Path) -> None:
    fill(tmp_path)
    words = [sys.executable, "-m", "tests.webapp.many_ranges", str(tmp_path), str(NOW), "27"]
    said = subprocess.run(words, capture_output=True, text=True, check=False, timeout=550)
    assert said.returncode == 0, said.stderr[-2000:]
    most, last = map(int, said.stdout.split())
    assert last <= most <= MOST, f"{most / 2**20:.0f} MB at most, {last / 2**20:.0f} MB at the end"


def test_the_largest_go_first_and_one_that_is_too_large_is_not_kept() -> None:
    sizes = {"a": 40, "b": 40, "c": 40, "huge": 500}
    memory: Memory[str] = Memory(lambda: 0.0, size=sizes.__getitem__, most_bytes=100)
    for key in ("a", "b", "c"):
        assert memory.get(key, 10, partial(str, key)) == key
    assert memory.bytes() == 80
    assert memory.get("huge", 10, lambda: "huge") == "huge"
    assert memory.bytes() == 0


def test_a_value_that_grew_while_it_was_used_is_counted_as_it_is() -> None:
    held: list[bytearray] = []
    memory: Memory[list[bytearray]] = Memory(lambda: 0.0, size=lambda value: sum(map(len, value)), most_bytes=100)
    assert memory.get("a", 10, lambda: held) is held
    held.append(bytearray(1000))
    memory.bound()
    assert memory.bytes() == 0


def test_one_computes_while_the_others_wait() -> None:
    made: list[int] = []
    memory: Memory[int] = Memory(lambda: 0.0)
    gate = threading.Event()

    def make() -> int:
        gate.wait(10)
        made.append(1)
        return 7

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(memory.get("a", 10, make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert (found, made) == ([7] * 8, [1])


def test_what_is_old_is_given_back_though_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboards.memory.LONGEST", 0.05)
    memory: Memory[bytes] = Memory(time.monotonic, size=len)
    memory.get("a", 10, lambda: bytes(1000))
    end = time.monotonic() + 10
    while memory.bytes():
        assert time.monotonic() < end
        threading.Event().wait(0.01)
