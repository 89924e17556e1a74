"""Which series, layouts and streams there are: read once, then only what is new, since rows are never changed."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.model import SOURCE, Labels, Selector, labelled
from storage.codec import DamagedError

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
        self._last_series = 0
        self._last_stream = 0
        # What selectors chose, and of how many series: pages ask the same again and again.
        self._kept: dict[Selector, tuple[tuple[int, int], dict[int, list[Name]]]] = {}
        self.damaged: set[int] = set()

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
        return {stream: names for source, names in by_source.items() for stream in self._streams.get(source, ())}

    def name(self, number: int) -> Name | None:
        """One series, of a layout that was asked for before; None when its name is damaged."""
        return self._names.get(number)

    def all(self, db: sqlite3.Connection, metric: str | None) -> Iterator[Name]:
        """Every series, or those of one metric."""
        self.refresh(db)
        return iter(list(self._names.values()) if metric is None else list(self._by_metric.get(metric, ())))

    def layout(self, db: sqlite3.Connection, number: int) -> Numbers:
        """The series numbers of a layout, in the order of a poll's values; DamagedError when they are not those."""
        if number not in self._layouts:
            self._layouts[number] = layout(db, number)
        return self._layouts[number]

    def refresh(self, db: sqlite3.Connection) -> None:
        """Read what was added."""
        with self._lock:
            for number, source in db.execute(
                "select id, source from stream where id > ? order by id", (self._last_stream,)
            ).fetchall():
                self._streams.setdefault(source, []).append(number)
                self._last_stream = number
            rows = db.execute(
                # As bytes: one text that is no UTF-8 would end the whole statement.
                "select n.id, n.source, cast(n.metric as blob), cast(n.labels as blob), cast(s.name as blob)"
                " from series n join source s on s.id = n.source where n.id > ? order by n.id",
                (self._last_series,),
            )
            for number, source, *texts in rows.fetchall():
                self._last_series = number
                try:
                    name = _name(number, source, *texts)
                except (ValueError, TypeError, AttributeError):
                    self.damaged.add(number)
                    continue
                self._names[number] = name
                self._by_metric.setdefault(name.metric, []).append(name)


def _name(number: int, source: int, metric: bytes, labels: bytes, called: bytes) -> Name:
    mapping = {**json.loads(labels.decode()), SOURCE: called.decode()}
    return Name(number, source, metric.decode(), labelled(mapping), mapping)


def layout(db: sqlite3.Connection, number: int) -> Numbers:
    """The same, read from the file: with a layout that changed, values would be shown as those of other series."""
    row = db.execute("select digest, series from layout where id = ?", (number,)).fetchone()
    if row is None or not isinstance(row[1], bytes) or hashlib.blake2b(row[1], digest_size=16).digest() != row[0]:
        raise DamagedError(f"layout {number} is damaged")
    return np.frombuffer(row[1], dtype=np.uint32)
