"""Events that the collector saw, kept until the state file takes them."""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence

from metrics.poll import Event
from storage.files import StoreError
from storage.state import StateStore

MOST = 10_000
"""Events that wait at most; of more the oldest are lost, and that is said."""


class Diary:
    """Writes events in their order. A state file that cannot be written to costs no poll."""

    def __init__(self, state: StateStore, say: Callable[[str], None]) -> None:
        """Nothing waits."""
        self._state, self._say = state, say
        self._waiting: deque[Event] = deque(maxlen=MOST)
        self._lock = threading.Lock()
        self._told = ""

    def write(self, events: Sequence[Event]) -> None:
        """Keep them, and those that still wait. May be called from several threads."""
        with self._lock:
            if len(self._waiting) + len(events) > MOST:
                self._say(f"more than {MOST:,} events wait to be written: the oldest are lost")
            self._waiting.extend(events)
            try:
                while self._waiting:
                    self._state.add(self._waiting[0])
                    self._waiting.popleft()
            except (sqlite3.Error, StoreError, OSError) as error:
                if str(error) != self._told:
                    self._say(f"cannot write events yet: {error}")
                self._told = str(error)
            else:
                self._told = ""
