"""One remote's queue and the thread that empties it: in order, never faster than the remote, never giving up.

While the remote answers, polls go straight to it, those that came together in one request. When it does not, they go
to the backlog, and from there in their order once it answers again; new ones queue up behind.
"""

import random
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from metrics.poll import Poll
from storage.files import StoreError
from storage.remote.batch import Batch, of_entries
from storage.remote.entry import Entry, Turns
from storage.remote.faults import RemoteError, Waits
from storage.remote.sender import Outcome, Say, Sender
from storage.remote.spool import REMEMBERED

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STOP_WITHIN = 10.0
DOUBT_EVERY = 600.0
"""Seconds for which a closed connection raises no second doubt: some proxies close them after a few seconds."""


class Backlog(Protocol):
    """Where polls are that a remote does not have yet."""

    def waits(self) -> bool:
        """Whether there are any."""
        ...

    def keep(self, entries: Iterable[Entry]) -> None:
        """These could not be sent, or have to queue up. Safe when this returns."""
        ...

    def next(self) -> Batch:
        """The oldest of them; the same again until `done`."""
        ...

    def done(self) -> None:
        """Those have arrived."""
        ...

    def rewind(self) -> None:
        """What arrived in the last minute is in doubt."""
        ...

    def sent(self, entries: Iterable[Entry]) -> None:
        """These arrived without waiting."""
        ...

    def close(self) -> None:
        """No more is sent."""
        ...


@dataclass(slots=True)
class Ticket:
    """A poll on its way; `done` is set once it is safe, at the remote or in the backlog, or has failed."""

    entry: Entry
    done: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


class Feed:
    """Sends from its making to `close`.

    say          is told when the remote stops answering and when it answers again
    resend_live  whether what was sent without the backlog has to be remembered for a rewind
    """

    def __init__(
        self, name: str, sender: Sender, backlog: Backlog, say: Say, *, resend_live: bool, pause: float = FIRST_PAUSE
    ) -> None:
        """The thread starts."""
        self._name, self._sender, self._backlog, self._say = name, sender, backlog, say
        self._resend_live, self._first_pause = resend_live, pause
        self._turns = Turns()
        self._queue: deque[Ticket] = deque()
        self._changed = threading.Condition()
        self._recent: deque[tuple[float, Entry]] = deque()
        self._pause = 0.0
        self._again = 0.0
        self._certain_until = 0.0
        self._down = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"remote {name}", daemon=True)
        self._thread.start()

    def offer(self, poll: Poll) -> Ticket:
        """Put a poll into the queue."""
        with self._changed:
            if self._stopping:
                raise RemoteError(f"{self._name}: the store is closed")
            ticket = Ticket(self._turns.entry(poll))
            self._queue.append(ticket)
            self._changed.notify()
        return ticket

    def idle(self) -> bool:
        """Whether everything has arrived."""
        with self._changed:
            return not self._queue and not self._backlog.waits()

    def close(self) -> None:
        """What is still in the queue goes to the backlog. Returns within 10 s and the remote's timeout."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(STOP_WITHIN)
        if not self._thread.is_alive():
            self._sender.close()
            self._backlog.close()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - the thread's edge: a full disk today must not end tomorrow's sending
                self._say(f"remote {self._name}: {type(error).__name__}: {error}")
                time.sleep(1.0)
        with self._changed:
            left = list(self._queue)
        if left:
            self._keep(left)

    def _turn(self) -> None:
        tickets = self._take()
        if tickets and not self._backlog.waits():
            self._straight(tickets)
            return
        if tickets:
            self._keep(tickets)
        if self._backlog.waits() and time.monotonic() >= self._again:
            self._catch_up()

    def _take(self) -> list[Ticket]:
        """What has come; waits for it, or until the backlog may be tried again."""
        with self._changed:
            if not self._queue and not self._stopping:
                left = self._again - time.monotonic() if self._backlog.waits() else None
                if left is None or left > 0:
                    self._changed.wait(left)
            return list(self._queue)

    def _straight(self, tickets: Sequence[Ticket]) -> None:
        try:
            outcome = self._sender.send(of_entries(ticket.entry for ticket in tickets))
        except Waits as error:
            self._fail(error)
            self._keep(tickets)
            return
        self._works()
        for ticket in tickets:
            ticket.error = _refusal(self._name, ticket.entry, outcome)
        entries = [ticket.entry for ticket in tickets]
        self._backlog.sent(entries)
        if self._sender.renewed() and time.monotonic() > self._certain_until:
            self._doubt()
        self._remember(entries)
        self._settle(tickets)

    def _catch_up(self) -> None:
        try:
            self._sender.send(self._backlog.next())
        except Waits as error:
            self._fail(error)
            return
        self._backlog.done()
        self._works()

    def _keep(self, tickets: Sequence[Ticket]) -> None:
        try:
            self._backlog.keep([ticket.entry for ticket in tickets])
        except (StoreError, OSError, sqlite3.Error) as error:
            for ticket in tickets:
                ticket.error = error
        self._settle(tickets)

    def _settle(self, tickets: Sequence[Ticket]) -> None:
        with self._changed:
            for _ in tickets:
                self._queue.popleft()
        for ticket in tickets:
            ticket.done.set()

    def _remember(self, entries: Sequence[Entry]) -> None:
        if not self._resend_live:
            return
        now = time.monotonic()
        self._recent.extend((now, entry) for entry in entries)
        while self._recent and self._recent[0][0] < now - REMEMBERED:
            self._recent.popleft()

    def _fail(self, error: Waits) -> None:
        self._wait_a_little(error.after)
        if self._down:
            return
        self._down = True
        self._say(f"remote {error}; polls wait")
        if error.lost:
            self._doubt()

    def _doubt(self) -> None:
        """What was sent in the last minute may have been only in the remote's memory: send it again."""
        self._certain_until = time.monotonic() + DOUBT_EVERY
        self._backlog.rewind()
        self._backlog.keep([entry for _, entry in self._recent])
        self._recent.clear()

    def _wait_a_little(self, asked: float | None) -> None:
        self._pause = min(max(self._pause * 2, self._first_pause), LONGEST_PAUSE)
        # Spread, so that several collectors do not all come back in the same moment.
        wait = asked if asked is not None else self._pause * random.uniform(0.5, 1.0)  # noqa: S311
        self._again = time.monotonic() + wait

    def _works(self) -> None:
        if self._down:
            self._say(f"remote {self._name}: answers again")
        self._down, self._pause, self._again = False, 0.0, 0.0


def _refusal(name: str, entry: Entry, outcome: Outcome) -> RemoteError | None:
    reason = outcome.refused.get((entry.source, entry.at))
    return None if reason is None else RemoteError(f"{name} refused samples of {entry.source}: {reason[:200]}")
