"""What each statement and each database did, whatever becomes of the entries of pg_stat_statements.

Entries come and go: at pg_stat_statements.max the least used ones are evicted, and a difference of two sums would
take that for negative work. So each entry's rise is taken, and the sums are ours: those of a group of statements that
differ in their lists of values only begin at what the server says, those of a database at zero.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from collectors.busiest import Busiest
from collectors.frame import Frame, Key, Numbers
from collectors.postgres.fingerprint import fingerprint, is_query
from collectors.postgres.sql import MARK

ENTRY = ("datname", "rolname", "queryid", "userid", "dbid", "stats_since")
GROUP = ("datname", "rolname", "queryid")
OURS = 40
"""Characters of a text among which our mark is."""

ALL = 10**9
KEPT = 120
"""Looks for which the sums of a database without entries are kept: all of them may have been evicted for a while."""


@dataclass(slots=True)
class Ledger:
    """Remembers one server's entries from look to look; the first look is the base line of the databases.

    _shapes   by query id what its text looks like; empty for one that does not count
    _names    by such a look the query id that stands for all of them
    """

    counters: Sequence[str]
    _entries: Busiest = field(init=False)
    _groups: Frame | None = None
    _totals: dict[str, Numbers] = field(default_factory=dict)
    _absent: dict[str, int] = field(default_factory=dict)
    _shapes: dict[int, str] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._entries = Busiest(counters=self.counters, rank=(), most=ALL)

    def strangers(self, rows: Frame) -> list[int]:
        """Query ids of which it is not known yet what they are."""
        return sorted({key[2] for key in rows.keys} - self._shapes.keys())

    def judge(self, texts: Iterable[tuple[int, str]]) -> None:
        """What they are: queries of one shape or another, or utility commands and our own, which do not count."""
        for queryid, text in texts:
            counts = is_query(text) and MARK not in text[:OURS]
            self._shapes[queryid] = fingerprint(text, queryid) if counts else ""

    def look(self, rows: Frame) -> Frame:
        """One row for each group of statements, user and database, whose numbers only grow."""
        self._forget(rows)
        counted = rows.only(np.array([self._shapes.get(key[2]) != "" for key in rows.keys], dtype=np.bool_))
        look = self._entries.look({"": counted}, {"": [()] * len(counted)})
        rises, names = look.rises[""], tuple(look.counters)
        keys = [(key[0], key[1], self._name(key[2])) for key in counted.keys]
        index: dict[Key, int] = {}
        of = np.array([index.setdefault(key, len(index)) for key in keys], dtype=np.int64)
        before = self._groups
        grown = np.zeros((len(index), len(names)))
        if before is not None and before.names == names:
            np.add.at(grown, of, rises)
            old = {key: at for at, key in enumerate(before.keys)}
            at = np.array([old.get(key, -1) for key in index], dtype=np.int64)
            grown[at >= 0] += before.numbers[at[at >= 0]]
        else:
            places = [counted.names.index(name) for name in names]
            np.add.at(grown, of, np.nan_to_num(counted.numbers[:, places]))
        self._groups = Frame(GROUP, list(index), names, grown)
        self._add(counted, rises)
        return self._groups

    def totals(self) -> list[dict[str, object]]:
        """What all statements of each database did since the first look."""
        groups = self._groups
        names = groups.names if groups is not None else ()
        return [
            {"datname": database, **dict(zip(names, total.tolist(), strict=True))}
            for database, total in sorted(self._totals.items())
        ]

    def _add(self, counted: Frame, rises: Numbers) -> None:
        databases = np.array([key[0] for key in counted.keys], dtype=object)
        present = set(databases.tolist())
        self._absent = {name: self._absent.get(name, 0) + 1 for name in self._totals.keys() - present}
        for name in [name for name, looks in self._absent.items() if looks > KEPT]:
            del self._totals[name]
        for database in sorted(present):
            rise = rises[databases == database].sum(axis=0)
            self._totals[database] = self._totals.get(database, np.zeros(len(rise))) + rise

    def _name(self, queryid: int) -> int:
        """Whoever was evicted before its text could be read stands for itself."""
        shape = self._shapes.get(queryid)
        return self._names.setdefault(shape, queryid) if shape else queryid

    def _forget(self, rows: Frame) -> None:
        """What the server has evicted: memory is bounded by its own."""
        present = {key[2] for key in rows.keys}
        if self._shapes.keys() - present:
            self._shapes = {queryid: shape for queryid, shape in self._shapes.items() if queryid in present}
            shapes = set(self._shapes.values())
            self._names = {shape: queryid for shape, queryid in self._names.items() if shape in shapes}
