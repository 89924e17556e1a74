"""Which series, layouts and streams there are: read once, then only what is new, since rows are never changed."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.model import SOURCE as SOURCE_LABEL
from metrics.model import Labels, Selector, labelled
from storage import checks
from storage.codec import DamagedError
from storage.names import BEFORE_ALL, SERIES, SOURCE, STREAM, TABLES

Numbers = NDArray[np.uint32]

MOST_KEPT = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A series: its metric and its labels, in both shapes that are asked for."""

    number: int
    source: int
    metric: str
    labels: Labels
    mapping: dict[str, str]


class Index:
    """The names behind the numbers of one file; safe for several threads."""

    def __init__(self) -> None:
        """Empty; every question first reads what was added since the last."""
        self._lock = threading.Lock()
        self._names: dict[int, Name] = {}
        self._by_metric: dict[str, list[Name]] = {}
        self._layouts: dict[int, Numbers] = {}
        self._streams: dict[int, list[int]] = {}
        self._sources: dict[int, str | None] = {}
        # Those whose source is not known: they may have the series of any.
        self._orphans: set[int] = set()
        self._last_series = self._last_stream = self._last_source = BEFORE_ALL
        # What selectors chose, and of how many series: pages ask the same again and again.
        self._kept: dict[Selector, tuple[tuple[int, int], dict[int, list[Name]]]] = {}
        self.damaged: dict[str, set[int]] = {"source": set(), "series": set(), "stream": set()}

    def chosen(self, db: sqlite3.Connection, selector: Selector) -> dict[int, list[Name]]:
        """The series that a selector chooses, by the streams that may have them: all of their source."""
        self.refresh(db)
        upto = (self._last_series, self._last_stream)
        kept = self._kept.get(selector)
        if kept is None or kept[0] != upto:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            kept = self._kept[selector] = (upto, self._choose(selector))
        return kept[1]

    def _choose(self, selector: Selector) -> dict[int, list[Name]]:
        by_source: dict[int, list[Name]] = {}
        for name in self._by_metric.get(selector.metric, ()):
            if selector.accepts(name.mapping):
                by_source.setdefault(name.source, []).append(name)
        chosen = {stream: names for source, names in by_source.items() for stream in self._streams.get(source, ())}
        every = [name for names in by_source.values() for name in names]
        return {**chosen, **dict.fromkeys(self._orphans, every)} if every else chosen

    def name(self, number: int) -> Name | None:
        """One series, of a layout that was asked for before; None when its name is damaged."""
        return self._names.get(number)

    def all(self, db: sqlite3.Connection, metric: str | None) -> Iterator[Name]:
        """Every series, or those of one metric."""
        self.refresh(db)
        return iter(list(self._names.values()) if metric is None else list(self._by_metric.get(metric, ())))

    def ill(self, db: sqlite3.Connection) -> int:
        """How many damaged names were met and have not been put aside since."""
        return sum(not TABLES[kind].one(db, number) for kind, found in self.damaged.items() for number in list(found))

    def layout(self, db: sqlite3.Connection, number: int) -> Numbers:
        """The series numbers of a layout, in the order of a poll's values; DamagedError when they are not those."""
        if number not in self._layouts:
            self._layouts[number] = layout(db, number)
        return self._layouts[number]

    def refresh(self, db: sqlite3.Connection) -> None:
        """Read what was added."""
        with self._lock:
            self._refresh_sources(db)
            for number, (source, _), sound in STREAM.rows(db, self._last_stream):
                # A row that is not sound need not be of the number that it claims.
                self._last_stream = self._seen("stream", number, sound, self._last_stream)
                if sound and source:
                    self._streams.setdefault(source, []).append(number)
                else:
                    self._orphans.add(number)
            for number, row, sound in SERIES.rows(db, self._last_series):
                self._last_series = self._seen("series", number, sound, self._last_series)
                name = self._named(number, row) if sound else None
                if name is not None:
                    self._names[number] = name
                    self._by_metric.setdefault(name.metric, []).append(name)

    def _refresh_sources(self, db: sqlite3.Connection) -> None:
        for number, (name,), sound in SOURCE.rows(db, self._last_source):
            self._last_source = self._seen("source", number, sound, self._last_source)
            self._sources[number] = name.decode() if sound and not name.startswith(checks.END) else None

    def _seen(self, kind: str, number: int, sound: bool, before: int) -> int:
        if not sound:
            self.damaged[kind].add(number)
        return number if sound else before

    def _named(self, number: int, row: tuple[int, bytes, bytes]) -> Name | None:
        """The name of a sound row; None when it or its source says nothing any more."""
        source, metric, labels = row
        if not metric:
            return None
        if source not in self._sources:
            self.damaged["source"].add(source)
        called = self._sources.get(source)
        if called is None:
            return None
        mapping = {**json.loads(labels), SOURCE_LABEL: called}
        return Name(number, source, metric.decode(), labelled(mapping), mapping)


def layout(db: sqlite3.Connection, number: int) -> Numbers:
    """The same, read from the file: with a layout that changed, values would be shown as those of other series."""
    row = db.execute("select stream, digest, series, crc from layout where id = ?", (number,)).fetchone()
    if row is None or not layout_sound(number, *row):
        raise DamagedError(f"layout {number} is damaged")
    return np.frombuffer(row[2], dtype=np.uint32)


def layout_sound(number: int, stream: int, digest: bytes, series: bytes, crc: int) -> bool:
    """Whether the row of a layout is what was written."""
    try:
        return checks.digest(series) == digest and checks.of_layout(number, stream, digest) == crc
    except TypeError:
        return False
