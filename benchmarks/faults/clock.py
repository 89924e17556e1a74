"""Fault 10: the wall clock is set under a running `trivet collect`, by libfaketime."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.faults.child import Child
from benchmarks.faults.collecting import api, asked, collecting, config, sound
from benchmarks.faults.fault import NotHere, Outcome
from stack.native.debian import Debian, NotFetched

TOOLS = Path(__file__).parents[2] / "var" / "tools"
HOUR, DAY, YEAR = 3600, 86400, 31_557_600
STEPS = {"one hour on": HOUR, "one hour back": -HOUR, "a day on": DAY, "a day back": -DAY, "ten years on": 10 * YEAR}
STAY = 5.0


def steps(ground: Path, times: int) -> Outcome:
    """Each step and, some seconds later, back again: at most one poll is missed at each."""
    outcome, library = Outcome(), _library()
    with api() as url, ThreadPoolExecutor(len(STEPS)) as all_at_once:
        for i in range(times):
            done = all_at_once.map(lambda by, i=i: _set(ground / f"{by} {i}", url, by, library), STEPS.values())
            for name, lines in zip(STEPS, done, strict=True):
                outcome.count(lines, name)
    return outcome


def _set(folder: Path, url: str, seconds: int, library: Path) -> list[str]:
    path, stamp = config(folder, [url]), folder / "stamp"
    stamp.write_text("+0")
    # The monotonic clock stays what it is, as on a machine whose time was set.
    env = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
    }
    with collecting(path, env) as child:
        time.sleep(STAY)
        before = _memory(child)
        for offset in (f"{seconds:+d}", "+0"):
            _put(stamp, offset)
            time.sleep(STAY)
        grown = _memory(child) - before
        lines = child.stop()
    return [*lines, *_polls(folder / "data", seconds), *([f"grew by {grown >> 20} MiB"] if grown > 20 << 20 else [])]


def _put(stamp: Path, offset: str) -> None:
    """At once, so that no half of it is read."""
    fresh = stamp.with_name("fresh")
    fresh.write_text(offset)
    fresh.replace(stamp)


def _polls(data: Path, seconds: int) -> list[str]:
    """How many polls have the time of before and after, and how many that of between."""
    points = asked(data, "trivet_source_up").get("s0")
    if points is None:
        return ["no poll at all"]
    apart = np.abs(points.times - time.time() - seconds) < np.abs(points.times - time.time())
    there, rest = int(apart.sum()), int((~apart).sum())
    # Five collectors at once whose every look at the clock reads a file: a poll may be dear, and then says so.
    every = asked(data, "trivet_poll_interval_seconds")["s0"].values.max()
    least = max(1, int(STAY / every) - 2)
    lines = [] if there >= least else [f"{there} polls in {STAY:.0f} s of another time"]
    lines += [] if rest >= 2 * least else [f"{rest} polls in {2 * STAY:.0f} s of the right time"]
    return [*lines, *sound(data)]


def _memory(child: Child) -> int:
    return int(Path(f"/proc/{child.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _library() -> Path:
    """The system's or one that is fetched."""
    for root in (Path("/"), TOOLS / "faketime"):
        for path in root.glob("usr/lib/*/faketime/libfaketimeMT.so.1"):
            return path
    try:
        Debian(TOOLS, lambda line: None).unpack(["libfaketime"], TOOLS / "faketime")
    except NotFetched as error:
        raise NotHere(f"there is no libfaketime: {error}") from None
    return next((TOOLS / "faketime").glob("usr/lib/*/faketime/libfaketimeMT.so.1"))
