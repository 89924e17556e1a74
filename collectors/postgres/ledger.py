"""What rises between two looks at pg_stat_statements: totals that only grow, and the statements worth showing.

Entries come and go: at pg_stat_statements.max the least used ones are evicted, and a difference of two sums would
take that for negative work. So each entry's rise is taken, and the totals are ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str, str]
Row = Mapping[str, Any]

SHOWN = 100
FADE = 0.9
"""What is left of a statement's claim to be shown after each look: one that was hot stays for a while."""


@dataclass(slots=True)
class _Entry:
    seconds: float
    calls: int
    claim: float


@dataclass(slots=True)
class Ledger:
    """Remembers one server's entries from look to look; the first look is the base line."""

    _entries: dict[Key, _Entry] | None = None
    _totals: dict[str, dict[str, float]] = field(default_factory=dict)
    _ignored: set[str] = field(default_factory=set)
    _judged: set[str] = field(default_factory=set)
    _texts: set[str] = field(default_factory=set)

    def strangers(self, rows: Iterable[Row]) -> list[str]:
        """Query ids of which it is not known yet whether they count."""
        return sorted({row["queryid"] for row in rows} - self._judged)

    def judge(self, asked: Iterable[str], ignored: Iterable[str]) -> None:
        """Those that were asked about, and the ones of them that do not count."""
        self._judged |= set(asked)
        self._ignored |= set(ignored)

    def look(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
        """Rows to show, and one row of totals for each database."""
        counted = [row for row in rows if row["queryid"] not in self._ignored]
        first, before = self._entries is None, self._entries or {}
        self._entries = {}
        for row in counted:
            key = (row["dbid"], row["userid"], row["queryid"])
            seconds, calls = self._rise(row, before.get(key), first)
            total = self._totals.setdefault(row["datname"], {"total_exec_time": 0.0, "calls": 0.0})
            total["total_exec_time"] += seconds
            total["calls"] += calls
            old = before[key].claim * FADE if key in before else 0.0
            claim = row["total_exec_time"] if first else old + seconds
            self._entries[key] = _Entry(row["total_exec_time"], row["calls"], claim)
        self._forget(rows)
        return self._shown(counted), [{"datname": name, **total} for name, total in sorted(self._totals.items())]

    def unread(self, shown: Iterable[Row]) -> list[str]:
        """Query ids to be shown whose texts were never fetched."""
        return sorted({row["queryid"] for row in shown} - self._texts)

    def have_read(self, queryids: Iterable[str]) -> None:
        """Their texts are records now."""
        self._texts |= set(queryids)

    def _rise(self, row: Row, before: _Entry | None, first: bool) -> tuple[float, float]:
        """All of a new entry is new; so is all of one that was reset or evicted and came back lower."""
        if first:
            return 0.0, 0.0
        if before is None or row["calls"] < before.calls or row["total_exec_time"] < before.seconds:
            return row["total_exec_time"], row["calls"]
        return row["total_exec_time"] - before.seconds, row["calls"] - before.calls

    def _shown(self, counted: Sequence[Row]) -> list[Row]:
        entries = self._entries or {}
        ranked = sorted(counted, key=lambda row: -entries[row["dbid"], row["userid"], row["queryid"]].claim)
        return ranked[:SHOWN]

    def _forget(self, rows: Iterable[Row]) -> None:
        """What the server has evicted: memory is bounded by its own."""
        present = {row["queryid"] for row in rows}
        self._judged &= present
        self._ignored &= present
