"""Work on a PostgreSQL whose statistics are visible at once, and collectors that look at it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from collectors.postgres.source import PostgresSource
from tests.servers import MONITOR, PostgresServer


def source(server: PostgresServer, database: str = "postgres", **more: object) -> PostgresSource:
    settings = {"port": server.port, "user": MONITOR.name, "password": MONITOR.password, "database": database, **more}
    return PostgresSource(name="db", **settings)  # type: ignore[arg-type]


@contextmanager
def made_database(server: PostgresServer, name: str) -> Iterator[psycopg.Connection]:
    """A database that is dropped at the end, without force unless the test dropped it itself."""
    with server.connect() as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            with server.connect(dbname=name) as inside:
                inside.execute("CREATE EXTENSION pg_stat_statements")
                yield inside
        finally:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def do(connection: psycopg.Connection, *statements: str, times: int = 1) -> None:
    """Execute, and have the statistics written."""
    for statement in statements * times:
        connection.execute(statement.encode())
    # PostgreSQL 15 writes them up to 10 s late otherwise.
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.execute("SELECT 1")


def number(connection: psycopg.Connection, query: str) -> float | None:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return None if row[0] is None else float(row[0])
