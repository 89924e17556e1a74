"""What happened to a PgBouncer between two looks: restarts, pauses, databases that became others.

A restart can be told: our own SHOWs are counted at the console's own pool, which nothing but a new process takes
away, so that its count falls only then. Where several processes share a port (so_reuseport) a new connection may
reach another one, whose count is another: there a fall says nothing.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from collectors.identity import Counts
from collectors.pgbouncer.declare import CONSOLE
from collectors.pgbouncer.settings import change, shown, text
from collectors.pgbouncer.table import Table

Row = Mapping[str, Any]
RESTARTED = "PgBouncer was restarted: its counters began anew"
_FLAGS = {"paused": ("paused", "resumed"), "disabled": ("disabled", "enabled")}
_DEFINED = (
    "host",
    "port",
    "database",
    "force_user",
    "pool_size",
    "min_pool_size",
    "reserve_pool",
    "reserve_pool_size",
    "server_lifetime",
    "pool_mode",
    "load_balance_hosts",
    "max_connections",
    "max_client_connections",
)


STEP = 200
"""Statements that are put to the console between two polls: ours, and those of others who look."""


class Restarts:
    """Tells a new process by the count of the console's own statements."""

    def __init__(self) -> None:
        """No look yet."""
        self.mark = 0.0
        self.counts = Counts(STEP)
        self._count: float | None = None

    def look(self, stats: Table) -> bool:
        """Whether the process is another than at the last look; ``mark`` is when that was last seen."""
        if not {"database", "xact_count"} <= {*stats.names}:
            return False
        database, counted = stats.place("database"), stats.place("xact_count")
        count = next((row[counted] for row in stats.rows if row[database] == CONSOLE), None)
        if not isinstance(count, int | float):
            return False
        before, self._count = self._count, count
        if self.counts.look(count) or self.counts.doubtful or before is None or count >= before:
            return False
        self.mark = time.time()
        return True


class Databases:
    """The rows of SHOW DATABASES from look to look."""

    def __init__(self) -> None:
        """No look yet."""
        self._known: dict[str, Row] | None = None

    def flips(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        """Databases paused, resumed, disabled or enabled, and what else of their definitions changed, as lines.

        Databases that come and go are no change: one that is made by ``*`` does so by itself.
        """
        now = {text(row.get("name")): row for row in rows if row.get("name") != CONSOLE}
        before, self._known = self._known, now
        known = before or {}
        # Most of many are as they were: one comparison for each.
        both = [(name, known[name], row) for name, row in now.items() if known.get(name, row) != row]
        flipped = [
            f"database {shown('', name)} {words[0] if row[flag] else words[1]}"
            for name, old, row in both
            for flag, words in _FLAGS.items()
            if flag in old and flag in row and bool(old[flag]) != bool(row[flag])
        ]
        changed = [
            f"database {shown('', name)}, {change(column, shown('', text(old[column])), shown('', text(row[column])))}"
            for name, old, row in both
            for column in _DEFINED
            if column in old and column in row and old[column] != row[column]
        ]
        return flipped, changed


class State:
    """SHOW STATE from look to look."""

    def __init__(self) -> None:
        """No look yet."""
        self._known = ""

    def look(self, row: Mapping[str, Any]) -> str:
        """What PgBouncer was brought to since the last look; empty when nothing changed."""
        now = next((name for name in ("suspended", "paused", "active") if row.get(name)), "")
        before, self._known = self._known, now
        if not before or not now or before == now:
            return ""
        return "PgBouncer was resumed" if now == "active" else f"PgBouncer was {now}"
