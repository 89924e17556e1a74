"""One connection by libpq: whatever answers, a statement ends, and what becomes of it is told apart."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from collectors.deadline import WATCHDOG
from collectors.failed import Disconnected, Failed
from collectors.libpq import LibpqConnection
from collectors.postgres.source import PostgresSource
from metrics.poll import ErrorClass
from stack.native.ports import LOOPBACK
from tests.collectors.postgres_work import source
from tests.servers import PostgresServer

LONG = "SELECT pg_sleep(30)"


@pytest.fixture
def connection(postgres: PostgresServer) -> Iterator[LibpqConnection]:
    with closing(LibpqConnection(source(postgres), time.monotonic() + 5, dbname="postgres")) as made:
        yield made


def later(seconds: float, work: Callable[[], object]) -> None:
    threading.Timer(seconds, work).start()


def wait_long(connection: LibpqConnection, seconds: float, together: bool) -> None:
    if together:
        connection.together(time.monotonic() + seconds, ["SELECT 1", LONG, "SELECT 2"])
    else:
        connection.rows(time.monotonic() + seconds, LONG)


def pid(connection: LibpqConnection) -> int:
    return int(connection.rows(time.monotonic() + 5, "SELECT pg_backend_pid() AS pid")[0]["pid"])


@pytest.mark.parametrize("statement", ["COPY (SELECT 1) TO STDOUT", "CREATE TEMP TABLE t (); COPY t FROM STDIN"])
def test_a_copy_that_nobody_asked_for_ends_the_connection(connection: LibpqConnection, statement: str) -> None:
    with pytest.raises(Disconnected, match="COPY"):
        connection.rows(time.monotonic() + 5, statement)
    with pytest.raises(Disconnected):
        connection.rows(time.monotonic() + 5, "SELECT 1")


def test_no_statement_at_all_has_no_rows(connection: LibpqConnection) -> None:
    with pytest.raises(Failed):
        connection.rows(time.monotonic() + 5, "")
    assert connection.rows(time.monotonic() + 5, "SELECT 1 AS one WHERE false") == []
    assert connection.rows(time.monotonic() + 5, "SELECT 1 AS one") == [{"one": 1}]


def test_a_statement_that_fails_loses_no_other(connection: LibpqConnection) -> None:
    for statement, kind in (("SELECT * FROM nowhere", ErrorClass.MISSING), ("SELECT 1/0", ErrorClass.BAD_REPLY)):
        with pytest.raises(Failed) as failed:
            connection.rows(time.monotonic() + 5, statement)
        assert failed.value.failure.kind is kind
        assert not isinstance(failed.value, Disconnected)
        assert connection.rows(time.monotonic() + 5, "SELECT 1 AS one") == [{"one": 1}]
        assert connection.together(time.monotonic() + 5, ["SELECT 1 AS one", statement, "SELECT 2"]) == ({}, statement)
        assert connection.rows(time.monotonic() + 5, "SELECT 1 AS one") == [{"one": 1}]


def test_notices_are_no_answers(connection: LibpqConnection) -> None:
    notice = "DO $$ BEGIN RAISE NOTICE 'a'; RAISE WARNING 'b'; END $$"
    assert connection.rows(time.monotonic() + 5, notice) == []
    assert connection.rows(time.monotonic() + 5, "SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("after", [0.0, 0.01, 0.3])
def test_a_connection_that_is_ended_is_lost(
    connection: LibpqConnection, postgres: PostgresServer, together: bool, after: float
) -> None:
    own = pid(connection)

    def end() -> None:
        with postgres.connect() as other:
            other.execute("SELECT pg_terminate_backend(%s)", [own])

    if after:
        later(after, end)
    else:
        end()
        time.sleep(0.2)
    begun = time.monotonic()
    with pytest.raises(Disconnected) as failed:
        wait_long(connection, 10, together)
    assert failed.value.failure.kind is ErrorClass.CONNECTION_LOST
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("patience", [0.02, 0.3])
def test_a_deadline_ends_the_wait(connection: LibpqConnection, together: bool, patience: float) -> None:
    begun = time.monotonic()
    with pytest.raises(Disconnected) as failed:
        wait_long(connection, patience, together)
    assert failed.value.failure.kind is ErrorClass.TIMEOUT
    assert patience <= time.monotonic() - begun < patience + 1


def test_told_to_stop_nobody_waits(connection: LibpqConnection) -> None:
    later(0.3, WATCHDOG.cut_all)
    begun = time.monotonic()
    with pytest.raises(Disconnected):
        connection.rows(begun + 20, LONG)
    assert time.monotonic() - begun < 5


def confused(listener: socket.socket) -> None:
    """Lets anybody in, and is ready for the next statement without an answer to the first."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!i", len(body) + 4) + body

    client, _ = listener.accept()
    with client:
        client.recv(1000)
        hello = message(b"R", struct.pack("!i", 0)) + message(b"S", b"client_encoding\0UTF8\0")
        client.sendall(hello + message(b"Z", b"I"))
        client.recv(1000)
        client.sendall(message(b"Z", b"I"))
        client.recv(1000)


@pytest.mark.parametrize("together", [False, True])
def test_no_answer_at_all_costs_the_connection(together: bool) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        threading.Thread(target=confused, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        nobody = PostgresSource(name="db", host=LOOPBACK, port=port, user="u", database="d", sslmode="disable")
        with closing(LibpqConnection(nobody, time.monotonic() + 5)) as connection:
            for _ in range(2):
                with pytest.raises(Disconnected):
                    wait_long(connection, 5, together)
