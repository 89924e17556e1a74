"""What holds after every fault, asked of the files with the product's own reader and with SQLite's."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.faults import polls
from benchmarks.faults.child import Acked
from metrics.model import Selector
from metrics.points import Points
from storage.reading import SeriesReader
from storage.series import SeriesStore

END = 1e11
Found = dict[int, NDArray[np.int64]]


def wrong(folder: Path, acked: Acked, series: int = polls.SERIES, *, going_on: bool = True) -> list[str]:
    """Every acknowledged poll is there and whole, all values are right, the file is sound, and the next poll works."""
    found: Found = {}
    lines = [*_file(folder), *shown(folder, found, series), *lost(found, acked)]
    if going_on and not lines:
        lines += next_poll(folder, series)
    return lines


def shown(folder: Path, found: Found, series: int = polls.SERIES, *, whole: bool = True) -> Iterator[str]:
    """What is wrong with the numbers that a reader is shown; ``found`` gets the polls of each source.

    whole  a poll has to be there with every series; else only wrong numbers are counted
    """
    with closing(SeriesReader(folder)) as reader:
        points = [each for metric in ("work_total", "level") for each in reader.raw(Selector(metric), 0, END)]
        ill = reader.health().problem
    if whole and ill and ("damaged" in ill or "cannot write" not in ill):
        yield f"health: {ill}"
    for each in points:
        yield from _series(each, found, whole)
    counts: dict[str, int] = {}
    for each in points:
        counts[each.source] = counts.get(each.source, 0) + 1
    if whole:
        yield from (f"torn: {name} has {n} of {series} series" for name, n in counts.items() if n != series)


def _series(points: Points, found: Found, whole: bool) -> Iterator[str]:
    source, i = int(points.source.removeprefix("source")), int(points.labels["item"])
    numbers = polls.numbers_of(points.times)
    if (np.diff(points.times) <= 0).any():
        yield f"{points.source} series {i}: times do not rise"
    # A reader gives back exactly what was stored: milliseconds, and every bit of the value.
    if (np.array([polls.moment(float(n)) for n in numbers]) != points.times).any():
        yield f"{points.source} series {i}: times that no poll had"
    bad = int((polls.values(numbers, source, i) != points.values).sum())
    if bad:
        yield f"{points.source} series {i}: {bad} of {len(numbers)} values are wrong"
    if source not in found:
        found[source] = numbers
    elif whole and not np.array_equal(found[source], numbers):
        strange = np.setxor1d(found[source], numbers)
        yield f"torn: {len(strange)} polls of {points.source} lack series, such as number {strange[:1]}"


def lost(found: Found, acked: Acked) -> Iterator[str]:
    """Acknowledged polls that are not there."""
    there = {(source, int(number)) for source, numbers in found.items() for number in numbers}
    missing = sorted(acked - there)
    if missing:
        yield f"lost: {len(missing)} of {len(acked)} acknowledged polls, such as {missing[:3]}"


def next_poll(folder: Path, series: int = polls.SERIES) -> Iterator[str]:
    """The lock is free and the store takes a poll and shows it."""
    number = newest(folder) + 1
    with closing(SeriesStore(folder)) as store:
        if store.lost:
            yield f"the store believes that {store.lost} numbers are lost"
        store.append(polls.poll(number, 0, series))
        last = store.raw(Selector("work_total"), polls.moment(number), polls.moment(number))
    if not last:
        yield "the next poll is not there"


def newest(folder: Path) -> int:
    """The highest number that a source has."""
    found: Found = {}
    list(shown(folder, found))
    return max((int(numbers[-1]) for numbers in found.values() if len(numbers)), default=0)


def _file(folder: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{folder / 'series.db'}?mode=ro", uri=True)) as db:
        said = db.execute("pragma integrity_check").fetchone()[0]
    if said != "ok":
        yield f"integrity_check: {said}"
