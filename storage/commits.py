"""Polls that arrive close together share one commit; each waits for it, and none sinks the others."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
Commit = Callable[[Sequence[T]], Sequence[Exception | None]]


class _Waiter:
    """Somebody who waits for a commit: a lock that is let go of when it is known what became of it."""

    __slots__ = ("_lock", "_outcome")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._outcome: BaseException | None = None

    def tell(self, outcome: BaseException | None) -> None:
        self._outcome = outcome
        self._lock.release()

    def wait(self) -> None:
        self._lock.acquire()
        if self._outcome is not None:
            raise self._outcome


class Commits(Generic[T]):
    """Gathers what several threads want to have written.

    commit  writes a batch durably and says of each item whether it failed; what it raises failed them all
    linger  seconds that the first of a batch waits for others
    """

    def __init__(self, commit: Commit[T], linger: float = 0.0) -> None:
        """Nothing waits."""
        self._commit = commit
        self.linger = linger
        self._waiting: list[tuple[T, _Waiter]] = []
        self._lock = threading.Lock()
        self._full = threading.Event()
        self._one = threading.Lock()

    def write(self, item: T) -> None:
        """Returns when the item is on disk; raises what kept it from there."""
        mine = _Waiter()
        with self._lock:
            self._waiting.append((item, mine))
            first = len(self._waiting) == 1
        if first:
            if self.linger:
                self._full.wait(self.linger)
            self._write_batch()
        mine.wait()

    def write_all(self, items: Sequence[T]) -> None:
        """The same for several at once; raises the first error."""
        with self._one:
            outcomes = self._commit(items)
        for error in outcomes:
            if error is not None:
                raise error

    def hurry(self) -> None:
        """Nobody lingers any more."""
        self._full.set()

    def _write_batch(self) -> None:
        with self._one:
            with self._lock:
                batch, self._waiting = self._waiting, []
            try:
                outcomes = self._commit([item for item, _ in batch])
            except BaseException as error:  # noqa: BLE001 - whoever waits has to be told, whatever it was
                for _, waiter in batch:
                    waiter.tell(error)
                return
        for (_, waiter), outcome in zip(batch, outcomes, strict=True):
            waiter.tell(outcome)
