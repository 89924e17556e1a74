"""Which series and layouts there are: read once, then only what is new, since rows are never changed."""

import json
import sqlite3
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from metrics.model import SOURCE, Labels, Selector, labelled

Numbers = NDArray[np.int64]


class Index:
    """The names behind the numbers of one file; safe for several threads."""

    def __init__(self) -> None:
        """Empty; every question first reads what was added since the last."""
        self._lock = threading.Lock()
        self._names: dict[int, tuple[str, int, dict[str, str]]] = {}
        self._by_metric: dict[str, list[int]] = {}
        self._layouts: dict[int, Numbers] = {}
        self._last = 0

    def chosen(self, db: sqlite3.Connection, selector: Selector) -> dict[int, dict[int, dict[str, str]]]:
        """Series numbers with their labels, by the source's number."""
        self._refresh(db)
        found: dict[int, dict[int, dict[str, str]]] = {}
        for number in self._by_metric.get(selector.metric, ()):
            _, source, labels = self._names[number]
            if selector.accepts(labels):
                found.setdefault(source, {})[number] = labels
        return found

    def series(self, db: sqlite3.Connection, number: int) -> tuple[str, Labels]:
        """Metric and labels of one number."""
        if number not in self._names:
            self._refresh(db)
        metric, _, labels = self._names[number]
        return metric, labelled(labels)

    def all(self, db: sqlite3.Connection, metric: str | None) -> Iterator[tuple[str, Labels]]:
        """Every series, or those of one metric."""
        self._refresh(db)
        for name, _, labels in list(self._names.values()):
            if metric in (None, name):
                yield name, labelled(labels)

    def layout(self, db: sqlite3.Connection, number: int) -> Numbers:
        """The series numbers of a layout, in the order of a poll's values."""
        if number not in self._layouts:
            row = db.execute("select series from layout where id = ?", (number,)).fetchone()
            self._layouts[number] = np.frombuffer(row[0], dtype=np.int64)
        return self._layouts[number]

    def _refresh(self, db: sqlite3.Connection) -> None:
        with self._lock:
            rows = db.execute(
                "select n.id, n.metric, n.source, n.labels, s.name from series n join source s on s.id = n.source"
                " where n.id > ? order by n.id",
                (self._last,),
            )
            for number, metric, source, labels, name in rows.fetchall():
                self._names[number] = (metric, source, {**json.loads(labels), SOURCE: name})
                self._by_metric.setdefault(metric, []).append(number)
                self._last = number
