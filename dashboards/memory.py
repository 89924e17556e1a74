"""A memory of a second or two, so that many viewers cost one computation."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Memory(Generic[V]):
    """Values by key, each computed by one caller while the others wait for it.

    keep    how long a value is given out, on the clock's terms
    most    how many are kept; the oldest goes first
    """

    def __init__(self, keep: float, clock: Callable[[], float], most: int = 32) -> None:
        self._keep, self._clock, self._most = keep, clock, most
        self._values: dict[Hashable, tuple[float, V]] = {}
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of a key, computed when there is none that is fresh."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                found = self._values.get(key)
            if found and 0 <= self._clock() - found[0] < self._keep:
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
