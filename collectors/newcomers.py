"""Which names may have series of their own, where new names may come for ever.

A cap on each poll does not bound what a store holds when every poll has other names: applications that put an
identifier into their name, accounts that are made for an hour. So of new names only so many are let in, the others are
part of a rest, and sums stay what they are.
"""

import time
from collections.abc import Callable, Hashable, Iterable, Set
from typing import Generic, TypeVar

SPARE = 4
"""How often as many names as can be shown at once are let in at first, and again by each week."""

WEEK = 7 * 86_400.0
KEPT = 20
"""Names that are known, for each that can be shown at once: one that was away for long is new again."""

K = TypeVar("K", bound=Hashable)


class Newcomers(Generic[K]):
    """Remembers who was let in. While there is room for many, all are; later only who is there for two looks.

    >>> few = Newcomers(1, clock=lambda: 0.0)
    >>> sorted(few.let_in("ab")), sorted(few.let_in("bcd")), sorted(few.let_in("bce"))
    (['a', 'b'], ['b'], ['b', 'c'])
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``most``: how many can be shown at once."""
        self._clock = clock
        self._most = float(SPARE * most)
        self._kept = KEPT * most
        self._room = self._most
        self._at = clock()
        self._known: dict[K, None] = {}
        self._waiting: set[K] = set()
        self._last: Set[K] = set()

    def has(self, names: Set[K]) -> bool:
        """Whether these are all that were let in the last time, and no others: they may be shown again as they are."""
        return names == self._last

    def let_in(self, names: Iterable[K]) -> set[K]:
        """Those of the names that may be shown; of new ones the first come first."""
        now = self._clock()
        self._room = min(self._most, self._room + self._most * (now - self._at) / WEEK)
        self._at = now
        there = dict.fromkeys(names)
        may = {name for name in there if self._may(name)}
        self._waiting = {name for name in there if name not in may}
        self._last = there.keys() if not self._waiting else set()
        while len(self._known) > self._kept:
            self._known.pop(next(iter(self._known)))
        return may

    def _may(self, name: K) -> bool:
        if name in self._known:
            # To the end: who has been away longest is forgotten first.
            self._known.pop(name)
        elif self._room >= 1 and (self._room > self._most / 2 or name in self._waiting):
            self._room -= 1
        else:
            return False
        self._known[name] = None
        return True
