"""Where a store's bytes go: values, the frame that pcodec puts around them, and the directory of each segment.

python -m benchmarks.framing            two days of 500 series at 10 s, and a quarter of 25 series at 120 s
"""

import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks import machine
from metrics.model import labelled
from metrics.points import Column
from metrics.poll import Poll, Tier
from metrics.samples import Keys, Samples
from storage import files
from storage.segment import Read, Segment, reader
from storage.series import SeriesStore

FRAME = 15
"""Bytes of pcodec's standalone format that a count and a type determine: magic, versions, count, type, end."""

ENTRY = 8
"""Bytes of a payload in the directory: its end and its checksum."""

NOW = 1_800_000_000.0


def walk(series: int, ticks: int, seed: int = 7) -> list[Column]:
    """Other series than the generator's: steady and bursty counters, gauges of two decimals, sums of times."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(series):
        match number % 6:
            case 0:
                column = np.cumsum(random.poisson(random.uniform(1, 200), ticks)) + float(random.integers(10**9))
            case 1:
                column = np.round(50 + np.cumsum(random.normal(0, 0.5, ticks)), 2)
            case 2:
                column = np.cumsum(random.exponential(random.uniform(0.001, 2), ticks))
            case 3:
                column = random.integers(0, 20, ticks).astype(float)
            case 4:
                column = np.repeat(random.integers(0, 10**6, ticks // 60 + 1), 60)[:ticks].astype(float)
            case _:
                column = np.cumsum((random.random(ticks) < 0.05) * random.integers(1, 50, ticks)).astype(float)
        made.append(column.astype(np.float64))
    return made


def build(folder: Path, series: int, ticks: int, step: float) -> None:
    """A store of these, compacted as a collector does."""
    rows = np.array(walk(series, ticks)).T
    labels = tuple(labelled({"item": str(number)}) for number in range(series))
    keys = Keys(("walk",) * series, labels)
    store = SeriesStore(folder)
    start = NOW - step * ticks
    for first in range(0, ticks, 500):
        polls = []
        for tick in range(first, min(ticks, first + 500)):
            samples = Samples()
            samples.put(keys, rows[tick].tolist())
            at = start + step * tick
            polls.append(Poll(source="one", tier=Tier.FAST, at=at, duration=0, up=True, samples=samples))
        store.append_many(polls)
        store.compact(polls[-1].at)
    for _ in range(40):
        store.compact(NOW + 4 * 3600)
    store.close()


def shares(folder: Path) -> tuple[Counter[str], int]:
    """Bytes by what they are for, and how many raw samples there are."""
    found: Counter[str] = Counter()
    samples = 0
    with closing(files.connect(folder / files.SERIES, write=False)) as db:
        for res, count, data in db.execute("select res, samples, data from segment"):
            name = "raw" if res == 0 else "rollups"
            samples += count if res == 0 else 0
            segment = Segment(reader(data), len(data))
            payloads = len(segment.numbers) * (1 if res == 0 else 5)
            packed = sum(
                _framed(segment, reader(data), number, column)
                for number in segment.numbers.tolist()
                for column in range(payloads // len(segment.numbers))
            )
            found[f"{name}: values"] += len(data) - segment.body - FRAME * packed
            found[f"{name}: frames of pcodec"] += FRAME * packed
            found[f"{name}: directory"] += ENTRY * payloads + 4 * len(segment.numbers)
            found[f"{name}: times, statistics"] += segment.body - ENTRY * payloads - 4 * len(segment.numbers)
    found["pages of SQLite beside them"] = files.size(folder / files.SERIES) - sum(found.values())
    return found, samples


def _framed(segment: Segment, read: Read, number: int, column: int) -> int:
    """1 for a payload that pcodec made, 0 for a constant."""
    values = segment.column(read, number, column).values
    return int(len(values) > 0 and not (values.view(np.int64) == values.view(np.int64)[0]).all())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(machine.described(Path(folder)))
    for title, series, ticks, step in (
        ("two days of 500 series at 10 s", 500, 17_280, 10.0),
        ("a quarter of 25 series at 120 s", 25, 64_800, 120.0),
    ):
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder), series, ticks, step)
            found, samples = shares(Path(folder))
        print(f"\n{title}: {samples:,} samples, {sum(found.values()) / samples:.3f} bytes each")
        for name, size in sorted(found.items(), key=lambda item: -item[1]):
            print(f"  {name:<32} {size / samples:7.4f} B a sample  {100 * size / sum(found.values()):5.1f} %")


if __name__ == "__main__":
    main()
