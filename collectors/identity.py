"""Whether one address answers for several servers: a mark that comes back was never gone, so it was no restart."""

from collections.abc import Hashable
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
