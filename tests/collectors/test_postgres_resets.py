"""Statistics of the whole server that are reset: an event, and no rate that never was."""

import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest

from collectors.postgres import metrics_wal as wal
from collectors.postgres.collector import PostgresCollector
from collectors.postgres.metrics import EPOCH
from metrics.forms import Rate
from metrics.poll import EventKind, Poll, Tier
from tests.collectors.memory import Memory, poll, value
from tests.collectors.postgres_work import do, number, source
from tests.servers import PostgresServer

RESETS = {
    "SELECT pg_stat_reset_shared('archiver')": (15, "archiver"),
    "SELECT pg_stat_reset_shared('bgwriter')": (15, "background writer"),
    "SELECT pg_stat_reset_shared('wal')": (15, "WAL"),
    "SELECT pg_stat_reset_slru('Subtrans')": (15, "SLRU caches"),
    "SELECT pg_stat_reset_slru(NULL)": (15, "SLRU caches"),
    "SELECT pg_stat_reset_shared('io')": (16, "I/O"),
    "SELECT pg_stat_reset_shared('checkpointer')": (17, "checkpointer"),
}
"""From which version on, and what is said of it."""


@pytest.fixture
def collector(each_postgres: PostgresServer) -> Iterator[PostgresCollector]:
    with closing(PostgresCollector(source(each_postgres))) as made:
        yield made


def told(found: Poll) -> list[tuple[EventKind, str]]:
    return [(event.kind, event.text) for event in found.events]


def test_each_reset_is_an_event_and_another_mark(collector: PostgresCollector, each_postgres: PostgresServer) -> None:
    with each_postgres.connect() as admin:
        version = number(admin, "SELECT current_setting('server_version_num')::int / 10000")
        assert version is not None
        before = poll(collector)
        for statement, (since, words) in RESETS.items():
            if version < since:
                continue
            do(admin, statement)
            # Told in the medium tier as well as in the fast one.
            after = [poll(collector), poll(collector, Tier.MEDIUM), poll(collector)]
            marks = {found.epochs[EPOCH] for found in after}
            text = f"statistics of the server were reset: {words}"
            assert told(after[0]) == [(EventKind.RESET, text)]
            assert all(abs(event.at - time.time()) < 60 for event in after[0].events)
            assert told(after[2]) == []
            assert len(marks) == 1
            assert marks != {before.epochs[EPOCH]}
            before = after[2]


def test_of_all_at_once_there_is_one_event(collector: PostgresCollector, each_postgres: PostgresServer) -> None:
    with each_postgres.connect() as admin:
        poll(collector)
        do(admin, "SELECT pg_stat_reset_shared('wal'), pg_stat_reset_shared('archiver')")
        assert told(poll(collector)) == [(EventKind.RESET, "statistics of the server were reset: archiver, WAL")]


def test_slots_and_subscriptions_that_are_reset_and_dropped(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres(release="18", wal_level="logical")
    reset = "statistics of the server were reset: "
    with closing(PostgresCollector(source(server))) as collector, server.connect() as admin:
        do(
            admin,
            "SELECT pg_create_logical_replication_slot('feed', 'test_decoding')",
            "CREATE SUBSCRIPTION far CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)",
        )
        assert told(poll(collector)) == []
        do(admin, "SELECT pg_stat_reset_replication_slot('feed')")
        assert told(poll(collector)) == [(EventKind.RESET, f"{reset}replication slots")]
        do(admin, "SELECT pg_stat_reset_subscription_stats(oid) FROM pg_subscription")
        assert told(poll(collector)) == [(EventKind.RESET, f"{reset}subscriptions")]
        do(admin, "SELECT pg_drop_replication_slot('feed')")
        assert told(poll(collector)) == []


def test_no_rate_is_made_of_what_passed_its_old_value_by_the_next_poll(
    new_postgres: Callable[..., PostgresServer],
) -> None:
    server, memory = new_postgres(), Memory()
    rate = Rate(name="pg_wal_rate", title="WAL", help="Bytes of WAL per second.", of=[wal.wal_bytes])
    with closing(PostgresCollector(source(server))) as collector, server.connect() as admin:
        do(admin, "CREATE TABLE t (note text)", "SELECT pg_stat_reset_shared('wal')")
        written = []
        for rows, reset in ((1_000, ""), (1_000, ""), (20_000, "SELECT pg_stat_reset_shared('wal')")):
            do(admin, *filter(None, [reset]), f"INSERT INTO t SELECT repeat('x', 100) FROM generate_series(1, {rows})")
            written.append(_written(admin))
            memory.take(collector)
            rates = memory.value(rate, window=10.0)
            if len(written) == 2:
                assert rates > 0
    assert written[2] > 2 * written[1]
    assert math.isnan(rates)


def _written(admin: psycopg.Connection) -> float:
    return number(admin, "SELECT wal_bytes FROM pg_stat_wal") or 0.0


def test_a_crash_is_a_start_and_no_reset(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres()
    with closing(PostgresCollector(source(server))) as collector:
        assert told(poll(collector)) == []
        with server.connect() as victim:
            os.kill(victim.info.backend_pid, signal.SIGKILL)
        end = time.monotonic() + 20
        while not (found := poll(collector)).up or not found.events:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert [kind for kind, _ in told(found)] == [EventKind.RESTART]
        assert value(found, "pg_standby") == 0
        assert told(poll(collector)) == []
