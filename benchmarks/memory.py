"""`python -m benchmarks.memory SERIES HOURS SEED FOLDER`: the memory of a process that collects so many series.

It has loaded what `trivet collect` loads, and appends and compacts as that does. Prints two numbers of MB: the most
it ever had, and what it has at the end.
"""

import subprocess
import sys
from pathlib import Path

import commands.collect  # noqa: F401 - for its weight
from benchmarks.generator import generate
from metrics.poll import Poll
from storage.series import SeriesStore

STEP = 10.0
START = 1_750_003_200.0
TOGETHER = 60


def measure(series: int, hours: float, seed: int, folder: Path) -> tuple[float, float]:
    """Most and last MB of a process of its own."""
    words = ["-m", "benchmarks.memory", str(series), str(hours), str(seed), str(folder)]
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    most, last = done.stdout.split()
    return float(most), float(last)


def collect(series: int, hours: float, seed: int, folder: Path) -> None:
    """Every source tells the same story under its own name: the generator must not be what is weighed."""
    each = min(series, 100)
    sources = max(1, series // each)
    ticks = round(hours * 3600 / STEP)
    data = generate(each, ticks, start=START, step=STEP, seed=seed)
    store = SeriesStore(folder)
    for tick in range(ticks):
        [poll] = data.polls(tick, tick + 1)
        store.append_many([_of(poll, f"s{number:03}", number / 1000) for number in range(sources)])
        if tick % TOGETHER == TOGETHER - 1:
            store.compact(START + (tick + 1) * STEP)
    store.close()


def _of(poll: Poll, source: str, later: float) -> Poll:
    return Poll(source=source, tier=poll.tier, at=poll.at + later, duration=0.01, up=True, samples=poll.samples)


def resident() -> tuple[float, float]:
    """Most and present MB of this process."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    most, now = (int(lines[name].split()[0]) * 1024 / 1e6 for name in ("VmHWM", "VmRSS"))
    return most, now


if __name__ == "__main__":
    collect(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    print(*resident())
