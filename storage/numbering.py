"""How the writer turns the samples of a poll into a row: numbers for names, remembered from poll to poll."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from metrics.model import Labels
from metrics.points import Column
from metrics.poll import Poll
from metrics.samples import Keys, Samples
from metrics.watch import EPOCH
from storage import checks
from storage.counters import Declared, Families, counting
from storage.names import SERIES, SOURCE, STREAM, Names

_NONE = Keys(("more than once",), ((),))
"""As no poll has it: only one without repetition can be recognised by its keys alone."""

REMEMBERED = 200_000
"""Names that are kept in memory: where names come and go for ever, all of them would be too many."""


@dataclass(slots=True)
class Shape:
    """What the last poll of a stream looked like, and its values."""

    stream: int
    runs: list[Keys]
    layout: int
    numbers: NDArray[np.uint32]
    counts: NDArray[np.bool_]
    marks: NDArray[np.bool_]
    at: int
    values: Column


class Numbering:
    """The numbers of one file, for its one writer; to be forgotten when a transaction is rolled back."""

    def __init__(self, next_number: Callable[[], int], declared: Declared) -> None:
        """``next_number`` gives the numbers of layouts; ``declared`` is what is known of metrics by their name."""
        self._next, self._declared = next_number, declared
        self._names = Names(next_number)
        self.forget()

    def forget(self) -> None:
        """Read everything from the file again."""
        self._names.forget()
        self._series: dict[tuple[int, str, Labels], int] = {}
        self._shapes: dict[tuple[str, str], Shape] = {}

    def layouts(self) -> list[int]:
        """The layouts that the next polls will have if nothing changes."""
        return [shape.layout for shape in self._shapes.values()]

    def row(self, db: sqlite3.Connection, poll: Poll, at: int) -> tuple[int, int, int, bytes]:
        """Stream, layout, turn and values of a poll, its names entered where they are new."""
        samples = Samples(poll.samples)
        epochs = sorted(poll.epochs.items())
        samples.put(_epochs(tuple(name for name, _ in epochs)), [value for _, value in epochs])
        before = self._shapes.get((poll.source, str(poll.tier)))
        if before is not None and before.runs == samples.runs:
            values = samples.numbers()
            turn = at <= before.at or _turned(before.counts, before.marks, before.values, values)
            if at >= before.at:
                before.at, before.values = at, values
            return before.stream, before.layout, int(turn), values.tobytes()
        shape = self._new_shape(db, poll, samples, at)
        turn = before is None or at <= before.at or _turned_apart(before, shape)
        if before is None or at >= before.at:
            # The next poll is compared with the newest one, not with one that came late.
            self._shapes[poll.source, str(poll.tier)] = shape
        return shape.stream, shape.layout, int(turn), shape.values.tobytes()

    def _new_shape(self, db: sqlite3.Connection, poll: Poll, samples: Samples, at: int) -> Shape:
        if len(self._series) > REMEMBERED:
            self._series.clear()
        source = self._names.entered(db, SOURCE, (poll.source,))
        stream = self._names.entered(db, STREAM, (source, str(poll.tier)))
        # Of a series that a poll names twice, the last value counts.
        values, metrics = {}, {}
        for metric, labels, value in samples:
            number = self._series_number(db, source, metric, labels)
            values[number], metrics[number] = value, metric
        numbers = np.array(list(values), dtype=np.uint32)
        names = list(metrics.values())
        return Shape(
            stream=stream,
            runs=samples.runs if len(values) == len(samples) else [_NONE],
            layout=self._layout(db, stream, numbers),
            numbers=numbers,
            counts=np.array(counting(names, Families(samples.series(), self._declared)), dtype=np.bool_),
            marks=np.array([name == EPOCH.name for name in names], dtype=np.bool_),
            at=at,
            values=np.array(list(values.values()), dtype=np.float64),
        )

    def _series_number(self, db: sqlite3.Connection, source: int, metric: str, labels: Labels) -> int:
        key = (source, metric, labels)
        if key not in self._series:
            written = json.dumps(dict(labels), sort_keys=True, ensure_ascii=False)
            self._series[key] = self._names.entered(db, SERIES, (source, metric, written))
        return self._series[key]

    def _layout(self, db: sqlite3.Connection, stream: int, numbers: NDArray[np.uint32]) -> int:
        packed = numbers.tobytes()
        digest = checks.digest(packed)
        found = db.execute("select id, crc from layout where stream = ? and digest = ?", (stream, digest)).fetchone()
        if found and found[1] == checks.of_layout(found[0], stream, digest) and _same(db, found[0], packed):
            return int(found[0])
        if found:
            # Its polls cannot be read any more: the next compaction puts them aside.
            db.execute("delete from layout where id = ?", found[:1])
        number = self._next()
        row = (number, stream, digest, packed, checks.of_layout(number, stream, digest))
        db.execute("insert into layout (id, stream, digest, series, crc) values (?, ?, ?, ?, ?)", row)
        return number


@lru_cache(maxsize=100)
def _epochs(names: tuple[str, ...]) -> Keys:
    return Keys((EPOCH.name,) * len(names), tuple((("epoch", name),) for name in names))


def _same(db: sqlite3.Connection, layout: int, packed: bytes) -> bool:
    found = db.execute("select series from layout where id = ?", (layout,)).fetchone()
    return found is not None and bool(found[0] == packed)


def _turned(counts: NDArray[np.bool_], marks: NDArray[np.bool_], old: Column, new: Column) -> bool:
    """Whether a counter fell or an epoch changed."""
    fell = new < old
    if fell.any() and (counts & fell).any():
        return True
    return bool(marks.any() and (marks & (new != old)).any())


def _turned_apart(old: Shape, new: Shape) -> bool:
    """The same for two polls of different series: of those that both have."""
    _, left, right = np.intersect1d(old.numbers, new.numbers, assume_unique=True, return_indices=True)
    return _turned(new.counts[right], new.marks[right], old.values[left], new.values[right])
