"""A memory of a second or two, so that many viewers cost one computation."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Memory(Generic[V]):
    """Values by key, each computed by one caller while the others wait for it.

    clock   what tells how old a value is
    most    how many are kept; the oldest goes first
    """

    def __init__(self, clock: Callable[[], float], most: int = 8) -> None:
        self._clock, self._most = clock, most
        self._values: dict[Hashable, tuple[float, V]] = {}
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, keep: float, make: Callable[[], V]) -> V:
        """The value of a key, computed when there is none that is younger than ``keep`` seconds."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                found = self._values.get(key)
            if found and 0 <= self._clock() - found[0] < keep:
                return found[1]
            value = make()
            with self._lock:
                self._values.pop(key, None)
                self._values[key] = (self._clock(), value)
                while len(self._values) > self._most:
                    oldest = next(iter(self._values))
                    self._values.pop(oldest)
                    self._making.pop(oldest, None)
            return value
