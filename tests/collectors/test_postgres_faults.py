"""What goes wrong at a PostgreSQL, by its class, the server's words and the line that mends it."""

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress

import psycopg

from collectors.postgres.collector import PostgresCollector
from collectors.postgres.source import PostgresSource
from metrics.poll import ErrorClass, Failure, Tier
from tests.collectors.memory import poll
from tests.servers import APP, MONITOR, SUPERUSER, PostgresServer


def collector_of(server: PostgresServer, database: str = "postgres") -> PostgresCollector:
    return PostgresCollector(
        PostgresSource(
            name="db", port=server.port, user=MONITOR.name, password=MONITOR.password, database=database, interval="10s"
        )
    )


def failure(collector: PostgresCollector, tier: Tier = Tier.FAST) -> Failure:
    found = poll(collector, tier)
    assert found.error is not None
    return found.error


def test_a_server_without_free_slots_is_told_apart(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres(max_connections="8")
    with ExitStack() as taken, closing(collector_of(server)) as collector:
        with suppress(psycopg.OperationalError):
            while True:
                taken.enter_context(server.connect(APP))
        found = failure(collector)
    assert found.kind is ErrorClass.REFUSED_BY_LIMIT
    assert "slots" in found.text
    assert "max_connections" in found.hint


def test_a_server_that_shuts_down_is_not_ready_and_not_dead(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres()
    with server.connect(), closing(collector_of(server)) as collector:
        assert server.pid is not None
        # Smart: it waits for the session, and takes no new one.
        server._send(signal.SIGTERM)
        end = time.monotonic() + 5
        while poll(collector).up and time.monotonic() < end:
            collector.close()
            time.sleep(0.05)
        found = failure(collector)
    assert found.kind is ErrorClass.NOT_READY
    assert "shutting down" in found.text


def test_a_server_that_went_away_is_unreachable(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres()
    with closing(collector_of(server)) as collector:
        assert poll(collector).up
        server.kill()
        found = failure(collector)
        assert found.kind is ErrorClass.UNREACHABLE
        assert "that PostgreSQL runs there" in found.hint
        server.start()
        assert poll(collector).up


def test_a_database_that_was_dropped_is_gone(postgres: PostgresServer) -> None:
    with postgres.connect() as admin:
        admin.execute("CREATE DATABASE collectors_gone")
        with closing(collector_of(postgres, "collectors_gone")) as collector:
            assert poll(collector).up
            admin.execute("DROP DATABASE collectors_gone WITH (FORCE)")
            found = failure(collector)
    assert found.kind is ErrorClass.GONE
    assert 'database "collectors_gone" does not exist' in found.text
    assert found.hint


def test_an_extension_that_is_not_loaded_takes_only_its_own_with_it(
    new_postgres: Callable[..., PostgresServer],
) -> None:
    server = new_postgres(shared_preload_libraries="")
    with server.connect() as admin:
        admin.execute("CREATE TABLE new_here (id int PRIMARY KEY)")
    with closing(collector_of(server)) as collector:
        found = poll(collector, Tier.MEDIUM)
    assert found.up
    assert found.samples
    (said,) = [each for name, each in found.partial.items() if "statements" in name]
    assert said.kind is ErrorClass.MISSING
    assert "shared_preload_libraries" in said.text
    assert "then restart" in said.hint


def test_no_lock_is_waited_for(postgres: PostgresServer) -> None:
    """Whatever others lock, all readings are there, and soon."""
    with postgres.connect() as admin:
        admin.execute("CREATE DATABASE collectors_locked")
        with closing(collector_of(postgres, "collectors_locked")) as collector:
            with postgres.connect(SUPERUSER, "collectors_locked") as holder, holder.transaction():
                holder.execute("CREATE TABLE new_here (id int PRIMARY KEY, v text)")
                holder.execute("CREATE SEQUENCE numbers")
            with postgres.connect(SUPERUSER, "collectors_locked") as holder, holder.transaction():
                holder.execute("LOCK TABLE new_here IN ACCESS EXCLUSIVE MODE")
                for tier in collector.tiers:
                    begun = time.monotonic()
                    found = poll(collector, tier)
                    assert found.up
                    assert not [each for each in found.partial.values() if each.kind is ErrorClass.TIMEOUT], tier
                    assert time.monotonic() - begun < 1.5
        admin.execute("DROP DATABASE collectors_locked WITH (FORCE)")
