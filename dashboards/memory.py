"""A memory of a second or two, so that many viewers cost one computation. Bounded in bytes and in age."""

import ctypes
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")

BYTES = 48 * 2**20
"""What is kept of one kind of value. What a single one is larger by is gone with the request that made it."""

LONGEST = 60.0
"""Seconds after which a value is given back though nobody asks for anything."""


def weightless(value: object) -> int:
    """The size of what is small, whatever it is."""
    del value
    return 0


@dataclass(slots=True)
class _Kept(Generic[V]):
    made: float
    value: V


class Memory(Generic[V]):
    """Values by key, each computed by one caller while the others wait for it.

    clock   what tells how old a value is
    most    how many are kept; the oldest goes first
    size    bytes of a value, asked again each time: values may grow while they are used
    """

    def __init__(
        self,
        clock: Callable[[], float],
        most: int = 8,
        size: Callable[[V], int] = weightless,
        most_bytes: int = BYTES,
    ) -> None:
        self._clock, self._most, self._size, self._most_bytes = clock, most, size, most_bytes
        self._values: dict[Hashable, _Kept[V]] = {}
        self._making: dict[Hashable, threading.Lock] = {}
        self._waiting: dict[Hashable, int] = {}
        self._lock = threading.Lock()
        self._sweeper: threading.Timer | None = None

    def get(self, key: Hashable, keep: float, make: Callable[[], V]) -> V:
        """The value of a key, computed when there is none that is younger than ``keep`` seconds."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
            self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            with making:
                with self._lock:
                    found = self._values.get(key)
                if found and 0 <= self._clock() - found.made < keep:
                    return found.value
                value = make()
                with self._lock:
                    self._values.pop(key, None)
                    self._values[key] = _Kept(self._clock(), value)
                    self._bound()
                    self._sweep_later()
                return value
        finally:
            with self._lock:
                self._waiting[key] -= 1
                if not self._waiting[key]:
                    del self._waiting[key]
                    if key not in self._values:
                        self._making.pop(key, None)

    def bound(self) -> None:
        """Keep no more than is allowed, now that values have been used and have grown."""
        with self._lock:
            self._bound()

    def bytes(self) -> int:
        """What is kept."""
        with self._lock:
            return sum(self._size(kept.value) for kept in self._values.values())

    def _bound(self) -> None:
        sizes = {key: self._size(kept.value) for key, kept in self._values.items()}
        total, gone = sum(sizes.values()), 0
        for key in list(self._values):
            if len(self._values) <= self._most and total <= self._most_bytes:
                break
            total -= sizes[key]
            gone += sizes[key]
            self._drop(key)
        if gone:
            give_back()

    def _drop(self, key: Hashable) -> None:
        self._values.pop(key)
        if key not in self._waiting:
            self._making.pop(key, None)

    def _sweep_later(self) -> None:
        if self._sweeper is None:
            self._sweeper = threading.Timer(LONGEST, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        """Give back what is old."""
        with self._lock:
            self._sweeper = None
            now = self._clock()
            old = [key for key, kept in self._values.items() if not 0 <= now - kept.made < LONGEST / 2]
            for key in old:
                self._drop(key)
            if self._values:
                self._sweep_later()
        if old:
            give_back()


def give_back() -> None:
    """Let the system have what was freed: the C library keeps it otherwise."""
    with suppress(AttributeError, OSError):
        # Only glibc has it.
        ctypes.CDLL(None).malloc_trim(0)


def settle() -> None:
    """Have the C library keep few pools of freed memory, and large pieces not at all: once, when a process starts."""
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        for what, value in ((M_ARENA_MAX, 2), (M_MMAP_THRESHOLD, 64 * 1024), (M_TRIM_THRESHOLD, 2**20)):
            library.mallopt(what, value)


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
