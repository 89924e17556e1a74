"""Polls PostgreSQL: one connection, straight to the server, that reads statistics and nothing else."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from collectors.collector import Capabilities, Collector
from collectors.failed import Failed
from collectors.libpq import LibpqConnection
from collectors.postgres import metrics, tables
from collectors.postgres.hints import USAGE, hinted, identifier
from collectors.postgres.lacking import lacking
from collectors.postgres.source import PostgresSource
from collectors.postgres.sql import statement
from collectors.postgres.statements import Statements
from collectors.round import Round
from metrics.poll import ErrorClass, Record, Tier
from metrics.reading import Reading

Rows = list[dict[str, Any]]
QUERY = "query"
"""Kind of the records that hold the texts of statements, by query id."""


class PostgresCollector(Collector[PostgresSource]):
    """Reads statistics; needs pg_monitor and no more."""

    # Tables and statements cost milliseconds: every 30 s still gives a window of 5 minutes ten samples.
    tiers: ClassVar[Mapping[Tier, float]] = {Tier.FAST: 0.0, Tier.MEDIUM: 30.0}

    def __init__(self, source: PostgresSource) -> None:
        """Nothing is connected yet."""
        super().__init__(source)
        self._connection: LibpqConnection | None = None
        self._version: tuple[int, ...] = (0,)
        self._statements = Statements()
        self._schema = ""

    def connect(self, deadline: float) -> None:
        """Log in read-only and impatient, and learn the version."""
        try:
            self._connection = LibpqConnection(
                self.source, deadline, dbname=self.source.database, options=_options(deadline), client_encoding="utf-8"
            )
        except Failed as failed:
            raise self._hinted(failed) from None
        self._version = _version(self._one(deadline, "identity"))
        self._schema = ""

    def disconnect(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, round_: Round, deadline: float) -> None:
        """The readings of a tier, after the marks of starts and resets that they depend on."""
        identity = self._one(deadline, "identity")
        round_.heard()
        round_.epochs[metrics.EPOCH] = epoch(identity)
        if round_.tier is Tier.FAST:
            for reading in (metrics.DATABASE, metrics.ACTIVITY, metrics.SESSIONS, metrics.CHECKPOINTS):
                self._take(round_, deadline, reading)
            return
        rows = self._take(round_, deadline, metrics.TABLES)
        round_.take(metrics.TABLES_STATE, tables.state(rows, in_recovery=identity["in_recovery"]), self._version)
        self._take(round_, deadline, metrics.INDEXES)
        if self._version >= metrics.STATEMENTS.since and round_.wants(metrics.STATEMENTS.statement):
            with round_.part(metrics.STATEMENTS.statement):
                self._find_statements(deadline, monitors=identity["monitors"])
                self._take_statements(round_, deadline)

    def examine(self, deadline: float) -> Capabilities:
        """Version, role, and which grants and extensions are missing."""
        identity = self._one(deadline, "identity")
        extension = self._one(deadline, "extension")
        preload = self._ask(deadline, "preload")
        return Capabilities(
            version=f"PostgreSQL {identity['version']}",
            role="standby" if identity["in_recovery"] else "primary",
            epochs={metrics.EPOCH: epoch(identity)},
            lacking=lacking(identity, extension, preload, self.source.user),
        )

    def _take(self, round_: Round, deadline: float, reading: Reading) -> Rows:
        rows: Rows = []
        if round_.wants(reading.statement):
            with round_.part(reading.statement):
                rows = self._ask(deadline, reading.statement)
                round_.take(reading, rows, self._version)
        return rows

    def _take_statements(self, round_: Round, deadline: float) -> None:
        if self._version >= (14,):
            reset = self._one(deadline, "statements_reset")["reset"]
            round_.epochs[metrics.STATEMENTS_EPOCH] = reset or 0.0
        rows = self._ask(deadline, metrics.STATEMENTS.statement)
        if strangers := self._statements.strangers(rows):
            ignored = self._ask(deadline, "statement_kinds", [strangers])
            self._statements.judge(strangers, (row["queryid"] for row in ignored))
        shown, totals = self._statements.look(rows)
        if unread := self._statements.unread(shown):
            texts = self._ask(deadline, "statement_texts", [unread])
            round_.records += [Record(QUERY, row["queryid"], row["query"]) for row in texts]
            self._statements.have_read(unread)
        round_.take(metrics.STATEMENTS, shown, self._version)
        round_.take(metrics.STATEMENTS_TOTALS, totals, self._version)
        round_.take(metrics.STATEMENTS_INFO, [{"entries": len(rows)}], self._version)

    def _find_statements(self, deadline: float, *, monitors: bool) -> None:
        """Looked up, not tried: that leaves no error on the server, and what was mended is seen at once."""
        if not monitors:
            text = "without pg_monitor the statements of others are hidden"
            raise self._hinted(Failed(ErrorClass.FORBIDDEN, text, quiet=True))
        extension = self._one(deadline, "extension")
        schema = extension["schema"]
        if not schema:
            text = f'pg_stat_statements is not in database "{self.source.database}"'
            raise self._hinted(Failed(ErrorClass.MISSING, text, quiet=True))
        if not extension["usable"]:
            hint = USAGE.format(schema=schema, role=identifier(self.source.user))
            raise Failed(ErrorClass.FORBIDDEN, f"pg_stat_statements is in schema {schema}", hint, quiet=True)
        if schema != self._schema:
            self._ask(deadline, "search_path", [schema])
            self._schema = schema

    def _ask(self, deadline: float, name: str, values: Sequence[Any] | None = None) -> Rows:
        assert self._connection is not None  # noqa: S101 - connect() came first
        try:
            return self._connection.rows(deadline, statement(name, self._version[0]), values)
        except Failed as failed:
            raise self._hinted(failed) from None

    def _one(self, deadline: float, name: str, values: Sequence[Any] | None = None) -> dict[str, Any]:
        """The row of a statement that always has one."""
        rows = self._ask(deadline, name, values)
        if not rows:
            raise Failed(ErrorClass.BAD_REPLY, f"no row for {name}: this is no PostgreSQL")
        return rows[0]

    def _hinted(self, failed: Failed) -> Failed:
        return hinted(failed, self.source.user, self.source.database)


def epoch(identity: Mapping[str, Any]) -> float:
    """A number of 48 bits, exact in a float, that is another after a start, a crash or a reset of statistics.

    >>> one = {"started": "2026-01-01", "checkpointer": None, "resets": None}
    >>> epoch(one) == epoch(dict(one)), epoch(one) == epoch({**one, "resets": "5@2026-01-02"})
    (True, False)
    """
    marks = "|".join(str(identity[name]) for name in ("started", "checkpointer", "resets"))
    return float(int.from_bytes(hashlib.sha256(marks.encode()).digest()[:6], "big"))


def _version(identity: Mapping[str, Any]) -> tuple[int, ...]:
    major, minor = divmod(int(identity["version_num"]), 10000)
    return major, minor


def _options(deadline: float) -> str:
    """Half of the time for one statement: one that is slow must leave some for the others."""
    patience = max(100, min(4000, int((deadline - time.monotonic()) * 500)))
    settings = {
        "statement_timeout": patience,
        "lock_timeout": 250,
        "idle_in_transaction_session_timeout": 10000,
        "default_transaction_read_only": "on",
        "search_path": "pg_catalog",
        "jit": "off",
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())
