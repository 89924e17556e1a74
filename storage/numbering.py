"""How the writer turns the samples of a poll into a row: numbers for names, remembered from poll to poll."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from metrics.model import Labels, Sample
from metrics.points import Column
from metrics.poll import Poll
from metrics.watch import EPOCH
from storage import checks
from storage.counters import Declared, Families, counting
from storage.names import SERIES, SOURCE, STREAM, Names

Keys = tuple[list[str], list[Labels]]
"""The metrics and the labels of a poll's samples, apart: two lists of the same objects are soon compared."""
REMEMBERED = 200_000
"""Names that are kept in memory: where names come and go for ever, all of them would be too many."""
_METRIC: Callable[[Sample], str] = itemgetter(0)
_LABELS: Callable[[Sample], Labels] = itemgetter(1)
_VALUE: Callable[[Sample], float] = itemgetter(2)


@dataclass(slots=True)
class Shape:
    """What the last poll of a stream looked like, and its values."""

    stream: int
    keys: Keys
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
        epochs = [Sample(EPOCH.name, (("epoch", name),), value) for name, value in sorted(poll.epochs.items())]
        samples = [*poll.samples, *epochs]
        before = self._shapes.get((poll.source, str(poll.tier)))
        keys = (list(map(_METRIC, samples)), list(map(_LABELS, samples)))
        if before is not None and before.keys == keys:
            values = np.fromiter(map(_VALUE, samples), np.float64, len(samples))
            turn = at <= before.at or _turned(before.counts, before.marks, before.values, values)
            if at >= before.at:
                before.at, before.values = at, values
            return before.stream, before.layout, int(turn), values.tobytes()
        shape = self._new_shape(db, poll, samples, keys, at)
        turn = before is None or at <= before.at or _turned_apart(before, shape)
        if before is None or at >= before.at:
            # The next poll is compared with the newest one, not with one that came late.
            self._shapes[poll.source, str(poll.tier)] = shape
        return shape.stream, shape.layout, int(turn), shape.values.tobytes()

    def _new_shape(self, db: sqlite3.Connection, poll: Poll, samples: Sequence[Sample], keys: Keys, at: int) -> Shape:
        if len(self._series) > REMEMBERED:
            self._series.clear()
        source = self._names.entered(db, SOURCE, (poll.source,))
        stream = self._names.entered(db, STREAM, (source, str(poll.tier)))
        # Of a series that a poll names twice, the last value counts.
        values = {self._number(db, source, sample): sample.value for sample in samples}
        numbers = np.array(list(values), dtype=np.uint32)
        metrics = {self._series[source, *sample[:2]]: sample.metric for sample in samples}
        names = [metrics[int(number)] for number in numbers]
        return Shape(
            stream=stream,
            # Only a poll without repetition can be recognised by its keys alone.
            keys=keys if len(values) == len(samples) else (["more than once"], []),
            layout=self._layout(db, stream, numbers),
            numbers=numbers,
            counts=np.array(counting(names, Families(*keys, self._declared)), dtype=np.bool_),
            marks=np.array([name == EPOCH.name for name in names], dtype=np.bool_),
            at=at,
            values=np.array(list(values.values()), dtype=np.float64),
        )

    def _number(self, db: sqlite3.Connection, source: int, sample: Sample) -> int:
        key = (source, sample.metric, sample.labels)
        if key not in self._series:
            labels = json.dumps(dict(sample.labels), sort_keys=True, ensure_ascii=False)
            self._series[key] = self._names.entered(db, SERIES, (source, sample.metric, labels))
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
