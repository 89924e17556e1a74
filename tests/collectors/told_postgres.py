"""A PostgreSQL that answers each statement with what a real one once said, or with what a test makes of that."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any
from unittest.mock import patch

from collectors.libpq import LibpqConnection
from collectors.postgres import ask
from collectors.postgres.collector import PostgresCollector
from collectors.postgres.source import PostgresSource
from collectors.postgres.sql import versions
from collectors.together import Table
from metrics.poll import Poll, Tier
from tests.collectors.postgres_work import source
from tests.servers import PostgresServer

OTHER = "told_other"
"""A database beside the source's own, whose tables, indexes and definitions are those of the own."""

_NAMED = ("autovacuum", "oldest", "sequences", "sequences_hidden", "bloat", "index_bloat")
"""Statements that tell the name of the database they are asked in."""

_SIZE = "database_size"
_SINCE = "2026-01-01 00:00:00+00"
_QUIET: Mapping[str, Mapping[str, Any]] = {
    "ages": {"datname": "postgres", "transaction": 70.0, "query": 70.0, "idle": 0.0, "waiters": 1},
    "blocking": {
        "pid": 7,
        "blockers": [6],
        "backend_start": _SINCE,
        "database": "postgres",
        "user": "app",
        "application": "",
        "state": "active",
        "wait_event": "relation",
        "transaction_since": 1.7e9,
        "query_since": 1.7e9,
        "query": b"UPDATE a SET y = 'x'",
        "waited": 3.0,
    },
    "long_transactions": {
        "pid": 6,
        "backend_start": _SINCE,
        "xact_start": _SINCE,
        "since": 1.7e9,
        "database": "postgres",
        "user": "app",
        "application": "",
        "address": None,
        "state": "idle in transaction",
        "wait_event_type": "Client",
        "wait_event": "ClientRead",
        "xmin_age": 5,
        "query": b"SELECT 1",
    },
    "replication": {
        "application_name": "standby",
        "client_addr": "",
        "pid": 8,
        "state": "streaming",
        "sync_state": "async",
        "one": 1,
        "reply_time": 1.7e9,
        "position": 5e6,
        "sent_bytes": 0.0,
        "write_bytes": 0.0,
        "flush_bytes": 1.0,
        "replay_bytes": 2.0,
        "write_lag": 0.0,
        "flush_lag": 0.1,
        "replay_lag": 0.2,
    },
    "slots": {
        "slot_name": "kept",
        "slot_type": "logical",
        "database": "postgres",
        "active": True,
        "wal_status": "reserved",
        "safe_wal_size": None,
        "one": 1,
        "retained": 10.0,
        "unconfirmed": 5.0,
        "confirmed": 3e6,
        "current": 5e6,
    },
    "decoding": {
        "slot_name": "kept",
        "spill_txns": 1,
        "spill_count": 2,
        "spill_bytes": 3,
        "stream_txns": 1,
        "stream_count": 2,
        "stream_bytes": 3,
        "total_txns": 4,
        "total_bytes": 5,
        "stats_reset": None,
    },
    "subscriptions": {"subid": 1, "subname": "sub", "apply_error_count": 0, "sync_error_count": 0, "stats_reset": None},
    "locks": {"datname": "postgres", "mode": "exclusivelock", "granted": "true", "locks": 2},
    "xmin": {"holder": "session", "name": "6 app", "age": 5},
    "autovacuum_workers": {
        "datname": "postgres",
        "command": "VACUUM",
        "relation": "public.a",
        "wraparound": "false",
        "started": 1.7e9,
    },
    "progress": {"command": "vacuum", "datname": "postgres", "relation": "a", "phase": "scanning heap", "done": 0.5},
    "sequences": {"datname": "postgres", "nspname": "public", "relname": "s", "used": 0.1},
    "bloat": {
        "datname": "postgres",
        "nspname": "public",
        "relname": "a",
        "relpages": 200,
        "reltuples": 100.0,
        "page": 8192,
        "fillfactor": 100,
        "columns": 2,
        "unknown": 0,
        "width": 20.0,
        "nullable": False,
    },
    "index_bloat": {
        "datname": "postgres",
        "nspname": "public",
        "relname": "a",
        "indexrelname": "a_pkey",
        "relpages": 200,
        "reltuples": 100.0,
        "page": 8192,
        "fillfactor": 90,
        "unknown": 0,
        "widths": [4.0],
        "nulls": [0.0],
        "distincts": [100.0],
        "fixed": [True],
        "aligns": ["i"],
        "equal": True,
    },
    "connectable": {"datname": OTHER},
    "statement_places": {"datname": "ascii", "dbid": 1, "open": False},
    "statement_running": {"query_id": 1, "query": b"SELECT 1"},
}
"""A row of what a server at rest has none of, by statement."""

