"""Polls PgBouncer by its admin console.

The console speaks the simple protocol only: no transaction, no bound values, nothing prepared, one SHOW at a time.
"""

from typing import Any

from psycopg import ClientCursor

from collectors.collector import Capabilities, Collector, Lack
from collectors.failed import Failed
from collectors.libpq import LibpqConnection
from collectors.pgbouncer import metrics
from collectors.pgbouncer.hints import hinted
from collectors.pgbouncer.rows import pivoted, pools, version
from collectors.pgbouncer.source import PgBouncerSource
from collectors.round import Round
from metrics.poll import ErrorClass

USERS_SINCE = (1, 23)


class PgBouncerCollector(Collector[PgBouncerSource]):
    """SHOW is all that it says."""

    def __init__(self, source: PgBouncerSource) -> None:
        """Nothing is connected yet."""
        super().__init__(source)
        self._connection: LibpqConnection | None = None
        self._banner = ""
        self._version: tuple[int, ...] = ()

    def connect(self, deadline: float) -> None:
        """Log in to the console and ask its version, by which columns are chosen."""
        try:
            self._connection = LibpqConnection(
                self.source,
                deadline,
                whole=True,
                dbname=metrics.CONSOLE,
                prepare_threshold=None,
                cursor_factory=ClientCursor,
            )
        except Failed as failed:
            raise hinted(failed, self.source.user) from None
        rows = self._show(deadline, "SHOW VERSION")
        self._banner = str(next(iter(rows[0].values()))) if rows else ""
        self._version = version(self._banner)

    def disconnect(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, round_: Round, deadline: float) -> None:
        """Five SHOWs. A pool's limit needs SHOW DATABASES, so that comes first."""
        databases: list[dict[str, Any]] = []
        with round_.part(metrics.DATABASES.statement):
            databases = self._show(deadline, metrics.DATABASES.statement)
            round_.take(metrics.DATABASES, databases, self._version)
        with round_.part(metrics.POOLS.statement):
            users = self._users(deadline)
            found = pools(self._show(deadline, metrics.POOLS.statement), databases, users)
            round_.take(metrics.POOLS, found, self._version)
        with round_.part(metrics.STATS_TOTALS.statement):
            totals = self._show(deadline, metrics.STATS_TOTALS.statement)
            round_.take(metrics.STATS_TOTALS, totals, self._version)
        for reading, name, value in ((metrics.LISTS, "list", "items"), (metrics.CONFIG, "key", "value")):
            if round_.wants(reading.statement):
                with round_.part(reading.statement):
                    row = pivoted(self._show(deadline, reading.statement), name, value)
                    round_.take(reading, [row], self._version)
        _worth_something(round_)

    def examine(self, deadline: float) -> Capabilities:
        """Version, and which SHOWs are refused."""
        lacking = []
        for reading in (metrics.POOLS, metrics.STATS_TOTALS, metrics.DATABASES, metrics.LISTS, metrics.CONFIG):
            try:
                self._show(deadline, reading.statement)
            except Failed as failed:
                why = "what it shows stays unknown"
                lacking.append(Lack(f"{reading.statement}: {failed.failure.text}", why, failed.failure.hint))
        if self._version < (1, 18):
            lacking.append(
                Lack(f"{self._banner} is older than 1.18", "some columns are missing", "upgrade to 1.18 or later")
            )
        return Capabilities(version=self._banner, role="pooler", epochs={}, lacking=tuple(lacking))

    def _users(self, deadline: float) -> list[dict[str, Any]]:
        return self._show(deadline, "SHOW USERS") if self._version >= USERS_SINCE else []

    def _show(self, deadline: float, statement: str) -> list[dict[str, Any]]:
        assert self._connection is not None  # noqa: S101 - connect() came first
        try:
            return self._connection.rows(deadline, statement)
        except Failed as failed:
            raise hinted(failed, self.source.user) from None


def _worth_something(round_: Round) -> None:
    """A poll of which every reading failed is a failed poll."""
    if round_.partial and not round_.samples:
        first = next(iter(round_.partial.values()))
        raise Failed(first.kind or ErrorClass.BAD_REPLY, first.text, first.hint)
