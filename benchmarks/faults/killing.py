"""Faults 1, 2 and 17: the process is ended while it writes."""

import random
import shutil
import time
from pathlib import Path

from benchmarks.faults.checking import newest, wrong
from benchmarks.faults.child import Acked, writer
from benchmarks.faults.fault import Outcome
from benchmarks.faults.polls import moment, poll
from storage.series import SeriesStore

LAP = 10
"""Kills of one folder before a new one is begun."""
AHEAD = 4 * 86400.0


def in_mid_write(ground: Path, times: int) -> Outcome:
    """SIGKILL at a random moment, while two threads write and a third compacts what is old enough."""
    outcome, chance = Outcome(), random.Random(1)  # noqa: S311 - not a secret
    acked: Acked = set()
    total = 0
    for i in range(times):
        folder = ground / str(i // LAP)
        if i % LAP == 0:
            acked = set()
        first = newest(folder) + 1 if acked else 0
        with writer(folder, "--first", first, "--compact", 0.05) as child:
            child.acks(1)
            time.sleep(chance.uniform(0.0, 0.3))
            fresh = child.kill()
        acked |= fresh
        total += len(fresh)
        outcome.count([*_none(fresh, child.complaints), *wrong(folder, acked, going_on=i % 5 == 0)], f"kill {i}")
    outcome.note = f"{total} acknowledged"
    return outcome


def in_compaction(ground: Path, times: int) -> Outcome:
    """SIGKILL at a random moment of a compaction of three days; the next compaction goes on where it was."""
    outcome, chance = Outcome(), random.Random(2)  # noqa: S311
    acked = full(ground / "full")
    length = _compacted(ground / "full", ground / "whole", None)
    for i in range(times):
        folder = ground / str(i)
        _compacted(ground / "full", folder, chance.uniform(0.0, length))
        lines = wrong(folder, acked, going_on=False)
        if not lines:
            with SeriesStoreOpen(folder) as store:
                store.compact(moment(0) + AHEAD)
            lines = wrong(folder, acked)
        outcome.count(lines, f"kill {i}")
        shutil.rmtree(folder)
    outcome.note = f"a compaction takes {length:.2f} s"
    return outcome


class SeriesStoreOpen:
    """A store for a with statement."""

    def __init__(self, folder: Path) -> None:
        self.store = SeriesStore(folder)

    def __enter__(self) -> SeriesStore:
        return self.store

    def __exit__(self, *_: object) -> None:
        self.store.close()


def full(folder: Path, sources: int = 2, hours: int = 60, stride: int = 6) -> Acked:
    """A store with some days of hot rows, a poll a minute."""
    numbers = range(0, hours * 360, stride)
    with SeriesStoreOpen(folder) as store:
        for source in range(sources):
            store.append_many([poll(number, source) for number in numbers])
    return {(source, number) for source in range(sources) for number in numbers}


def _compacted(source: Path, folder: Path, kill_after: float | None) -> float:
    """Compact a copy; kill it on the way, or return how long it took."""
    shutil.copytree(source, folder)
    with writer(folder, "--sources", 0, "--compact", 0.001, "--ahead", AHEAD) as child:
        child.until(lambda: "c" in child.lines)
        begun = time.monotonic()
        if kill_after is None:
            child.until(lambda: "C" in child.lines)
            return time.monotonic() - begun
        time.sleep(kill_after)
        child.kill()
    return kill_after


def told_to_stop(ground: Path, times: int) -> Outcome:
    """SIGTERM at a random moment: no new work, exit code 0 within ten seconds, nothing lost."""
    outcome, chance = Outcome(), random.Random(17)  # noqa: S311
    acked: Acked = set()
    for i in range(times):
        folder = ground / str(i // LAP)
        if i % LAP == 0:
            acked = set()
        first = newest(folder) + 1 if acked else 0
        with writer(folder, "--first", first, "--compact", 0.05) as child:
            child.acks(1)
            time.sleep(chance.uniform(0.0, 0.2))
            lines = child.stop()
            fresh = child.acked
        acked |= fresh
        outcome.count([*lines, *_none(fresh, child.complaints), *wrong(folder, acked, going_on=False)], f"stop {i}")
    return outcome


def _none(acked: Acked, complaints: list[str]) -> list[str]:
    return [] if acked else [f"nothing was acknowledged: {complaints[-1:]}"]