STATEMENTS = sorted(
    versions().keys()
    - {"preload", "unreadable", "server_name"}  # asked by `trivet check`, or of a server behind a shared address
    - {"session", "search_path", "statement_wanted", "statement_kinds", "statement_texts"}  # answers are not looked at
    - {"io"}  # not of this version
)

Tables = Mapping[str, Table]


def recorded(server: PostgresServer) -> Tables:
    """What a real server says to all that is asked of it, with at least one row each."""
    found: dict[str, Table] = {"statement_texts": ([], []), "statement_kinds": ([], [])}

    class Recording(LibpqConnection):
        def table(self, deadline: float, statement: str, values: Sequence[Any] | None = None) -> Table:
            table = found[_name(statement)] = super().table(deadline, statement, values)
            return table

    with server.connect() as inside:
        inside.execute("CREATE TABLE IF NOT EXISTS told (x int PRIMARY KEY)")
        inside.execute("SELECT count(*) FROM told")
    with patch.object(ask, "LibpqConnection", Recording), closing(PostgresCollector(source(server))) as collector:
        for tier in collector.tiers:
            found_ = collector.poll(tier, time.monotonic() + 30)
            assert not found_.partial
    names, rows = found[_SIZE]
    found[_SIZE] = (names, [("postgres", *row[1:]) for row in rows])
    with server.connect() as inside:
        inside.execute("DROP TABLE told")
    for name in ("bloat", "index_bloat"):
        found[f"{name}_view"] = (list(_QUIET[name]), [tuple(_QUIET[name].values())])
    for name, row in _QUIET.items():
        names, rows = found.get(name, (list(row), []))
        found[name] = (names, [*rows, tuple(row.get(column) for column in names)])
    return found


class Told:
    """``tables`` is what is said, by statement; to be changed at will."""

    def __init__(self, tables: Tables) -> None:
        self.tables = dict(tables)
        self._recorded = dict(tables)
        self.asked: set[str] = set()

    def sized(self, values: Sequence[Any] | None) -> str:
        """The name of the database of which a size is asked."""
        names, rows = self._recorded["database_names"]
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return next((row["datname"] for row in found if [row["oid"]] == values), "postgres")

    @contextmanager
    def collecting(self, **more: object) -> Iterator[PostgresCollector]:
        told = self

        class Connection:
            codec = "utf-8"

            def __init__(self, source: PostgresSource, deadline: float, *, dbname: str, **more: object) -> None:
                self.database = dbname

            def table(self, deadline: float, text: str, values: Sequence[Any] | None = None) -> Table:
                name = _name(text)
                told.asked.add(name)
                names, rows = told.tables[name]
                if name in (*_NAMED, _SIZE) and "datname" in names:
                    at = names.index("datname")
                    own = told.sized(values) if name == _SIZE else self.database
                    rows = [(*row[:at], own, *row[at + 1 :]) if row[at] == "postgres" else row for row in rows]
                return list(names), list(rows)

            def rows(self, deadline: float, text: str, values: Sequence[Any] | None = None) -> list[dict[str, Any]]:
                names, rows = self.table(deadline, text, values)
                return [dict(zip(names, row, strict=True)) for row in rows]

            def together(self, deadline: float, statements: Sequence[str]) -> tuple[Mapping[str, Table], str]:
                return {text: self.table(deadline, text) for text in statements}, ""

            def close(self) -> None:
                """Nothing is open."""

        given = PostgresSource(name="db", user="monitor", **more)  # type: ignore[arg-type]
        with patch.object(ask, "LibpqConnection", Connection), closing(PostgresCollector(given)) as collector:
            yield collector


def poll(collector: PostgresCollector, tier: Tier) -> Poll:
    return collector.poll(tier, time.monotonic() + 30)


_NAMES = {text: name for name, each in versions().items() for _, text in each}


def _name(text: str) -> str:
    """Which file a statement is of."""
    return _NAMES[text]
