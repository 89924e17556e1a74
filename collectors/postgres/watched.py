"""Which databases of a server have their tables read in a turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from collectors.newcomers import Newcomers
from collectors.postgres.source import PostgresSource

A_TURN = 16
"""Databases visited in one turn: a connection costs some 5 ms of processor time on either side."""


@dataclass(slots=True)
class Watched:
    """Chooses databases by the source's patterns and goes round them."""

    source: PostgresSource
    most: int
    names: Sequence[str] = field(init=False)
    excluded: int = 0
    left_out: int = 0
    _waited: dict[str, int] = field(default_factory=dict)
    _newcomers: Newcomers[str] = field(init=False)

    def __post_init__(self) -> None:
        self._newcomers = Newcomers(self.most)
        self.names = [self.source.database]

    def among(self, names: Sequence[str]) -> None:
        """Choose among those of the server, the busiest first; the source's own is always one of them.

        Databases that are made for each test of a build are not all let in: every table of each has series.
        """
        own = self.source.database
        meant = [name for name in names if name != own and self._meant(name)]
        self.excluded = len({*names, own}) - len(meant) - 1
        kept = [name for name in meant if name in self._waited]
        wished = [*kept, *(name for name in meant if name not in self._waited)][: self.most - 1]
        may = self._newcomers.let_in(wished)
        chosen = [name for name in wished if name in may]
        self.left_out = len(meant) - len(chosen)
        self.names = [own, *chosen]
        self._waited = {name: self._waited.get(name, 0) for name in chosen}

    def turn(self) -> list[str]:
        """Those beside the own one that should be visited now, the longest unvisited first."""
        order = sorted(self._waited, key=lambda name: self._waited[name])
        return order[:A_TURN]

    def visited(self, name: str) -> None:
        """It was; the others come first."""
        self._waited[name] = max(self._waited.values(), default=0) + 1

    def _meant(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.source.include) and not any(
            fnmatchcase(name, pattern) for pattern in self.source.exclude
        )
