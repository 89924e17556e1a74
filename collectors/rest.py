"""The busiest of many rows, and one row for all others whose counters only grow.

A sum over a changing set is never the difference of two sums: each row's rise is taken, and the total is ours. A row
that comes into the shown ones begins a series of its own now, so what it did until now belongs to the others; a row
that leaves them has been counted up to its last sample. So shown and rest together are always what all rows did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
Key = tuple[Any, ...]
REST = "(rest)"
"""The value of the labels of the row that stands for all others: no name can be so without quotes."""

FADE = 0.9
"""What is left of a row's claim to be shown after each look: one that was busy stays for a while."""


@dataclass(slots=True)
class Rest:
    """Remembers the rows of one reading from look to look; the first look is the base line.

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
    _before: dict[Key, Row] | None = None
    _claims: dict[Key, float] = field(default_factory=dict)
    _shown: set[Key] = field(default_factory=set)
    _total: dict[str, float] = field(default_factory=dict)
    _opened: bool = False

    def look(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row], int]:
        """Rows to show as they are, no row or the one of all others, and how many those are."""
        named = {tuple(row[column] for column in self.key): row for row in rows}
        first, before = self._before is None, self._before or {}
        rises = {key: self._rise(row, before.get(key), first) for key, row in named.items()}
        self._rank(named, rises, first)
        shown = self._choose(named)
        others = [key for key in named if key not in shown]
        for key, rise in rises.items():
            # Was not shown: has no sample yet that this rise would be the difference to.
            if key not in shown or key not in self._shown:
                self._add(rise)
        self._before, self._shown = named, shown
        self._opened = self._opened or bool(others)
        rest = [self._rest([named[key] for key in others])] if self._opened else []
        return [row for key, row in named.items() if key in shown], rest, len(others)

    def _rise(self, row: Row, before: Row | None, first: bool) -> dict[str, float]:
        """All that a new row says is new; so is all of one that fell."""
        if first:
            return dict.fromkeys(self.counters, 0.0)
        old = before or {}
        fell = any((row[name] or 0) < (old.get(name) or 0) for name in self.counters)
        return {name: float((row[name] or 0) - (0 if fell else old.get(name) or 0)) for name in self.counters}

    def _rank(self, named: Mapping[Key, Row], rises: Mapping[Key, Mapping[str, float]], first: bool) -> None:
        self._claims = {
            key: self._claims.get(key, 0.0) * FADE
            + sum(float(row[name] or 0) if first else rises[key][name] for name in self.rank)
            for key, row in named.items()
        }

    def _choose(self, named: Mapping[Key, Row]) -> set[Key]:
        if len(named) <= self.most:
            return set(named)
        whole = {key: sum(float(row[name] or 0) for name in self.rank) for key, row in named.items()}
        ranked = sorted(named, key=lambda key: (-self._claims[key], -whole[key], str(key)))
        return set(ranked[: self.most])

    def _add(self, rise: Mapping[str, float]) -> None:
        for name, value in rise.items():
            self._total[name] = self._total.get(name, 0.0) + value

    def _rest(self, others: Sequence[Row]) -> Row:
        gauges = {name: sum(float(row[name] or 0) for row in others) for name in self.gauges}
        return {
            **dict.fromkeys(self.key, REST),
            **{name: self._total.get(name, 0.0) for name in self.counters},
            **gauges,
        }
