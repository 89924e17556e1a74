"""A round's statements go in one round trip; nobody sees a difference but the server."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest

from collectors.postgres.collector import PostgresCollector
from collectors.round import LACKING
from metrics.poll import ErrorClass, Poll, Tier
from tests.collectors.memory import poll, value, values
from tests.collectors.postgres_work import do, source
from tests.servers import PostgresServer

WARM = 3
"""Rounds after which a tier's statements go together."""


@pytest.fixture
def server(new_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    return new_postgres()


@pytest.fixture
def collector(server: PostgresServer) -> Iterator[PostgresCollector]:
    with server.connect() as connection:
        connection.execute("CREATE DATABASE watched")
    with server.connect(dbname="watched") as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 100) AS id")
    with closing(PostgresCollector(source(server, database="watched"))) as made:
        yield made


def warm(collector: PostgresCollector, tier: Tier) -> Poll:
    for _ in range(WARM):
        found = poll(collector, tier)
        assert found.up
        assert not found.partial
    return found


def names(found: Poll) -> set[tuple[str, object]]:
    return {(sample.metric, sample.labels) for sample in found.samples}


@pytest.mark.parametrize("tier", [Tier.FAST, Tier.MEDIUM])
def test_the_samples_are_those_of_single_statements(collector: PostgresCollector, tier: Tier) -> None:
    single = names(poll(collector, tier))
    assert names(warm(collector, tier)) == single
    assert names(warm(collector, tier)) == single


def test_a_round_is_one_transaction_on_the_server(collector: PostgresCollector) -> None:
    """What we do is in the server's own count of transactions."""

    def commits() -> float:
        # Statistics are told to the others once a second.
        time.sleep(1.1)
        return value(poll(collector, Tier.FAST), "pg_stat_database_xact_commit_total", database="watched")

    warm(collector, Tier.FAST)
    counts = [commits() for _ in range(4)]
    assert counts[3] - counts[1] <= 4


def test_each_round_is_told_what_is_so_now(collector: PostgresCollector, server: PostgresServer) -> None:
    with server.connect(dbname="watched") as connection:
        warm(collector, Tier.MEDIUM)
        warm(collector, Tier.FAST)
        for count in (1, 2, 3):
            do(connection, "INSERT INTO kept VALUES (0)")
            found = poll(collector, Tier.MEDIUM)
            assert sum(values(found, "pg_table_tup_ins_total").values()) == 100 + count
        with server.connect(dbname="watched"):
            assert value(poll(collector, Tier.FAST), "pg_stat_database_numbackends", database="watched") == 3


def test_one_statement_that_fails_loses_no_other(collector: PostgresCollector, server: PostgresServer) -> None:
    all_of_it = names(warm(collector, Tier.MEDIUM))
    with server.connect(dbname="watched") as connection:
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_ls_waldir() FROM pg_monitor")
        found = poll(collector, Tier.MEDIUM)
        assert {part: failure.kind for part, failure in found.partial.items()} == {"wal_files": ErrorClass.FORBIDDEN}
        assert {name for name, _ in all_of_it - names(found)} == {"pg_wal_files", "pg_wal_disk_bytes"}
        for _ in range(WARM):
            # Off for an hour, and the others go together again.
            assert not poll(collector, Tier.MEDIUM).partial
        connection.execute("GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO pg_monitor")
    collector.off.clear()
    found = poll(collector, Tier.MEDIUM)
    assert (LACKING, "wal_files", "") in {(record.kind, record.key, record.body) for record in found.records}
    assert names(warm(collector, Tier.MEDIUM)) == all_of_it


def test_an_extension_that_goes_and_comes_back_elsewhere(collector: PostgresCollector, server: PostgresServer) -> None:
    warm(collector, Tier.MEDIUM)
    errors = server.log.read_text().count("ERROR:")
    with server.connect(dbname="watched") as connection:
        connection.execute("DROP EXTENSION pg_stat_statements")
        assert set(poll(collector, Tier.MEDIUM).partial) == {"statements"}
        assert poll(collector, Tier.MEDIUM).partial == {}
        connection.execute("CREATE SCHEMA monitoring")
        connection.execute("GRANT USAGE ON SCHEMA monitoring TO public")
        connection.execute("CREATE EXTENSION pg_stat_statements SCHEMA monitoring")
        assert values(poll(collector, Tier.MEDIUM), "pg_statements_known")
        assert values(warm(collector, Tier.MEDIUM), "pg_statements_known")
    assert server.log.read_text().count("ERROR:") == errors


def test_a_connection_that_was_ended_costs_no_round(collector: PostgresCollector, server: PostgresServer) -> None:
    with server.connect() as connection:
        whole = names(warm(collector, Tier.FAST))
        for _ in range(2):
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'watched'")
            found = poll(collector, Tier.FAST)
            assert found.up
            assert names(found) == whole


def test_a_server_that_stands_still_costs_the_deadline(collector: PostgresCollector, server: PostgresServer) -> None:
    warm(collector, Tier.FAST)
    with server.connect() as connection:
        backend = _backend(connection)
    os.kill(backend, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        found = collector.poll(Tier.FAST, begun + 0.5)
        assert 0.4 < time.monotonic() - begun < 2
    finally:
        os.kill(backend, signal.SIGCONT)
    assert found.error is not None
    assert found.error.kind is ErrorClass.TIMEOUT
    assert poll(collector, Tier.FAST).up


def _backend(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = 'watched'").fetchone()
    assert row is not None
    return int(row[0])
