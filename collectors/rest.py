"""The busiest of some rows, and one row for all others whose counters only grow: Busiest, for rows that are few."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from collectors.busiest import Busiest
from collectors.frame import Frame

Row = Mapping[str, Any]
REST = "(rest)"
"""The value of the labels of the row that stands for all others: no name can be so without quotes."""


@dataclass(frozen=True, slots=True)
class Start:
    """Makes each start of a collector another epoch while there is a rest: what that was given is forgotten by then.

    >>> start = Start()
    >>> start.epoch(5.0, rest=False), start.epoch(5.0, rest=True) == start.epoch(5.0, rest=True) != 5.0
    (5.0, True)
    """

    _mark: int = field(default_factory=lambda: secrets.randbelow(2**48 - 1) + 1)

    def epoch(self, mark: float, *, rest: bool) -> float:
        """The server's mark, a whole number under 2**48, and this start's beside it."""
        return float((int(mark) + self._mark) % 2**48) if rest else mark


@dataclass(slots=True)
class Rest:
    """Remembers the rows of one reading from look to look; the first look is the base line.

    While none has to be left out, rows are only remembered: that costs nothing.

    key       columns that tell rows apart
    counters  columns that only grow while the server's statistics are kept
    gauges    columns that the rest has the sum of
    rank      columns by whose rise rows are ranked; those that tie, by their whole values
    most      how many rows are shown
    """

    key: Sequence[str]
    counters: Sequence[str]
    rank: Sequence[str]
    most: int
    gauges: Sequence[str] = ()
    _busiest: Busiest = field(init=False)
    _before: Sequence[Row] | None = None

    def __post_init__(self) -> None:
        self._busiest = self._anew()

    def _anew(self) -> Busiest:
        return Busiest(counters=self.counters, rank=self.rank, most=self.most, gauges=self.gauges)

    @property
    def opened(self) -> bool:
        """Whether there is a rest."""
        return self._busiest.opened

    def look(self, rows: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row], int]:
        """Rows to show, no row or the one of all others, and how many those are.

        Of a row that comes back what the others were given meanwhile is taken off.
        """
        if not self.opened and len(rows) <= self.most:
            self._before = rows
            return rows, [], 0
        if self._before is not None:
            self._busiest = self._anew()
            self._look(self._before)
            self._before = None
        return self._look(rows)

    def _look(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row], int]:
        distinct = {tuple(row[column] for column in self.key): row for row in rows}
        names = tuple(dict.fromkeys([*self.counters, *self.gauges, *self.rank]))
        numbers = np.array([[row[name] for name in names] for row in distinct.values()], dtype=np.float64)
        frame = Frame(tuple(self.key), list(distinct), names, numbers.reshape(len(distinct), len(names)))
        self._busiest.most = self.most
        look = self._busiest.look({"": frame}, {"": [(REST,) * len(self.key)] * len(frame)})
        kept = list(distinct.values())
        shown = [kept[at] for at in look.shown[""]]
        if look.given[""].any():
            shown = [look.own("", at, dict(kept[at])) for at in look.shown[""]]
        return shown, list(look.rests), look.left
