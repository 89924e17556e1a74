"""What is said of a PostgreSQL as a whole, on every release."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest

from collectors.postgres import metrics
from collectors.postgres.activity import BLOCKING, HOLDER, LONG, SHOWN, Waits, busiest
from collectors.postgres.collector import PostgresCollector
from metrics.model import Labels
from metrics.poll import EventKind, Poll, Record, Tier
from tests.collectors.declared import declared, emitted
from tests.collectors.memory import poll, value, values
from tests.collectors.postgres_work import do, made_database, number, source
from tests.servers import PostgresServer

NAME = "server_shop"
WORKING = "pg_autovacuum_started_timestamp_seconds"
SPEND = """
    DO $$ BEGIN
        FOR n IN 1..110000 LOOP
            BEGIN INSERT INTO spent VALUES (n); EXCEPTION WHEN division_by_zero THEN NULL; END;
        END LOOP;
    END $$
"""
"""So many numbers of transactions that tables must be frozen."""


@pytest.fixture
def inside(each_postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with made_database(each_postgres, NAME) as connection:
        yield connection


@pytest.fixture
def collector(each_postgres: PostgresServer) -> Iterator[PostgresCollector]:
    with closing(PostgresCollector(source(each_postgres))) as made:
        yield made


@contextmanager
def waiting(server: PostgresServer, statement: str) -> Iterator[None]:
    """A session that waits for a lock until whoever holds it lets go after the block."""
    with server.connect(dbname=NAME) as other:
        thread = threading.Thread(target=other.execute, args=[statement.encode()])
        thread.start()
        with server.connect() as admin:
            until(lambda: number(admin, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 1)
        yield
        thread.join()


def until(true: Callable[[], bool], patience: float = 10.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def records(found: Poll, kind: str) -> list[Record]:
    return [record for record in found.records if record.kind == kind]


def test_every_statement_works_and_gives_what_is_declared(
    collector: PostgresCollector, inside: psycopg.Connection
) -> None:
    do(inside, "CREATE TABLE t AS SELECT 1 AS id", "SELECT * FROM t")
    assert emitted(collector) <= declared("postgres")


def test_columns_equal_the_views(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    do(inside, "CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 1000) AS g", "SELECT count(*) FROM t")
    fast, medium = poll(collector), poll(collector, Tier.MEDIUM)
    row = f"FROM pg_stat_database WHERE datname = '{NAME}'"
    for column, metric in (
        ("sessions_abandoned", "pg_stat_database_sessions_abandoned_total"),
        ("tup_inserted", "pg_stat_database_tup_inserted_total"),
    ):
        assert value(fast, metric, database=NAME) == number(inside, f"SELECT {column} {row}")
    spent = number(inside, f"SELECT active_time / 1000 {row}")
    assert spent is not None
    # Asking takes time, too.
    assert 0 < value(fast, "pg_stat_database_active_seconds_total", database=NAME) <= spent
    oid = number(inside, "SELECT oid::bigint FROM pg_database WHERE datname = current_database()")
    assert value(medium, "pg_database_oid", database=NAME) == oid
    assert value(medium, "pg_database_xid_age", database=NAME) > 0
    written = number(inside, "SELECT wal_bytes FROM pg_stat_wal")
    assert value(medium, "pg_wal_bytes_total") == pytest.approx(written, rel=0.1)
    assert value(medium, "pg_wal_disk_bytes") >= 16 * 1024 * 1024
    template = {"database": "template0", "datid": "4", "column": "xact_commit"}
    assert value(poll(collector, Tier.SLOW), "pg_stat_database_template", **template) == 0
    assert not any(("database", "template1") in sample.labels for sample in fast.samples)


def test_reads_and_hits_of_pg_stat_io(collector: PostgresCollector, each_postgres: PostgresServer) -> None:
    found = values(poll(collector, Tier.MEDIUM), "pg_io_hits_total")
    with each_postgres.connect() as connection:
        version = number(connection, "SELECT current_setting('server_version_num')::int")
        assert version is not None
        if version < 160000:
            assert found == {}
            return
        hits = number(connection, "SELECT sum(hits) FROM pg_stat_io WHERE hits > 0")
    assert sum(found.values()) == pytest.approx(hits, rel=0.2)


def test_sizes_and_limits(
    collector: PostgresCollector, inside: psycopg.Connection, each_postgres: PostgresServer
) -> None:
    with each_postgres.connect() as admin:
        admin.execute(f"ALTER DATABASE {NAME} CONNECTION LIMIT 7")
        before = time.time()
        poll(collector)
        medium, slow = poll(collector, Tier.MEDIUM), poll(collector, Tier.SLOW)
        rows = admin.execute("SELECT datname, pg_database_size(oid) FROM pg_database").fetchall()
    assert values(slow, "pg_database_disk_bytes") == {(("database", name),): size for name, size in rows}
    assert before <= value(slow, "pg_database_disk_read_timestamp_seconds") <= time.time()
    assert value(medium, "pg_database_connections_limit", database=NAME) == 7
    assert value(slow, "pg_role_connections_limit", role="monitor") == -1


def test_sessions_are_told_apart_without_our_own(
    collector: PostgresCollector, inside: psycopg.Connection, each_postgres: PostgresServer
) -> None:
    with psycopg.connect(each_postgres.dsn(dbname=NAME, application_name="shop")) as session:
        session.execute("SELECT 1")
        fast, medium = poll(collector), poll(collector, Tier.MEDIUM)
    sessions = {
        dict(labels)["application"]: (dict(labels), count) for labels, count in values(medium, "pg_activity").items()
    }
    labels, count = sessions["shop"]
    assert (labels["database"], labels["state"], labels["wait_event"], count) == (
        NAME,
        "idle in transaction",
        "ClientRead",
        1,
    )
    assert "trivet" not in sessions
    assert value(medium, "pg_processes", backend_type="checkpointer") == 1
    assert value(fast, "pg_database_longest_transaction_seconds", database=NAME) > 0
    assert value(fast, "pg_database_longest_idle_in_transaction_seconds", database=NAME) > 0
    assert value(fast, "pg_database_longest_query_seconds", database=NAME) == 0


def test_who_blocks_whom_is_a_record_once(
    collector: PostgresCollector, inside: psycopg.Connection, each_postgres: PostgresServer
) -> None:
    inside.execute("CREATE TABLE held (id int)")
    with each_postgres.connect(dbname=NAME) as holder:
        holder.execute("BEGIN; LOCK TABLE held; SELECT 'private'")
        with waiting(each_postgres, "SELECT * FROM held WHERE id = 4711"):
            first, again, medium = poll(collector), poll(collector), poll(collector, Tier.MEDIUM)
            holder.execute("COMMIT")
        after = poll(collector)
        pid = holder.info.backend_pid
    (record,) = records(first, BLOCKING)
    assert records(again, BLOCKING) == records(after, BLOCKING) == []
    root, waiter = sorted(json.loads(record.body), key=lambda node: len(node["blockers"]))
    assert (root["pid"], root["state"], root["query"]) == (
        pid,
        "idle in transaction",
        "BEGIN; LOCK TABLE held; SELECT ?",
    )
    assert (waiter["blockers"], waiter["query"]) == ([pid], "SELECT * FROM held WHERE id = ?")
    assert value(first, "pg_lock_roots") == 1
    assert value(first, "pg_database_lock_waiters", database=NAME) == 1
    assert 0 < value(first, "pg_longest_lock_wait_seconds") < value(again, "pg_longest_lock_wait_seconds") < 10
    assert value(after, "pg_longest_lock_wait_seconds") == value(after, "pg_lock_roots") == 0
    waits = {"database": NAME, "mode": "accesssharelock", "granted": "false"}
    assert value(medium, "pg_locks", **waits) == 1
    # A table that is locked whole keeps none of our statements waiting.
    assert medium.partial == {}


def test_long_transactions_are_records_until_they_are_over(
    collector: PostgresCollector, inside: psycopg.Connection, each_postgres: PostgresServer
) -> None:
    collector.parts = (Waits(long=0.1),)
    with each_postgres.connect(dbname=NAME) as session:
        session.execute("BEGIN; SELECT 'private' /* it's /* \"private */ */, 'private' -- don't\n, 'private'")
        time.sleep(0.2)
        first, again = poll(collector), poll(collector)
        session.execute("COMMIT")
        after = poll(collector)
    (begun,), (over,) = records(first, LONG), records(after, LONG)
    assert records(again, LONG) == []
    assert begun.key == over.key
    assert json.loads(begun.body)["query"] == "BEGIN; SELECT ? /* … */, ? /* … */\n, ?"
    assert "private" not in str([*first.records, *after.records])
    assert "over" not in json.loads(begun.body)
    assert json.loads(over.body)["over"]


def test_who_holds_back_vacuum(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres(max_prepared_transactions="2", wal_level="logical")
    with closing(PostgresCollector(source(server))) as collector, server.connect() as admin:
        admin.execute("CREATE TABLE t (id int)")
        # In this order: a slot waits for the transactions that are open.
        admin.execute("SELECT pg_create_logical_replication_slot('feed', 'test_decoding')")
        admin.execute("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'payment 7'")
        for _ in range(5):
            admin.execute("INSERT INTO t VALUES (2)")
        found = poll(collector, Tier.MEDIUM)
        slot = {"slot": "feed", "type": "logical", "database": "postgres"}
        assert value(found, "pg_slot_active", **slot) == 0
        assert value(found, "pg_slot_retained_bytes", **slot) > value(found, "pg_slot_unconfirmed_bytes", **slot) > 0
        assert value(found, "pg_slot_wal_status", wal_status="reserved", **slot) == 1
        assert value(found, "pg_xmin_age", holder="prepared") == 6
        assert value(found, "pg_xmin_age", holder="slot") >= 5
        assert ("prepared", "payment 7") in [(record.key, record.body) for record in records(found, HOLDER)]
        assert records(poll(collector, Tier.MEDIUM), HOLDER) == []
        admin.execute("SELECT count(*) FROM pg_logical_slot_get_changes('feed', NULL, NULL)")
        until(lambda: value(poll(collector, Tier.MEDIUM), "pg_slot_decoded_transactions_total", slot="feed") >= 5)
        admin.execute("CREATE SUBSCRIPTION far CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)")
        found = poll(collector, Tier.MEDIUM)
        assert value(found, "pg_subscription_apply_errors_total", subscription="far") == 0


def test_kinds_of_sessions_are_capped() -> None:
    kind = dict.fromkeys(
        ("datname", "state", "backend_type", "usename", "application_name", "wait_event_type", "wait_event"), "x"
    )
    rows = [{**kind, "usename": str(n), "sessions": 2, "transaction": float(n)} for n in range(SHOWN + 5)]
    shown, left = busiest(rows, SHOWN)
    assert left == 5
    assert len(shown) == SHOWN + 1
    assert sum(row["sessions"] for row in shown) == 2 * len(rows)


def test_a_vacuum_shows_its_progress(
    collector: PostgresCollector, inside: psycopg.Connection, each_postgres: PostgresServer
) -> None:
    do(inside, "CREATE TABLE slow AS SELECT g AS id FROM generate_series(1, 200000) AS g")
    inside.execute("SET vacuum_cost_delay = 20; SET vacuum_cost_limit = 50")

    def vacuum() -> None:
        with suppress(psycopg.errors.QueryCanceled):
            inside.execute("VACUUM slow")

    thread = threading.Thread(target=vacuum)
    thread.start()
    seen: dict[str, str] = {}
    while not seen and thread.is_alive():
        found = values(poll(collector, Tier.MEDIUM), "pg_progress_ratio")
        seen = next((dict(labels) for labels in found), {})
        assert all(0 <= share <= 1 for share in found.values())
    with each_postgres.connect() as admin:
        admin.execute("SELECT pg_cancel_backend(%s)", [inside.info.backend_pid])
    thread.join()
    assert seen["command"] == "vacuum"
    assert seen["database"] == NAME


def test_what_autovacuum_works_on(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres(
        autovacuum_naptime="1",
        autovacuum_vacuum_cost_delay="100",
        autovacuum_vacuum_cost_limit="1",
        autovacuum_freeze_max_age="100000",
    )
    with closing(PostgresCollector(source(server))) as collector, server.connect() as admin:
        assert values(poll(collector, Tier.MEDIUM), WORKING) == {}
        do(admin, "CREATE TABLE spent (id int)", SPEND)
        found: dict[Labels, float] = {}
        begun = time.time()
        until(lambda: bool(found.update(values(poll(collector, Tier.MEDIUM), WORKING)) or found), patience=30)
    for labels, started in found.items():
        of = dict(labels)
        assert (of["command"], of["wraparound"]) == ("VACUUM", "true")
        assert re.fullmatch(r"pg_catalog\.\w+|public\.spent", of["relation"])
        assert begun - 30 < started <= time.time()


def test_ages_are_of_the_time_of_the_poll(
    collector: PostgresCollector, inside: psycopg.Connection, each_postgres: PostgresServer
) -> None:
    with psycopg.connect(each_postgres.dsn(dbname=NAME, application_name="shop")) as session:
        since = number(
            session, "SELECT extract(epoch FROM xact_start) FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        for _ in range(4):
            fast, medium = poll(collector), poll(collector, Tier.MEDIUM)
            oldest = value(fast, "pg_database_longest_transaction_seconds", database=NAME)
            assert fast.at - oldest == pytest.approx(since, abs=0.5)
            (age,) = (
                age
                for labels, age in values(medium, "pg_activity_transaction_seconds").items()
                if ("application", "shop") in labels
            )
            assert medium.at - age == pytest.approx(since, abs=0.5)


def test_starts_and_resets_are_events(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres()
    with closing(PostgresCollector(source(server))) as collector:
        assert poll(collector).events == []
        with server.connect() as admin:
            admin.execute("SELECT pg_stat_reset()")
            admin.execute("SELECT 1")
            (reset,) = poll(collector).events
            assert (reset.kind, reset.text) == (EventKind.RESET, "statistics of database postgres were reset")
            assert abs(reset.at - time.time()) < 60
        server.stop()
        assert poll(collector).events == ()
        server.start()
        begun = poll(collector)
        assert [event.kind for event in begun.events] == [EventKind.RESTART]
        assert begun.events[0].at == value(begun, "pg_postmaster_start_timestamp_seconds")
        assert poll(collector).events == []


def test_of_many_databases_the_busiest_are_told_and_the_others_summed(
    new_postgres: Callable[..., PostgresServer],
) -> None:
    server = new_postgres()
    names = [f"many_{n:02}" for n in range(12)]
    with closing(PostgresCollector(source(server, max_series=200))) as collector, server.connect() as admin:
        for name in names:
            admin.execute(f"CREATE DATABASE {name}".encode())
        first = poll(collector)
        for name in names:
            with server.connect(dbname=name) as inside:
                do(inside, "CREATE TABLE t (id int)", "INSERT INTO t SELECT generate_series(1, 10)")
        second = poll(collector)
        inserted = number(admin, "SELECT sum(tup_inserted) FROM pg_stat_database WHERE datname LIKE 'many_%'")
        medium = poll(collector, Tier.MEDIUM)
        with closing(PostgresCollector(source(server, max_series=200))) as started_anew:
            later = poll(started_anew)
    # What the others were given is forgotten at a start: a row of its own would jump by it.
    assert second.epochs[metrics.EPOCH] == medium.epochs[metrics.EPOCH] != later.epochs[metrics.EPOCH]
    metric = "pg_stat_database_tup_inserted_total"
    shown = {dict(labels)["database"] for labels in values(second, metric)}
    assert len(shown) == 11
    assert "(rest)" in shown
    assert (first.left_out, second.left_out) == (3, 3)
    rise = sum(values(second, metric).values()) - sum(
        count for labels, count in values(first, metric).items() if labels in values(second, metric)
    )
    assert inserted is not None
    assert rise == pytest.approx(inserted, rel=0.01)
    oids = {dict(labels)["database"] for labels in values(medium, "pg_database_oid")}
    assert oids == {*shown, "template0", "template1"} - {"(rest)"}
