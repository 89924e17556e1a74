"""One connection by libpq, to PostgreSQL or to PgBouncer's console: each statement by a deadline, rows by name.

Errors at connect carry no SQLSTATE, only text, which a server may have translated: what cannot be told apart then
is UNREACHABLE. Errors of statements carry one.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.adapt import Loader
from psycopg.pq import ExecStatus
from psycopg.types.numeric import FloatLoader, IntLoader

from collectors.deadline import WATCHDOG, Cut, Late
from collectors.failed import Disconnected, Failed, late
from collectors.identity import Who
from collectors.libpq_source import LibpqSource
from collectors.round import MOST_ROWS, by_name
from collectors.source import secret
from collectors.together import Table, Together, names
from metrics.poll import ErrorClass
from metrics.text import clean

LONGEST_CONNECT = 3
# ValueError: an address or an answer that is nonsense.
FAULTS = (psycopg.Error, OSError, ValueError)
TEXTS = (18, 19, 25, 705, 1042, 1043)
"""OIDs of "char", name, text, unknown, char(n) and varchar."""

NUMBERS = (20, 21, 23, 26, 700, 701, 1700)
"""OIDs of int8, int2, int4, oid, float4, float8 and numeric."""

_AT_CONNECT = (
    (ErrorClass.AUTH, r"authentication failed|no pg_hba\.conf entry|no password supplied|not allowed|role .* does not"),
    (ErrorClass.REFUSED_BY_LIMIT, r"too many connections|too many clients|connection slots|no more connections"),
    (ErrorClass.GONE, r"database .* does not exist|no such database|database removed"),
    (ErrorClass.NOT_READY, r"is (starting|shutting|in recovery)|database .* is (disabled|paused)"),
    (ErrorClass.MISSING, r"unsupported startup parameter"),
)
_BY_STATE = {
    "57014": ErrorClass.TIMEOUT,
    "55P03": ErrorClass.TIMEOUT,
    "42501": ErrorClass.FORBIDDEN,
    "42P01": ErrorClass.MISSING,
    "42703": ErrorClass.MISSING,
    "42883": ErrorClass.MISSING,
    "3F000": ErrorClass.MISSING,
    "25006": ErrorClass.NOT_READY,
    "57P03": ErrorClass.NOT_READY,
    "53300": ErrorClass.REFUSED_BY_LIMIT,
    "3D000": ErrorClass.GONE,
}
_BY_TEXT = (
    (ErrorClass.FORBIDDEN, r"admin access needed"),
    (ErrorClass.MISSING, r"invalid command|must be loaded via|shared_preload_libraries"),
    (ErrorClass.NOT_READY, r"recovery is in progress"),
)


def _text(codec: str) -> type[Loader]:
    """Names may be in any encoding, that of another database included: a bad byte must not cost the reading."""

    class Text(Loader):
        def load(self, data: Any) -> str:
            return clean(bytes(data), codec)

    return Text


class _Number(Loader):
    """What is no number where one should be costs itself, and is shown as it is."""

    def load(self, data: Any) -> int | float | str:
        text = bytes(data)
        try:
            return int(text) if text.lstrip(b"-").isdigit() else float(text)
        except ValueError:
            return clean(text)


class LibpqConnection:
    """Autocommits, because statistics are frozen inside a transaction."""

    def __init__(self, source: LibpqSource, deadline: float, *, whole: bool = False, **more: Any) -> None:
        """Connect. Raises Disconnected.

        whole   numerics are counters
        ``server``: who answers, for those who ask it
        more    further words for psycopg.connect, which win
        """
        self._connecting = True
        self._password = ""
        self._cut: Cut | None = None
        # libpq takes at least 2 s, for each address of a name.
        patience = max(2, min(LONGEST_CONNECT, int(deadline - time.monotonic())))
        with self._said():
            self._password = secret(source.password, source.password_file)
            self._connection = psycopg.connect(
                **{**address(source, self._password), **more}, autocommit=True, connect_timeout=patience
            )
        self._connecting = False
        self._whole = whole
        self.codec = "utf-8"
        self.server = Who(None, "")
        # Psycopg's own loaders are ten times as fast, and refuse what is no number and no UTF-8.
        self._numbers = True
        self._strict = self._connection.info.parameter_status("server_encoding") in (None, "UTF8", "UNICODE")
        if self._strict:
            self._connection.adapters.register_loader("numeric", IntLoader if whole else FloatLoader)
        else:
            with self._said():
                self._as_it_is()
            self._allow_texts()
        self._together = Together(self._connection)

    def rows(self, deadline: float, statement: str, values: Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """All rows of one statement. Raises Failed."""
        return by_name(*self.table(deadline, statement, values))

    def table(self, deadline: float, statement: str, values: Sequence[Any] | None = None) -> Table:
        """The same without a dict for each row. Raises Failed."""
        with self._said():
            while True:
                try:
                    return self._asked(deadline, statement, values)
                except ValueError as error:
                    if not self._allows(error):
                        raise

    def together(self, deadline: float, statements: Sequence[str]) -> tuple[Mapping[str, Table], str]:
        """All answers by statement, in one round trip; or none, and the one that failed. Raises Disconnected."""
        with self._said():
            return self._together.ask(statements, deadline)

    def close(self) -> None:
        """Raises nothing."""
        self._connection.close()

    def _asked(self, deadline: float, statement: str, values: Sequence[Any] | None) -> Table:
        # Statements come from our own files and constants; values are bound.
        if values is None:
            return self._together.alone(statement, deadline)
        with WATCHDOG.over(self._handle(), deadline) as self._cut:
            cursor = self._connection.execute(statement.encode(), values)
            if cursor.rowcount > MOST_ROWS:
                raise Failed(ErrorClass.BAD_REPLY, f"more than {MOST_ROWS:,} rows")
            return names(cursor.pgresult), cursor.fetchall()

    def _as_it_is(self) -> None:
        """Take texts in the encoding in which the server has them: it refuses to convert what is none.

        Names of roles and databases are those of other databases, in other encodings.
        """
        encoding = self._connection.info.parameter_status("server_encoding") or ""
        try:
            self._set_encoding(encoding)
            self.codec = self._connection.info.encoding
        except (psycopg.NotSupportedError, LookupError):
            self._set_encoding("SQL_ASCII")
            self.codec = "ascii"
        if self.codec == "ascii":
            # Of a database without an encoding UTF-8 is likelier than anything else.
            self.codec = "utf-8"

    def _set_encoding(self, name: str) -> None:
        result = self._connection.pgconn.exec_(f"SET client_encoding TO '{name}'".encode())
        if result.status != ExecStatus.COMMAND_OK:
            raise errors.error_from_result(result, "utf-8")

    def _allows(self, error: ValueError) -> bool:
        """Whether what was refused is taken from now on."""
        if self._strict and isinstance(error, UnicodeError):
            self._allow_texts()
        elif self._numbers:
            self._allow_numbers()
        else:
            return False
        self._together.reload()
        return True

    def _allow_texts(self) -> None:
        self._strict = False
        for type_ in TEXTS:
            self._connection.adapters.register_loader(type_, _text(self.codec))
        self._connection.adapters.register_loader("numeric", _Number if self._whole else FloatLoader)

    def _allow_numbers(self) -> None:
        self._numbers = False
        for type_ in NUMBERS:
            self._connection.adapters.register_loader(type_, _Number)

    def _handle(self) -> int:
        try:
            return self._connection.fileno()
        except psycopg.OperationalError:
            raise errors.ConnectionException("the connection is closed") from None

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except Late:
            self._connection.close()
            raise late() from None
        except FAULTS as error:
            if self._cut is not None and self._cut.fired:
                raise late() from None
            broken = self._connecting or self._connection.closed
            raise failed(error, broken=broken, connecting=self._connecting).without(self._password) from None
        finally:
            self._cut = None


def address(source: LibpqSource, password: str) -> dict[str, Any]:
    """The words of a connection string. Empty ones are given too: else libpq takes PGOPTIONS and the like for them."""
    given: Mapping[str, Any] = {
        "host": source.host,
        "port": getattr(source, "port", None),
        "user": source.user,
        "password": password,
        "sslmode": source.sslmode,
        "sslrootcert": source.sslrootcert,
        "sslcert": source.sslcert,
        "sslkey": source.sslkey,
        "application_name": "trivet",
        # Neither ~/.pgpass nor a Kerberos ticket of whoever started us is this source's.
        "passfile": "/dev/null/none",
        "gssencmode": "disable",
        "options": "",
        "target_session_attrs": "any",
    }
    return {name: value for name, value in given.items() if value is not None}


def failed(error: Exception, *, broken: bool, connecting: bool) -> Failed:
    """What one of FAULTS means."""
    text = str(error) or type(error).__name__
    if connecting:
        # libpq asks a question on a line of its own.
        return Disconnected(_at_connect(text), text.strip().replace("\n\t", ". "))
    if broken:
        gone = re.search(r"database removed|no such database", text)
        return Disconnected(ErrorClass.GONE if gone else ErrorClass.CONNECTION_LOST, text)
    state = getattr(error, "sqlstate", None) or ""
    return Failed(_BY_STATE.get(state) or _first(_BY_TEXT, text) or ErrorClass.BAD_REPLY, text)


def _at_connect(text: str) -> ErrorClass:
    return _first(_AT_CONNECT, text) or ErrorClass.UNREACHABLE


def _first(patterns: Sequence[tuple[ErrorClass, str]], text: str) -> ErrorClass | None:
    return next((kind for kind, pattern in patterns if re.search(pattern, text)), None)
