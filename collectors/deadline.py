"""One hard deadline: a socket that is shut down when time is up, whatever its owner waits for.

Timeouts of the drivers do not bound a peer that stopped answering: libpq's statement_timeout, tcp_user_timeout and
keepalives all leave a frozen backend's client waiting, and redis-py's socket_timeout begins anew with every byte.
Shutting the socket wakes them at once.
"""

import heapq
import math
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PATIENCE = 0.05
"""Seconds that an answer is waited for before the watchdog is told: most answers cost it nothing."""


@dataclass(slots=True, order=True)
class Cut:
    """One deadline. ``fired`` tells whoever caught the driver's error why it came; ``over``: nobody waits for it."""

    at: float
    number: int
    handle: int = field(compare=False)
    fired: bool = field(default=False, compare=False)
    over: bool = field(default=False, compare=False)


class Watchdog:
    """A thread that shuts sockets down. Times are of time.monotonic(). Any thread may arm and disarm.

    It sleeps until the first deadline that it knew when it fell asleep, and is woken only for an earlier one: nearly
    all are called off long before, and waking it for each would cost as much as a small poll.
    """

    def __init__(self) -> None:
        """No thread yet: the first deadline starts it."""
        self._changed = threading.Condition()
        self._armed: list[Cut] = []
        self._count = 0
        self._wakes = math.inf
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, handle: int, at: float) -> Iterator[Cut]:
        """Shut the socket of this file descriptor when ``at`` comes before the block ends."""
        cut = self.arm(handle, at)
        try:
            yield cut
        finally:
            self.disarm(cut)

    def arm(self, handle: int, at: float) -> Cut:
        """The same by hand; every cut has to be disarmed."""
        # A duplicate: the number itself may be another socket's by the time it is cut. Made and closed without the
        # lock: each lets other threads run, and they would all come to wait for it.
        duplicate = os.dup(handle)
        with self._changed:
            self._count += 1
            cut = Cut(at, self._count, duplicate)
            heapq.heappush(self._armed, cut)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            if at < self._wakes:
                self._wakes = at
                self._changed.notify()
        return cut

    def disarm(self, cut: Cut) -> None:
        """Call a deadline off; harmless when it has fired, and when done twice."""
        with self._changed:
            mine, cut.over = not cut.over, True
        if mine:
            os.close(cut.handle)

    def cut_all(self) -> None:
        """Time is up for everything that is armed: the process ends."""
        with self._changed:
            for cut in self._armed:
                if not cut.over:
                    _shut(cut)
            self._armed.clear()

    def _watch(self) -> None:
        with self._changed:
            while True:
                while self._armed and self._armed[0].over:
                    heapq.heappop(self._armed)
                self._wakes = self._armed[0].at if self._armed else math.inf
                left = self._wakes - time.monotonic()
                if left > 0:
                    self._changed.wait(None if left == math.inf else left)
                else:
                    _shut(heapq.heappop(self._armed))


def _shut(cut: Cut) -> None:
    cut.fired = cut.over = True
    with socket.socket(fileno=cut.handle) as duplicate:
        try:
            duplicate.shutdown(socket.SHUT_RDWR)
        except OSError:
            # The peer was quicker: nobody waits on this socket any more.
            return


WATCHDOG = Watchdog()


class Late(Exception):  # noqa: N818 - as BrokenPipeError
    """The deadline has come."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Waits for one file descriptor until a time of time.monotonic()."""

    handle: int
    at: float

    def wait(self, waiter: select.poll) -> None:
        """Until a poll object that the descriptor is registered with has something. Raises Late."""
        if not waiter.poll(1000 * min(PATIENCE, self.left())):
            # So that a collector that is told to stop need not wait for a server that does not answer.
            with WATCHDOG.over(self.handle, self.at) as cut:
                waiter.poll(1000 * self.left())
            if cut.fired:
                raise Late

    def left(self) -> float:
        """Seconds that are left. Raises Late when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise Late
        return left
