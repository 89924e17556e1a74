"""Whether one address answers for several servers: a mark that comes back was never gone, so it was no restart."""

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

REMEMBERED = 16
"""Marks of servers that were met lately."""

CALM = 60
"""Answers of one and the same server in a row after which the others are taken for gone."""


@dataclass(slots=True)
class Identity:
    """Of one source, answer by answer.

    several  whether marks alternate
    """

    several: bool = False
    _current: Hashable = None
    _met: dict[Hashable, None] = field(default_factory=dict)
    _calm: int = 0

    def look(self, mark: Hashable) -> bool:
        """Whether the server that answers is another than that of the answer before.

        >>> identity = Identity()
        >>> [identity.look(mark) for mark in "aabbab"], identity.several
        ([False, False, True, False, True, True], True)
        >>> once = Identity()
        >>> [once.look(mark) for mark in "aabbcc"], once.several
        ([False, False, True, False, True, False], False)
        """
        if mark == self._current:
            self._calm += 1
            if self._calm >= CALM:
                self.several, self._met = False, {mark: None}
            return False
        other = self._current is not None
        self.several = self.several or mark in self._met
        self._current, self._calm = mark, 0
        self._met.pop(mark, None)
        self._met[mark] = None
        while len(self._met) > REMEMBERED:
            self._met.pop(next(iter(self._met)))
        return other

    def marks(self) -> list[str]:
        """Those that were met, the newest last."""
        return [str(mark) for mark in self._met]


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
