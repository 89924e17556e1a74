"""Waits for a store that cannot be written to: polls are kept in memory and written in order when it can again.

A full disk, a folder that became read-only, no more file descriptors, an fsync that failed, a WAL that somebody
deleted: none needs a restart. After each, the store begins anew on a fresh connection, as an fsync that failed may
have dropped what the old one believes to be on disk.
"""

import sqlite3
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from metrics.duration import spoken
from metrics.poll import Poll
from storage.files import StoreMoved
from storage.series import SeriesStore

MOST_BYTES = 64 * 2**20
LONGEST = 15 * 60.0
RETRY_EVERY = 1.0
PASSING = (sqlite3.OperationalError, OSError, StoreMoved)
"""What may go away by itself or by somebody's hand; all else is a mistake in the poll, or damage."""

Write = Callable[[Poll], None]
Say = Callable[[str], None]


class Patience:
    """Stands between the poller and a store.

    write    the store's append
    local    the part of it that writes files: it is made to begin anew, and not to linger over what waits
    say      is given a line when the waiting begins and when it ends
    tell     is given the trouble each second, and nothing when it is over: for those who look at it from outside
    """

    def __init__(
        self,
        write: Write,
        local: SeriesStore,
        say: Say,
        tell: Callable[[str], None],
        *,
        most_bytes: int = MOST_BYTES,
        longest: float = LONGEST,
    ) -> None:
        """Nothing waits."""
        self._write, self._local, self._say, self._tell = write, local, say, tell
        self._most_bytes, self._longest = most_bytes, longest
        self._waiting: deque[tuple[float, int, Poll]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._reason = ""
        self._since = 0.0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many polls are kept in memory."""
        return len(self._waiting)

    @property
    def trouble(self) -> str:
        """Why nothing can be written; empty when all is well."""
        return self._reason

    def write(self, poll: Poll) -> None:
        """Write a poll, or keep it for later. What is wrong with the poll itself is raised."""
        with self._lock:
            if self._reason:
                self._keep(poll)
                return
        try:
            self._write(poll)
        except PASSING as error:
            with self._lock:
                self._begin(error)
                self._keep(poll)

    def close(self) -> None:
        """One last try; what cannot be written now is lost, and said."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)
        if self._reason and not self._retried() and self._waiting:
            self._say(f"{len(self._waiting)} polls could not be written and are lost: {self._reason}")

    def _begin(self, error: Exception) -> None:
        if self._reason:
            return
        self._reason, self._since, self.dropped = _named(error), time.monotonic(), 0
        keep = f"{self._most_bytes // 2**20} MiB or {spoken(self._longest)}"
        self._say(f"cannot write: {self._reason}. Polls are kept in memory, up to {keep}, until it can be done again.")
        self._tell(self._text())
        self._thread = threading.Thread(target=self._wait, name="patience", daemon=True)
        self._thread.start()

    def _keep(self, poll: Poll) -> None:
        size = _size(poll)
        self._waiting.append((time.monotonic(), size, poll))
        self._bytes += size
        oldest = time.monotonic() - self._longest
        while len(self._waiting) > 1 and (self._bytes > self._most_bytes or self._waiting[0][0] < oldest):
            self._bytes -= self._waiting.popleft()[1]
            self.dropped += 1

    def _wait(self) -> None:
        while not self._stop.wait(RETRY_EVERY):
            if self._retried():
                return
            self._tell(self._text())

    def _retried(self) -> bool:
        """Try everything that waits, oldest first; whether nothing does any more."""
        linger, self._local.linger = self._local.linger, 0.0
        try:
            self._local.reopen()
            while True:
                with self._lock:
                    if not self._waiting:
                        self._end()
                        return True
                    at, size, poll = self._waiting[0]
                self._put(poll)
                with self._lock:
                    # Meanwhile it may have been dropped for being the oldest.
                    if self._waiting and self._waiting[0][2] is poll:
                        self._waiting.popleft()
                        self._bytes -= size
        except (*PASSING, sqlite3.ProgrammingError) as error:
            self._reason = _named(error)
            return False
        finally:
            self._local.linger = linger

    def _put(self, poll: Poll) -> None:
        try:
            self._write(poll)
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001 - one bad poll must not keep those behind it
            if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
                raise
            self._say(f"a poll of {poll.source} cannot be kept: {type(error).__name__}: {error}")

    def _end(self) -> None:
        gone = f" {self.dropped} polls were too many to keep and are lost." if self.dropped else " No poll was lost."
        self._say(f"writes again after {spoken(time.monotonic() - self._since)}.{gone}")
        self._reason = ""
        self._tell("")

    def _text(self) -> str:
        lost = f", {self.dropped} older ones are lost" if self.dropped else ""
        return f"The collector cannot write: {self._reason}. {len(self._waiting)} polls wait in memory{lost}."


def _named(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _size(poll: Poll) -> int:
    """What a poll about takes: its names are shared with those before it, for the most part."""
    return 200 + 120 * len(poll.samples) + sum(sys.getsizeof(record.body) + 200 for record in poll.records)
