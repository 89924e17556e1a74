"""Ours, fed and asked as the collector and the pages do it."""

import shutil
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import numpy as np

from benchmarks.engines import FOLDS, TRIVET, Grid, Key, Table, bytes_below, bytes_written
from benchmarks.generator import Column, Data
from metrics.model import SOURCE, Labels, Selector
from metrics.poll import Poll
from storage.files import SERIES
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.store import Fold

# A window waits a quarter of an hour for late polls: looking twice an hour seals it as a collector does.
COMPACT_EVERY = 1800.0
HOUR = 3600.0


class Asked:
    """The questions, put to a reader."""

    name = TRIVET

    def __init__(self, folder: Path) -> None:
        self.reader = SeriesReader(folder)

    def raw(self, selector: Selector, start: float, end: float) -> dict[Key, tuple[Column, Column]]:
        return {_key(tuple(p.labels.items())): (p.times, p.values) for p in self.reader.raw(selector, start, end)}

    def window(self, selector: Selector, grid: Grid) -> dict[Key, Table]:
        folded = self.reader.windows(selector, grid.t0, grid.step, grid.n, FOLDS).values()
        return {
            _key(columns[0].labels): np.array([column.values for column in columns])
            for columns in zip(*folded, strict=True)
        }

    def rate(self, selector: Selector, grid: Grid) -> dict[Key, Column]:
        found = self.reader.window(selector, grid.t0, grid.step, grid.n, Fold.RATE)
        return {_key(each.labels): each.values for each in found}

    def newest(self, at: float) -> Sequence[object]:
        """As the store hands it out."""
        return self.reader.latest()

    def latest(self, at: float) -> dict[Key, float]:
        return {_key(labels): value for _, labels, _, value in self.reader.latest()}


class Trivet(Asked):
    """The whole store in this process."""

    version = "this tree"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SeriesStore(folder)
        self._closed = False
        super().__init__(folder)

    def load(self, data: Data, start: int, end: int) -> None:
        """In the order of time, with the compactions of that time; then as an hour of silence leaves it."""
        batch = max(1, round(COMPACT_EVERY / data.step))
        for first in range(start, end, batch):
            last = min(first + batch, end)
            self.store.append_many(list(data.polls(first, last)))
            self.store.compact(data.start + last * data.step)
        self.store.compact(data.start + end * data.step + HOUR)

    def live(self, data: Data, start: int, end: int) -> Sequence[float]:
        spent = []
        for tick in range(start, end):
            polls = list(data.polls(tick, tick + 1))
            begun = time.perf_counter()
            self.store.append_many(polls)
            spent.append(time.perf_counter() - begun)
        return spent

    def at_once(self, data: Data, start: int, end: int) -> Sequence[float]:
        """The same, from a thread for each source: how long until the last of them has its answer."""
        count = len(data.feeds)
        gate = Barrier(count + 1)

        def write(poll: Poll) -> float:
            gate.wait()
            self.store.append(poll)
            return time.perf_counter()

        spent = []
        with ThreadPoolExecutor(count) as pool:
            for tick in range(start, end):
                answers = [pool.submit(write, poll) for poll in data.polls(tick, tick + 1)]
                gate.wait()
                begun = time.perf_counter()
                spent.append(max(answer.result() for answer in answers) - begun)
        return spent

    def size(self) -> int:
        return bytes_below(self.folder)

    def merged(self) -> tuple[int, int]:
        """A copy that has grown three days older, so that everything is merged: its bytes, those of rollups apart."""
        copy = self.folder.with_name(f"{self.folder.name}-merged")
        shutil.copytree(self.folder, copy)
        older = SeriesStore(copy)
        newest = older.health().newest or 0.0
        for hours in range(2, 75, 6):
            older.compact(newest + hours * HOUR)
        older.close()
        size = bytes_below(copy)
        rolled = _rollups(copy / SERIES)
        shutil.rmtree(copy)
        return size - rolled, rolled

    def pieces(self) -> str:
        """Which segments there are and how many polls are not in one yet."""
        with closing(sqlite3.connect(self.folder / SERIES)) as file:
            spans = file.execute(
                "select res, stop - start, count(*) from segment group by 1, 2 order by 1, 2"
            ).fetchall()
            hot = file.execute("select count(*) from hot").fetchone()[0]
        names = [f"{count} of {span / 3600_000:g} h{f' at {res} s' if res else ''}" for res, span, count in spans]
        return f"segments: {', '.join(names) or 'none'}; {hot} polls hot"

    def written(self) -> int:
        return bytes_written("self")

    def close(self) -> None:
        """May be called again: another process may have the folder by then."""
        if not self._closed:
            self._closed = True
            self.reader.close()
            self.store.close()


def _rollups(path: Path) -> int:
    """How much smaller the file would be without rollups: their pages, which are more than their bytes."""
    sizes = []
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement in ("select 1", "delete from segment where res > 0"):
            file.execute(statement)
            part = path.with_name("part.db")
            file.execute("vacuum into ?", (str(part),))
            sizes.append(part.stat().st_size)
            part.unlink()
    return sizes[0] - sizes[1]


def _key(labels: Labels) -> Key:
    found = dict(labels)
    return found[SOURCE], found["item"]
