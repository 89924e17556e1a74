"""PostgreSQL through PgBouncer: one statement at a time, and its errors in the API's words."""

import select
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg.types.numeric import Int8
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from stack.api.problems import Invalid, TooSlow, Unavailable
from stack.api.settings import Settings
from stack.api.timings import Timings

Row = dict[str, Any]
POOL_TIMEOUT_SECONDS = 2.0


def _statement(text: str) -> str:
    r"""Without the file's comments: they would be sent with each request and open every text in pg_stat_statements.

    >>> _statement("-- Why.\nSELECT 1\n")
    'SELECT 1'
    """
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


FOLDER = Path(__file__).parent / "queries"
QUERIES = {file.stem: _statement(file.read_text(encoding="utf-8")) for file in FOLDER.glob("*.sql")}


class Database:
    """Thread-safe. Opens its pool at first use: never before a server has forked its workers."""

    def __init__(self, settings: Settings) -> None:
        self._pool: ConnectionPool[psycopg.Connection[Row]] = ConnectionPool(
            kwargs={
                "host": settings.database_host,
                "port": settings.database_port,
                "dbname": settings.database_name,
                "user": settings.user,
                "password": settings.database_password,
                "connect_timeout": 2,
                "tcp_user_timeout": 5000,
                "application_name": "api",
                "autocommit": True,  # a transaction would hold one of PgBouncer's 25 between statements
                "prepare_threshold": 5 if settings.prepare else None,
                "row_factory": dict_row,
            },
            min_size=1,
            max_size=settings.pool_size,
            timeout=POOL_TIMEOUT_SECONDS,
            check=_still_open,
            reconnect_timeout=30,
            open=False,
        )

    def rows(self, query: str, timings: Timings, **parameters: Any) -> list[Row]:
        """Runs queries/<query>.sql. Raises Unavailable, TooSlow or Invalid; anything else is a bug."""
        if self._pool.closed:
            self._pool.open()
        try:
            with timings.spent("pool"):
                connection = self._pool.getconn()
            try:
                with timings.spent("database"):
                    return connection.execute(QUERIES[query], _adapted(parameters)).fetchall()
            finally:
                self._pool.putconn(connection)
        except (PoolTimeout, TooManyRequests):
            raise Unavailable("No database connection became free in time.") from None
        except errors.QueryCanceled:
            raise TooSlow("The database gave up on the statement.") from None
        except errors.ForeignKeyViolation as error:
            raise Invalid("There is no such row.", _column(error)) from None
        except psycopg.DataError:
            raise Invalid("The database does not take this value.") from None
        except psycopg.OperationalError:
            raise Unavailable("The database is away.") from None

    def close(self) -> None:
        self._pool.close()


def _still_open(connection: psycopg.Connection[Row]) -> None:
    """Finds what PgBouncer closed (a restart) before a request does.

    An idle connection has nothing to read but its end. The pool's own check sends a query instead: a round trip for
    every request, and twice the queries in every statistic.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        connection.close()
        raise psycopg.OperationalError("closed by the other side")


def _adapted(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: _typed(value) for name, value in parameters.items()}


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return Jsonb(value)
    # psycopg sends the smallest type that holds a number: pg_stat_statements then has one query three times.
    if isinstance(value, int):
        return Int8(value)
    return value


def _column(error: psycopg.Error) -> str | None:
    """The column of a foreign key's complaint: its constraint is named <table>_<column>_fkey."""
    name = error.diag.constraint_name or ""
    table = error.diag.table_name or ""
    return name.removeprefix(f"{table}_").removesuffix("_fkey") or None
