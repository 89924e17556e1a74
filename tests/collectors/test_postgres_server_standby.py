"""A primary and its standby: each says what is true of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from collectors.postgres.collector import PostgresCollector
from metrics.poll import EventKind, Poll, Tier
from tests.collectors.memory import poll, value, values
from tests.collectors.postgres_work import source
from tests.collectors.standby import SLOT, Standby
from tests.servers import PostgresServer, Servers

WHO = {"standby": SLOT, "address": "127.0.0.1"}


@contextmanager
def pair(servers: Servers) -> Iterator[tuple[PostgresServer, Standby]]:
    primary = servers.postgres()
    with Standby(primary, servers.folder / "standby") as standby:
        yield primary, standby


def until(found: Callable[[], Poll], true: Callable[[Poll], bool]) -> Poll:
    end = time.monotonic() + 20
    while not (seen := found()).up or not true(seen):
        assert time.monotonic() < end, seen
        time.sleep(0.1)
    return seen


def test_lag_is_seen_from_both_sides_and_an_idle_primary_is_none(own_servers: Servers) -> None:
    with (
        pair(own_servers) as (primary, standby),
        closing(PostgresCollector(source(primary))) as above,
        closing(PostgresCollector(source(standby))) as below,
        primary.connect() as writer,
        standby.connect() as reader,
    ):
        writer.execute("CREATE TABLE t (id int)")
        caught = until(
            lambda: poll(above),
            lambda it: (
                values(it, "pg_standby_lag_bytes") != {}
                and all(lag == 0 for lag in values(it, "pg_standby_lag_bytes").values())
            ),
        )
        assert len(values(caught, "pg_standby_lag_bytes")) == 4
        assert value(caught, "pg_standby") == 0
        assert values(caught, "pg_standby_own_lag_seconds") == values(caught, "pg_standby_receiving") == {}
        assert value(caught, "pg_standby_connected", state="streaming", sync_state="async", **WHO) == 1
        slot = {"slot": SLOT, "type": "physical", "database": ""}
        medium = poll(above, Tier.MEDIUM)
        assert value(medium, "pg_slot_active", **slot) == 1
        assert value(medium, "pg_slot_wal_status", wal_status="reserved", **slot) == 1

        time.sleep(0.5)
        idle = poll(below)
        assert value(idle, "pg_standby") == value(idle, "pg_standby_receiving") == 1
        assert value(idle, "pg_standby_own_lag_seconds") == value(idle, "pg_standby_replay_bytes") == 0
        assert value(idle, "pg_standby_last_replay_seconds") > 0.4

        reader.execute("SELECT pg_wal_replay_pause()")
        writer.execute("INSERT INTO t SELECT generate_series(1, 1000)")
        time.sleep(0.3)
        behind = until(lambda: poll(below), lambda it: value(it, "pg_standby_replay_bytes") > 10_000)
        assert value(behind, "pg_standby_replay_paused") == 1
        assert value(behind, "pg_standby_own_lag_seconds") > 0.5
        seen = until(lambda: poll(above), lambda it: value(it, "pg_standby_lag_bytes", stage="replay", **WHO) > 10_000)
        assert value(seen, "pg_standby_lag_bytes", stage="flush", **WHO) == 0
        reader.execute("SELECT pg_wal_replay_resume()")


@pytest.mark.parametrize("tier", [Tier.FAST, Tier.MEDIUM, Tier.SLOW])
def test_nothing_fails_on_a_standby_and_nothing_untrue_is_said(own_servers: Servers, tier: Tier) -> None:
    with pair(own_servers) as (_, standby), closing(PostgresCollector(source(standby))) as below:
        found = poll(below, tier)
    assert found.error is None
    assert found.partial == {}
    # Its counts of dead rows are its own, and always zero.
    assert values(found, "pg_autovacuum_due_ratio") == values(found, "pg_autovacuum_due_tables") == {}


def test_a_promotion_is_a_failover_once(own_servers: Servers) -> None:
    with pair(own_servers) as (primary, standby), closing(PostgresCollector(source(standby))) as below:
        assert poll(below).events == []
        primary.stop()
        cut = until(lambda: poll(below), lambda it: value(it, "pg_standby_receiving") == 0)
        assert cut.events == []
        with standby.connect() as admin:
            admin.execute("SELECT pg_promote()")
        found = until(lambda: poll(below), lambda it: value(it, "pg_standby") == 0)
        assert [(event.kind, event.text) for event in found.events] == [
            (EventKind.FAILOVER, "the server is the primary now")
        ]
        assert poll(below).events == []
        assert poll(below, Tier.MEDIUM).partial == {}
