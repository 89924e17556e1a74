"""Segments as a reader sees them; heads and decoded columns are kept while there is room, as they never change."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from storage.codec import DamagedError
from storage.segment import Filled, Segment

V = TypeVar("V")

HEADS_BYTES = 16 * 2**20
COLUMNS_BYTES = 40 * 2**20


class Kept(Generic[V]):
    """The most recently used values, up to a number of bytes; safe for several threads."""

    def __init__(self, most: int, size: Callable[[V], int]) -> None:
        """Empty."""
        self._most, self._size, self._used = most, size, 0
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> V | None:
        """A kept value."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            return None

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value; the longest unused ones go."""
        with self._lock:
            if key in self._values:
                return
            self._values[key] = value
            self._used += self._size(value)
            while self._used > self._most and len(self._values) > 1:
                _, gone = self._values.popitem(last=False)
                self._used -= self._size(gone)


class Cold:
    """Reads of the segments of one file. What is damaged is left out and remembered."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._heads: Kept[Segment] = Kept(HEADS_BYTES, lambda head: 24 * len(head.times) + 64 * len(head.numbers))
        self._columns: Kept[Filled] = Kept(COLUMNS_BYTES, lambda column: 128 + column.values.nbytes)
        self.damaged: dict[int, str] = {}

    def head(self, db: sqlite3.Connection, segment: int) -> Segment | None:
        """The head of a segment; None when it is damaged."""
        found = self._heads.get(segment)
        if found is None and segment not in self.damaged:
            try:
                with db.blobopen("segment", "data", segment, readonly=True) as blob:
                    found = Segment(_read(blob), len(blob))
            except DamagedError as damage:
                self.damaged[segment] = str(damage)
                return None
            self._heads.put(segment, found)
        return found

    def column(
        self, db: sqlite3.Connection, segment: int, head: Segment, number: int, column: int = 0
    ) -> Filled | None:
        """One column of a series; None when it is damaged."""
        key = (segment, number, column)
        found = self._columns.get(key)
        if found is None:
            try:
                with db.blobopen("segment", "data", segment, readonly=True) as blob:
                    found = head.column(_read(blob), number, column)
            except DamagedError as damage:
                self.damaged[segment] = str(damage)
                return None
            self._columns.put(key, found)
        return found


def _read(blob: sqlite3.Blob) -> Callable[[int, int], bytes]:
    def read(offset: int, length: int) -> bytes:
        blob.seek(offset)
        return blob.read(length)

    return read
