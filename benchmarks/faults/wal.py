"""Fault 8: the WAL or its index is deleted or replaced, by somebody who does not know what it is."""

import random
import time
from contextlib import closing
from pathlib import Path

from benchmarks.faults.checking import Found, shown, wrong
from benchmarks.faults.child import writer
from benchmarks.faults.fault import Outcome
from storage.series import SeriesStore

WAYS = ("stopped", "live", "replaced", "index")


def deleted(ground: Path, times: int) -> Outcome:
    """In turn: after the end of the process, under it, replaced under it, and its index."""
    outcome, chance = Outcome(), random.Random(8)  # noqa: S311
    for i in range(times):
        folder, way = ground / str(i), WAYS[i % len(WAYS)]
        outcome.count(_stopped(folder) if way == "stopped" else _live(folder, way, chance), way)
    return outcome


def _stopped(folder: Path) -> list[str]:
    """SQLite opens the file without a word; the high-water mark says how much is gone."""
    with writer(folder, "--every", 0.001) as child:
        child.acks(100)
        acked = child.kill()
    (folder / "series.db-wal").unlink()
    with closing(SeriesStore(folder)) as store:
        found: Found = {}
        lines = list(shown(folder, found))
        gone = len(acked) - sum(len(numbers) for numbers in found.values())
        if gone > 0 and not store.lost:
            lines.append(f"{gone} polls are gone and nobody noticed")
    return lines


def _live(folder: Path, way: str, chance: random.Random) -> list[str]:
    """Nothing is acknowledged that is not kept: the writer notices, saves what it has, and begins anew."""
    with writer(folder, "--every", 0.001) as child:
        child.acks(50)
        time.sleep(chance.uniform(0, 0.1))
        place = folder / ("series.db-shm" if way == "index" else "series.db-wal")
        if way == "replaced":
            place.rename(folder / "old")
            place.write_bytes(b"")
        else:
            place.unlink()
        noticed = way == "index" or child.until(lambda: child.errors, 5)
        lines = [] if noticed else ["not noticed"]
        lines += [] if child.acks(50, 10) else [f"it does not go on: {child.errors[-1:]}"]
        lines += child.stop()
    return [*lines, *wrong(folder, child.acked)]
