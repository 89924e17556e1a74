"""Polls that are not yet in a segment, kept decoded in memory and brought up to date by what is new.

Rows have no index on time: a reader takes those with a higher number than the last it saw, and starts anew when the
generation changed, that is, when a compaction took rows away.
"""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metrics.points import Column
from storage import checks
from storage.codec import DamagedError
from storage.index import Index, Numbers
from storage.segment import Times

Turns = NDArray[np.bool_]


@dataclass(slots=True)
class Run:
    """Polls of one layout whose times rise."""

    numbers: Numbers
    count: int = 0
    _times: Times = field(default_factory=lambda: np.empty(64, dtype=np.int64))
    _turns: Turns = field(default_factory=lambda: np.empty(64, dtype=np.bool_))
    _values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    position: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make room for some polls."""
        self._values = np.empty((64, len(self.numbers)))
        self.position = {int(number): i for i, number in enumerate(self.numbers)}

    def add(self, at: int, turn: bool, data: bytes) -> None:
        """One more poll, later than all before."""
        if self.count == len(self._times):
            more = max(64, self.count)
            self._times = np.concatenate((self._times, np.empty(more, dtype=np.int64)))
            self._turns = np.concatenate((self._turns, np.empty(more, dtype=np.bool_)))
            self._values = np.concatenate((self._values, np.empty((more, len(self.numbers)))))
        self._times[self.count], self._turns[self.count] = at, turn
        self._values[self.count] = np.frombuffer(data)
        self.count += 1

    def drop(self, at: int) -> None:
        """Forget the poll of one time, if it is here."""
        i = int(np.searchsorted(self.times, at))
        if i < self.count and self.times[i] == at:
            self._times = np.delete(self.times, i)
            self._turns = np.delete(self.turns, i)
            self._values = np.delete(self._values[: self.count], i, axis=0)
            self.count -= 1

    @property
    def times(self) -> Times:
        """When the polls were, in milliseconds."""
        return self._times[: self.count]

    @property
    def turns(self) -> Turns:
        """Which of them may follow a reset."""
        return self._turns[: self.count]

    def column(self, number: int) -> Column:
        """The values of one series."""
        return self._values[: self.count, self.position[number]]

    def row(self, i: int) -> Column:
        """The values of one poll."""
        row: Column = self._values[i]
        return row


class Hot:
    """The hot rows of one file by stream; safe for several threads. Damaged rows are left out and counted."""

    def __init__(self, index: Index) -> None:
        """Nothing is read yet."""
        self._index = index
        self._lock = threading.Lock()
        self._runs: dict[int, list[Run]] = {}
        self._last = 0
        self.generation = 0
        self.damaged: set[int] = set()

    def refresh(self, db: sqlite3.Connection, generation: int) -> bool:
        """Take in what is new; False when the connection's view of the file is older than what is here."""
        with self._lock:
            if generation < self.generation:
                return False
            if generation > self.generation:
                self._runs, self._last, self.generation = {}, 0, generation
            rows = db.execute(
                "select seq, stream, at, layout, turn, crc, data from hot where seq > ? order by seq", (self._last,)
            )
            for seq, stream, at, layout, turn, crc, data in rows.fetchall():
                self._last = seq
                try:
                    numbers = self._checked(db, (stream, at, layout, turn, data), crc)
                except (DamagedError, TypeError):
                    # TypeError: a number that has become a text.
                    self.damaged.add(seq)
                    continue
                self._add(stream, at, bool(turn), numbers, data)
            return True

    def _checked(self, db: sqlite3.Connection, row: tuple[int, int, int, int, bytes], crc: int) -> Numbers:
        # First: a damaged row may name a layout that there never was.
        if checks.of_hot(*row) != crc:
            raise DamagedError("its checksum is wrong")
        numbers = self._index.layout(db, row[2])
        if len(row[4]) != 8 * len(numbers):
            raise DamagedError("it has not as many values as its layout")
        return numbers

    def runs(self, stream: int) -> list[Run]:
        """The polls of a stream; no time is in two of them."""
        return list(self._runs.get(stream, ()))

    def all(self) -> list[Run]:
        """The polls of every stream."""
        return [run for runs in list(self._runs.values()) for run in list(runs) if run.count]

    def newest(self) -> Iterator[tuple[int, Run]]:
        """Each stream with the run that has its newest poll."""
        for stream, runs in list(self._runs.items()):
            yield stream, max(runs, key=lambda run: int(run.times[-1]))

    def _add(self, stream: int, at: int, turn: bool, numbers: Numbers, data: bytes) -> None:
        runs = self._runs.setdefault(stream, [])
        if runs and at <= max(int(run.times[-1]) for run in runs):
            # A second poll of one time replaces the first, with all that it had.
            for run in runs:
                run.drop(at)
            runs[:] = [run for run in runs if run.count]
        if not runs or runs[-1].numbers is not numbers or at <= runs[-1].times[-1]:
            runs.append(Run(numbers))
        runs[-1].add(at, turn, data)
