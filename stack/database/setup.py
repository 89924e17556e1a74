"""Makes the platform's database once, and its two roles at every start.

Schema, rows and indexes go in as one transaction: a first start that is killed half-way leaves an empty database, and
the next one begins again. So "the tables are there" means "all rows are there".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import Connection

from stack.api.passwords import hash_of
from stack.native.postgres import Postgres

NAME = "iac_db"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Passwords:
    """`demo` is that of all seeded users, for logins to the API."""

    app: str = field(repr=False)
    trivet: str = field(repr=False)
    demo: str = field(repr=False)


def set_up(server: Postgres, passwords: Passwords, say: Callable[[str], None]) -> str:
    """Returns PgBouncer's user list: names with SCRAM secrets, no passwords."""
    with _connect(server, "postgres") as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).fetchall():
            connection.execute(f"CREATE DATABASE {NAME}")  # noqa: S608 - our own constant
    with _connect(server, NAME) as connection:
        if connection.execute("SELECT to_regclass('public.users')").fetchone() == (None,):
            _fill(connection, passwords.demo, say)
        return _admit(connection, {"app": passwords.app, "trivet": passwords.trivet})


def _fill(connection: Connection, demo: str, say: Callable[[str], None]) -> None:
    say("Filling the database: 10 tables, 420,000 rows, about 10 s …")
    _tell(connection, "stack.demo_hash", hash_of(demo))
    with connection.transaction():
        for step in ("schema", "seed", "indexes"):
            _run(connection, step)
    _run(connection, "analyze")


def _admit(connection: Connection, passwords: dict[str, str]) -> str:
    secrets = {name: _scram(connection, name, password) for name, password in passwords.items()}
    for name, secret in secrets.items():
        _tell(connection, f"stack.{name}_secret", secret)
    _run(connection, "roles")
    return "".join(f'"{name}" "{secret}"\n' for name, secret in secrets.items())


def _scram(connection: Connection, name: str, password: str) -> str:
    """Computed here, so that the server is never told the password itself."""
    return connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()


def _tell(connection: Connection, setting: str, value: str) -> None:
    connection.execute("SELECT set_config(%s, %s, false)", [setting, value])


def _run(connection: Connection, step: str) -> None:
    # Bytes: the file is ours, and typed as no user's text. Without parameters several statements go in one message.
    connection.execute((HERE / f"{step}.sql").read_bytes())


def _connect(server: Postgres, database: str) -> Connection:
    return psycopg.connect(
        host=server.host,
        port=server.port,
        user=server.superuser,
        password=server.password,
        dbname=database,
        connect_timeout=5,
        autocommit=True,
    )
