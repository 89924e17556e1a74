"""One round's way to one database of a server: statements by their names, and what is known of the server."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from collectors.failed import Disconnected, Failed
from collectors.identity import Who
from collectors.libpq import LibpqConnection
from collectors.postgres.ahead import Ahead
from collectors.postgres.hints import hinted
from collectors.postgres.source import PostgresSource
from collectors.postgres.sql import statement
from collectors.round import Round, by_name
from collectors.together import Table
from metrics.poll import ErrorClass
from metrics.reading import Reading

Rows = list[dict[str, Any]]
OPTIONS = "-c search_path=pg_catalog"
"""From the first statement on. PgBouncer refuses it, whose pools are no place for what is about one server."""

NOW: Sequence[Any] = ()
"""Values for a statement that has none and is not asked ahead, but when its turn comes."""

NOTHING: Mapping[str, Any] = {"version_num": 0, "in_recovery": False, "monitors": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a part of a round needs.

    version    major and minor one of the server
    identity   the row of the statement of this name, asked anew in every round
    deadline   a time of time.monotonic(), for all that is asked
    ahead      what was asked ahead
    strangers  is given other servers that answered over connections to other databases
    restarted  whether the server is the one of the round before, begun anew, and not another one
    """

    connection: LibpqConnection
    source: PostgresSource
    database: str
    deadline: float
    identity: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    ahead: Ahead = field(default_factory=Ahead)
    strangers: list[Who] = field(default_factory=list)
    restarted: bool = True
    version: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", divmod(int(self.identity["version_num"]), 10000))

    @property
    def in_recovery(self) -> bool:
        """Whether this is a standby."""
        return bool(self.identity["in_recovery"])

    def rows(self, name: str, values: Sequence[Any] | None = None) -> Rows:
        """All rows of a file in queries/. Raises Failed."""
        return by_name(*self.table(name, values))

    def table(self, name: str, values: Sequence[Any] | None = None, *, release: int | None = None) -> Table:
        """The same as names of columns and rows.

        release   in place of the server's version, for a file that goes by that of an extension
        """
        try:
            text = statement(name, self.version[0] if release is None else release)
            if values is not None:
                return self.connection.table(self.deadline, text, values)
            return self.ahead.table(self.connection, self.deadline, text)
        except Failed as failed:
            raise hinted(failed, self.source.user, self.database) from None

    def one(self, name: str, values: Sequence[Any] | None = None) -> dict[str, Any]:
        """The row of a statement that always has one. Raises Failed."""
        rows = self.rows(name, values)
        if not rows:
            raise Failed(ErrorClass.BAD_REPLY, f"no row for {name}: this is no PostgreSQL")
        return rows[0]

    def take(self, round_: Round, reading: Reading) -> Rows:
        """Put a reading into the round; its rows, none when it failed, is off, or is not of this version."""
        rows: Rows = []
        if self.version >= reading.since and round_.wants(reading.statement):
            with round_.part(reading.statement):
                rows = self.rows(reading.statement)
                round_.take(reading, rows, self.version)
        return rows


def beside(ask: Ask, database: str) -> LibpqConnection:
    """A connection to another database of the server that is asked. Raises Failed when another server answers there."""
    made = connection(ask.source, database, ask.deadline)
    if made.server.mark == ask.connection.server.mark:
        return made
    made.close()
    ask.strangers.append(made.server)
    raise Failed(ErrorClass.BAD_REPLY, f"another server answers, {made.server.name}")


def connection(source: PostgresSource, database: str, deadline: float) -> LibpqConnection:
    """Log in read-only and impatient. Raises Disconnected."""
    # Half of the time for one statement: one that is slow must leave some for the others.
    patience = max(100, min(4000, int((deadline - time.monotonic()) * 500)))
    try:
        made = LibpqConnection(source, deadline, dbname=database, options=OPTIONS, client_encoding="utf-8")
    except Failed as failed:
        raise hinted(failed, source.user, database) from None
    try:
        rows = made.rows(deadline, statement("session", 0), [str(patience)])
        made.server = _who(rows)
    except Failed as failed:
        made.close()
        failure = failed.failure
        raise Disconnected(failure.kind, failure.text, failure.hint) from None
    return made


def _who(rows: Rows) -> Who:
    """By when it was started: a standby has the system identifier of its primary."""
    try:
        began, age = float(rows[0]["began"]), float(rows[0]["age"])
        at = datetime.fromtimestamp(began, UTC).isoformat(" ", "seconds")
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return Who(None, "")
    return Who(began, f"the one started {at}", age)


def named(connection: LibpqConnection, deadline: float) -> str:
    """What to call the server where several answer; empty when it does not say. Raises Disconnected."""
    try:
        (row,) = connection.rows(deadline, statement("server_name", 0))
    except Disconnected:
        raise
    except (Failed, ValueError):
        return ""
    role, at = ("standby" if row["standby"] else "primary"), (f" at {row['address']}" if row["address"] else "")
    return f"the {role} of system {row['system']}{at} started {row['started']} UTC"
