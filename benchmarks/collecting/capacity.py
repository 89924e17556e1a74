"""How many sources one collector carries, how late it gets when some of them hang, and what it weighs in memory."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.collecting.collector import Block, Collecting
from benchmarks.collecting.weighing import cpu_seconds, resident_mb

INTERVAL = 10.0
HUNG = "hung"


@dataclass(frozen=True)
class Load:
    """A collector at its work.

    core       share of one processor core
    poll_ms    milliseconds of processor time for each source and interval, storing included
    lag_p99    milliseconds that a poll of a healthy source began late, 99 of 100 less
    done       share of the polls that were due
    """

    sources: int
    series: int
    core: float
    poll_ms: float
    lag_p99: float
    done: float
    resident_mb: float


def carried(folder: Path, sources: Sequence[Block], seconds: float, settle: float) -> Load:
    """The real `trivet collect` with these sources every 10 s: after ``settle`` seconds, over so many more."""
    healthy = [source for source in sources if not str(source["name"]).startswith(HUNG)]
    with Collecting(folder, sources) as collecting:
        collecting.wait(1, len(healthy))
        time.sleep(settle)
        if bad := [name for name in collecting.down() if not name.startswith(HUNG)]:
            raise RuntimeError(f"{len(bad)} sources are down, such as {bad[0]}:\n{collecting.said()[-1000:]}")
        begun, spent = time.time(), cpu_seconds(collecting.pid)
        clock = time.monotonic()
        time.sleep(seconds)
        took, spent = time.monotonic() - clock, cpu_seconds(collecting.pid) - spent
        memory = resident_mb(collecting.pid)
        lags = collecting.lags(begun, HUNG)
        done = collecting.polls(begun, begun + took) / (len(sources) * took / INTERVAL)
        return Load(
            sources=len(sources),
            series=collecting.series(),
            core=spent / took,
            poll_ms=spent * 1000 / (len(sources) * took / INTERVAL),
            lag_p99=float(np.percentile(lags, 99)) * 1000,
            done=done,
            resident_mb=memory,
        )
