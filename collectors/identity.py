"""Whether one address answers for several servers: a mark that comes back was never gone, so it was no restart.

A mark is whatever tells one run of a server from any other: Redis' run ID, the time at which PostgreSQL was started.
Behind a balancer, a name with several addresses or a port that processes share, a connection that is kept shows one
server for half an hour and then another. So when the mark is another, a few fresh connections are made at once: after
a restart or a failover all of them reach the one new server, of several servers they reach more than one.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

REMEMBERED = 16
"""Marks of servers that were met lately."""

SOON = 60
"""Answers within which a mark that comes back was away for too short to be a failover and the way back."""

DAY = 86_400.0
RETURNS = 3
"""Marks that come back in a day without which it may have been failovers, there and back."""

CALM = 60
"""Answers of one and the same server in a row after which the others are taken for gone."""

ROUNDING = 1.0
"""Seconds by which ages of servers are wrong: some tell whole ones."""


class Who(NamedTuple):
    """A server as it answers: its mark, what to call it, and for how many seconds it has run, where it says so."""

    mark: Hashable
    name: str
    age: float | None = None


@dataclass(slots=True)
class _Met:
    """A server that was met: its name, and the number of its last answer."""

    name: str
    answer: int


class Identity:
    """Of one source, answer by answer.

    several    whether servers alternate; so it stays until one alone has answered for long
    unsure     whether who answers is another than before, and has not been there for a whole round yet
    restarted  whether who answers is the server from before, begun anew: it is younger than the last answer
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody was met."""
        self.several = self.unsure = self.restarted = False
        self._clock = clock
        self._current: Hashable = None
        self._met: dict[Hashable, _Met] = {}
        self._returns: deque[float] = deque(maxlen=RETURNS)
        self._answers = self._calm = 0
        self._heard = 0.0

    @property
    def mark(self) -> Hashable:
        """Of the server that answered last; None before any has."""
        return self._current

    def look(self, mark: Hashable, name: str = "", age: float | None = None) -> bool:
        """Whether the server that answers is another than that of the answer before.

        name  what to call it; without one, it is called by its mark
        age   seconds since it began, where that is known

        >>> identity = Identity()
        >>> [identity.look(mark) for mark in "aabbab"], identity.several
        ([False, False, True, False, True, True], True)
        >>> once = Identity()
        >>> [once.look(mark) for mark in "aabbcc"], once.several
        ([False, False, True, False, True, False], False)
        """
        now, before = self._clock(), self._current
        since, self._heard = now - self._heard, now
        self._answers += 1
        self._current = mark
        met = self._meet(mark, name)
        if before is None or mark == before:
            self._rest()
            return False
        self._calm = 0
        self.unsure = True
        self.restarted = met is None and age is not None and age <= since + ROUNDING
        if met is not None:
            self._came_back(self._answers - met.answer, now)
        return True

    def beside(self, found: Sequence[Who]) -> None:
        """Who answered over other connections while the current server did over ours.

        >>> identity = Identity()
        >>> identity.look("a"), identity.beside([Who("a", "A")]), identity.several
        (False, None, False)
        >>> identity.beside([Who("b", "B")]), identity.several, identity.names()
        (None, True, ['A', 'B'])
        """
        since = self._clock() - self._heard
        # A new one that is younger than our answer is the same server, restarted meanwhile.
        others = [
            each
            for each in found
            if each.mark != self._current and (each.mark in self._met or each.age is None or each.age >= since)
        ]
        for who in found:
            self._meet(who.mark, who.name)
        if others:
            self.several, self._calm = True, 0
        else:
            self._rest()

    def call(self, name: str) -> None:
        """What to call the server that answered last."""
        self._meet(self._current, name)

    def settle(self) -> None:
        """A whole round was had of who answers now."""
        self.unsure = False

    def names(self) -> list[str]:
        """What those are called that were met."""
        return sorted({met.name for met in self._met.values()})

    def _meet(self, mark: Hashable, name: str) -> _Met | None:
        """Who is met; as who it was met before, if it was."""
        met = self._met.pop(mark, None)
        known = met.name if met is not None else str(mark)
        self._met[mark] = _Met(name or known, self._answers)
        while len(self._met) > REMEMBERED:
            self._met.pop(next(iter(self._met)))
        return met

    def _came_back(self, away: int, now: float) -> None:
        self._returns.append(now)
        often = len(self._returns) == RETURNS and now - self._returns[0] < DAY
        self.several = self.several or away <= SOON or often

    def _rest(self) -> None:
        """One more answer of the same server."""
        self._calm += 1
        if self.several and self._calm >= CALM:
            self.several = False
            self._met = {mark: met for mark, met in self._met.items() if mark == self._current}
            self._returns.clear()


KEPT = 16
"""Counts that are compared."""

NEEDED = 3
"""Counts in a row that have to go on from an earlier one, with a fall in between."""

NEAR = 0.25
"""How far above an earlier count one may be that is of the same process, as a share of its leap from the one before."""

FALLS = 2
"""Falls without which it may have been a restart."""


class Counts:
    """The same where servers have no mark, but a count that only grows: it goes on where it was before it fell.

    step  by how much it grows at most from one answer of a process to the next, where that is known
    """

    def __init__(self, step: float = 0.0) -> None:
        """Nothing was counted yet."""
        self._step = step
        self._counts: deque[float] = deque(maxlen=KEPT)
        self._found = 0
        self._calm = 0
        self.alternate = False

    def look(self, count: float) -> bool:
        """Whether counts are of several processes by turns."""
        if self._counts and 0 <= count - self._counts[-1] <= self._step:
            self._counts[-1] = count
            self._calm += 1
        else:
            self._counts.append(count)
            self._calm = 0
            self._found = self._found + 1 if returned(self._counts) else 0
        if self._found >= NEEDED and falls(self._counts) >= FALLS:
            self.alternate = True
        elif self.alternate and (self._calm >= CALM or (len(self._counts) == KEPT and not falls(self._counts))):
            self.forget()
        return self.alternate

    @property
    def doubtful(self) -> bool:
        """Whether the newest count goes on from one before the last: that may be no restart."""
        return self._found > 0

    def forget(self) -> None:
        """Begin anew."""
        self._counts.clear()
        self._found, self.alternate = 0, False


def falls(counts: Sequence[float]) -> int:
    """How often a count is less than the one before."""
    given = list(counts)
    return sum(after < before for before, after in zip(given, given[1:], strict=False))


def returned(counts: Sequence[float]) -> bool:
    """Whether the newest count goes on from an earlier one, and not from the one before it.

    >>> returned([1000, 5000, 200, 1003]), returned([1000, 1010, 1020]), returned([900, 1000, 5, 80])
    (True, False, False)
    """
    *earlier, newest = counts
    if not earlier:
        return False
    near = NEAR * abs(newest - earlier[-1])
    known = [*earlier, newest]
    return any(0 <= newest - count <= near and falls(known[at:]) for at, count in enumerate(earlier[:-1]))
