"""Bytes that are no text where text was expected: a row, a name or a text is odd, and nothing else is."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from collectors.postgres.activity import BLOCKING
from collectors.postgres.collector import PostgresCollector
from collectors.postgres.statements import QUERY
from collectors.probe import probe
from metrics.finding import Finding
from metrics.poll import Poll, Tier
from tests.collectors.memory import poll, values
from tests.collectors.postgres_work import do, source
from tests.servers import MONITOR, PostgresServer, Servers

ODD = "odd"
CALLS = "pg_query_calls_total"
NO_ENCODING = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"


@pytest.fixture(scope="module", params=["15", "18"])
def server(request: pytest.FixtureRequest, shared_servers: Servers) -> PostgresServer:
    """Of this file alone: what is odd in one database is odd for the whole server."""
    made = shared_servers.postgres(request.param)
    with made.connect() as admin:
        admin.execute(f"CREATE DATABASE {ODD} {NO_ENCODING}".encode())
    return made


@contextmanager
def raw(server: PostgresServer, database: str = ODD) -> Iterator[psycopg.Connection]:
    """A connection that sends bytes as they are."""
    connection = psycopg.connect(server.dsn(dbname=database), autocommit=True, client_encoding="SQL_ASCII")
    with closing(connection):
        yield connection


def send(connection: psycopg.Connection, *statements: bytes) -> None:
    for statement in statements:
        result = connection.pgconn.exec_(statement)
        assert result.status in (1, 2), result.error_message
    connection.pgconn.exec_(b"SELECT pg_stat_force_next_flush()")
    connection.pgconn.exec_(b"SELECT 1")


def errors(server: PostgresServer) -> list[str]:
    return [line for line in server.log.read_text(errors="replace").splitlines() if "ERROR" in line]


def looked(server: PostgresServer, database: str = "postgres", **more: object) -> closing[PostgresCollector]:
    return closing(PostgresCollector(source(server, database, **more)))


def texts(*polls: Poll) -> dict[str, str]:
    return {record.key: record.body for found in polls for record in found.records if record.kind == QUERY}


def found_by(collector: PostgresCollector, key: str) -> Finding | None:
    return next((finding for finding in collector.findings.all() if finding.key == key), None)


def test_a_statement_without_an_encoding_costs_its_text_alone(server: PostgresServer) -> None:
    before = len(errors(server))
    with looked(server, include=()) as collector, server.connect() as inside, raw(server) as other:
        # Other tests of this file leave texts that cannot be read.
        inside.execute("SELECT pg_stat_statements_reset()")
        do(inside, "SELECT 7 AS a, 7 AS b, 7 AS c, 7 AS before_it")
        first = poll(collector, Tier.MEDIUM)
        send(other, b'SELECT 1 AS "caf\xe9", 1, 1, 1', b"SELECT 2, 2, 2, 2, 2 AS plainly")
        do(inside, "SELECT 8 AS a, 8 AS after_it")
        inside.execute("SELECT 9 AS a, 9 AS b, 9 AS sent_last")
        second = poll(collector, Tier.MEDIUM)
        assert second.partial == {}
        calls = values(second, CALLS)
        databases = {dict(labels)["database"] for labels in calls}
        assert {"postgres", ODD} <= databases
        numbers = {dict(labels)["queryid"] for labels in calls if ("database", ODD) in labels}
        assert len(numbers) >= 2
        assert values(second, "pg_database_query_calls_total") or values(second, CALLS)
        known = texts(first, second)
        assert any("before_it" in text for text in known.values())
        assert any("sent_last" in text for text in known.values()), "what a session sent last is readable"
        finding = found_by(collector, "statement_texts")
        assert finding is not None
        assert "odd (SQL_ASCII)" in finding.text
        assert any(number in finding.text for number in numbers)
        assert "In database odd: CREATE EXTENSION pg_stat_statements;" in finding.hint
        assert errors(server)[before:] == []
        # The cure: that database can hold any text, and gives all.
        with server.connect(dbname=ODD) as there:
            there.execute("CREATE EXTENSION pg_stat_statements")
        collector.parts = PostgresCollector(source(server, include=())).parts
        third = texts(poll(collector, Tier.MEDIUM))
        assert any("after_it" in text for text in third.values())
        assert 'SELECT $1 AS "caf\\xe9", $2, $3, $4' in third.values()
        finding = found_by(collector, "statement_texts")
        assert finding is not None
        assert "They are read in database odd" in finding.text
        (odd,) = [number for number, text in third.items() if "caf" in text]
        assert odd in finding.text
        assert errors(server)[before:] == []
    reports = probe([source(server, include=())])
    assert any(finding.key == "statement_texts" for finding in reports[0].findings)
    with server.connect(dbname=ODD) as there, server.connect() as inside:
        there.execute("DROP EXTENSION pg_stat_statements")
        inside.execute("SELECT pg_stat_statements_reset()")
    with looked(server, include=()) as collector:
        poll(collector, Tier.MEDIUM)
        assert found_by(collector, "statement_texts") is None


@pytest.mark.parametrize("damage", ["truncated", "zeroes"])
def test_a_lost_file_of_texts_costs_texts_until_they_are_known_again(server: PostgresServer, damage: str) -> None:
    with looked(server, include=()) as collector, server.connect() as inside:
        inside.execute("SELECT pg_stat_statements_reset()")
        do(inside, "SELECT 1 AS a, 1 AS b, 1 AS c, 1 AS d, 1 AS early")
        assert any("early" in text for text in texts(poll(collector, Tier.MEDIUM)).values())
        (path,) = Path(server.folder).glob("**/pgss_query_texts.stat")
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.truncate(0 if damage == "truncated" else size)
            if damage == "zeroes":
                file.write(bytes(size))
        do(inside, "SELECT 2 AS a, 2 AS late")
        before = len(errors(server))
        found = poll(collector, Tier.MEDIUM)
        assert found.partial == {}
        assert len(set(values(found, CALLS))) >= 2
        assert errors(server)[before:] == []
        inside.execute("SELECT pg_stat_statements_reset()")
        do(inside, "SELECT 3 AS a, 3 AS again")
        found = poll(collector, Tier.MEDIUM)
        assert any("again" in text for text in texts(found).values())
        assert found_by(collector, "statement_texts") is None


@pytest.fixture
def crowded(server: PostgresServer) -> Iterator[psycopg.Connection]:
    """Ten tables, and two whose names differ in one byte that is no text."""
    with raw(server) as inside:
        names = [*(b"plain_%d" % number for number in range(10)), b'"caf\xe9"', b'"caf\xe8"']
        for name in names:
            send(inside, b"CREATE TABLE %b AS SELECT g AS id FROM generate_series(1, 300) AS g" % name)
            send(inside, b"CREATE INDEX ON %b (id)" % name, b"SELECT count(*) FROM %b" % name)
        send(inside, b"COMMENT ON TABLE \"caf\xe9\" IS '\xe9'")
        yield inside
        send(inside, *(b"DROP TABLE %b" % name for name in names))


@pytest.mark.parametrize("own", [True, False])
def test_an_odd_name_costs_nothing_and_two_stay_two(
    server: PostgresServer, crowded: psycopg.Connection, own: bool
) -> None:
    before = len(errors(server))
    with looked(server, ODD if own else "postgres", include=("*",)) as collector:
        for tier in (Tier.FAST, Tier.MEDIUM, Tier.SLOW, Tier.MEDIUM):
            found = poll(collector, tier, within=20)
            assert {name: failure for name, failure in found.partial.items() if "statements" not in name} == {}
            if tier is Tier.MEDIUM:
                scans = values(found, "pg_table_seq_scan_total")
                tables = {dict(labels)["table"] for labels in scans if ("database", ODD) in labels}
                assert len([name for name in tables if name.startswith("plain_")]) == 10
                assert {"caf\\xe9", "caf\\xe8"} <= tables
                indexes = values(found, "pg_index_scan_total")
                assert {"caf\\xe9", "caf\\xe8"} <= {dict(labels)["table"] for labels in indexes}
    assert errors(server)[before:] == []


def test_who_blocks_whom_is_told_whatever_bytes_their_queries_end_in(
    server: PostgresServer, crowded: psycopg.Connection
) -> None:
    before = len(errors(server))
    with raw(server) as holder, raw(server) as waiter, looked(server, include=()) as collector:
        send(holder, b"BEGIN", b"LOCK TABLE plain_1 -- \xe9")
        holder.pgconn.exec_(b"SELECT 5 AS last -- \xe9")
        waits = threading.Thread(
            target=waiter.pgconn.exec_, args=(b"SELECT * FROM plain_1 WHERE id = 4 AND '\xe9' <> 'x' -- gr\xf6\xdfe",)
        )
        waits.start()
        with server.connect() as admin:
            for _ in range(1000):
                row = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
                if row and row[0]:
                    break
                waits.join(0.01)
        found = poll(collector)
        send(holder, b"COMMIT")
        waits.join()
    assert found.partial == {}
    (tree,) = [record.body for record in found.records if record.kind == BLOCKING]
    assert "FROM plain_1 WHERE id = ? AND ? <> ?" in tree
    assert errors(server)[before:] == []


@pytest.mark.parametrize(
    ("encoding", "name", "shown"), [("LATIN1", b"r\xe9le", "réle"), ("EUC_JP", b"r\xe9", "r\\xe9")]
)
def test_names_of_other_encodings_are_read_as_the_database_has_them(
    server: PostgresServer, encoding: str, name: bytes, shown: str
) -> None:
    database = f"in_{encoding.lower()}"
    with raw(server) as other, server.connect() as admin:
        admin.execute(
            f"CREATE DATABASE {database} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0".encode()
        )
        send(other, b'CREATE ROLE "%b"' % name, b'CREATE DATABASE "d%b"' % name)
        try:
            before = len(errors(server))
            with looked(server, database, include=("*",)) as collector:
                for tier in (Tier.FAST, Tier.MEDIUM, Tier.SLOW):
                    found = poll(collector, tier, within=20)
                    odd = {part for part in found.partial if "statements" not in part}
                    assert odd == set()
                    if tier is Tier.FAST:
                        blocks = values(found, "pg_stat_database_blks_hit_total")
                        assert f"d{shown}" in {dict(labels)["database"] for labels in blocks}
                    if tier is Tier.SLOW:
                        roles = values(found, "pg_role_connections_limit")
                        assert shown in {dict(labels)["role"] for labels in roles}
                        sizes = values(found, "pg_database_disk_bytes")
                        assert f"d{shown}" in {dict(labels)["database"] for labels in sizes}
            assert errors(server)[before:] == []
        finally:
            send(other, b'DROP DATABASE "d%b"' % name, b'DROP ROLE "%b"' % name)
            admin.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())


def test_a_database_that_cannot_be_named_is_said_once(server: PostgresServer) -> None:
    with raw(server) as other:
        send(other, b'CREATE DATABASE "d\xe9"')
        try:
            with looked(server, include=("*",)) as collector:
                assert {
                    name for name in poll(collector, Tier.MEDIUM, within=20).partial if "statements" not in name
                } == set()
                finding = found_by(collector, "database_names")
            assert finding is not None
            assert "d\\xe9" in finding.text
        finally:
            send(other, b'DROP DATABASE "d\xe9"')


def test_an_encoding_that_a_role_was_given_changes_nothing(server: PostgresServer, crowded: psycopg.Connection) -> None:
    with server.connect() as admin:
        admin.execute(f"ALTER ROLE {MONITOR.name} SET client_encoding = 'LATIN1'".encode())
        try:
            for database in ("postgres", ODD):
                with looked(server, database, include=()) as collector:
                    found = poll(collector, Tier.MEDIUM)
                    assert {name for name in found.partial if "statements" not in name} == set()
        finally:
            admin.execute(f"ALTER ROLE {MONITOR.name} RESET client_encoding".encode())
