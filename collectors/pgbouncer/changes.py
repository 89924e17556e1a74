"""What happened to a PgBouncer between two looks: restarts, pauses, databases that became others.

It does not tell when it was started. But each connection to the console is counted at the console's own pool, which
nothing but a new process takes away: what another connection reaches is the same process when that count has risen,
and by no more than others can have looked meanwhile.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collectors.identity import Counts
from collectors.pgbouncer.declare import CONSOLE
from collectors.pgbouncer.settings import change, shown, text
from collectors.pgbouncer.table import Table

Row = Mapping[str, Any]
RESTARTED = "PgBouncer was restarted: its counters began anew"
ANOTHER = "another PgBouncer answers here: its counters are others"
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
"""Connections to the console that others may make between two looks, of which most make one each time."""

PER_SECOND = 20.0
"""And so many more in each second."""


class Restarts:
    """Tells another process by the count of connections to the console.

    counts  tell it, too, but later, where nothing else does
    fell   whether the process is another than at the look before, and has counted less
    leapt  whether it is another that has counted more than can have been since
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """No look yet."""
        self.mark = 0.0
        self.counts = Counts(STEP)
        self.fell = self.leapt = False
        self._clock = clock
        self._count: float | None = None
        self._at = 0.0
        self._connected = False

    @property
    def due(self) -> bool:
        """Whether the connection is one that was not looked at."""
        return self._connected

    def connected(self) -> None:
        """The next look is over another connection."""
        self._connected = True

    def look(self, stats: Table) -> bool:
        """Whether the process seems to be another than at the last look."""
        self.fell = self.leapt = False
        if not {"database", "xact_count"} <= {*stats.names}:
            return False
        database, counted = stats.place("database"), stats.place("xact_count")
        count = next((row[counted] for row in stats.rows if row[database] == CONSOLE), None)
        if not isinstance(count, int | float):
            return False
        self.counts.look(count)
        now, anew = self._clock(), self._connected
        before, most = self._count, STEP + PER_SECOND * (now - self._at)
        self._count, self._at, self._connected = count, now, False
        if before is None:
            return False
        # Our own new connection is one more.
        self.fell = count <= before if anew else count < before
        self.leapt = anew and count > before + most
        return self.fell or self.leapt

    def begin(self) -> None:
        """It is another: counters began anew."""
        self.mark = time.time()


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
