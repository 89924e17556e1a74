"""Settings, definitions, and what is estimated or due inside each database, on every release."""

import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from collectors.postgres import sql
from collectors.postgres.collector import PostgresCollector
from collectors.postgres.inside import Inside
from collectors.postgres.settings import Settings
from metrics.poll import EventKind, Tier
from tests.collectors.memory import poll, value, values
from tests.collectors.postgres_work import do, made_database, number, source
from tests.servers import PostgresServer

NAME = "server_inside"


@pytest.fixture
def inside(each_postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with made_database(each_postgres, NAME) as connection:
        yield connection


@pytest.fixture
def collector(each_postgres: PostgresServer) -> Iterator[PostgresCollector]:
    with closing(PostgresCollector(source(each_postgres, NAME))) as made:
        yield made


def anew(collector: PostgresCollector) -> None:
    """What is read by the hour is read now."""
    collector.parts = (Inside(pause=0.0),)
    assert poll(collector, Tier.MEDIUM).partial == {}


def test_settings_are_numbers_in_base_units_and_their_changes_events(
    collector: PostgresCollector, inside: psycopg.Connection, each_postgres: PostgresServer
) -> None:
    collector.parts = (Settings(),)
    slow = poll(collector, Tier.SLOW)
    assert value(slow, "pg_setting", setting="shared_buffers", unit="bytes") == 16 * 1024 * 1024
    assert value(slow, "pg_setting", setting="checkpoint_timeout", unit="seconds") == 300
    assert value(slow, "pg_setting", setting="log_min_duration_statement", unit="seconds") == -1
    # Set by our own session, and yet the server's.
    assert value(slow, "pg_setting", setting="lock_timeout", unit="seconds") == 0
    assert value(slow, "pg_setting_choice", setting="wal_level", value="replica") == 1
    assert poll(collector, Tier.MEDIUM).events == []
    with each_postgres.connect() as admin:
        try:
            admin.execute("ALTER SYSTEM SET work_mem = '64MB'")
            admin.execute("ALTER SYSTEM SET primary_conninfo = 'host=elsewhere password=hidden'")
            admin.execute("ALTER SYSTEM SET max_connections = 120")
            admin.execute("SELECT pg_reload_conf(), pg_sleep(0.3)")
            changed, after = poll(collector, Tier.MEDIUM), poll(collector, Tier.MEDIUM)
        finally:
            admin.execute("ALTER SYSTEM RESET ALL")
            admin.execute("SELECT pg_reload_conf(), pg_sleep(0.3)")
    assert {(event.kind, event.text) for event in changed.events} == {
        (EventKind.CONFIG, "work_mem: 4096 kB → 65536 kB"),
        (EventKind.CONFIG, "primary_conninfo changed"),
    }
    assert "hidden" not in str(changed)
    assert value(changed, "pg_settings_pending_restart") == 1
    # Until the hour is over, what differs from what was told.
    for found in (changed, after):
        assert values(found, "pg_setting") == {(("setting", "work_mem"), ("unit", "bytes")): 64 * 1024 * 1024}
    assert after.events == []


def test_definitions_that_change_are_events_and_nothing_else_is(
    collector: PostgresCollector, inside: psycopg.Connection
) -> None:
    do(
        inside,
        "CREATE TABLE t (id int, note text)",
        "CREATE INDEX by_id ON t (id)",
        "CREATE VIEW v AS SELECT id FROM t",
    )
    anew(collector)

    def lines(*statements: str) -> set[str]:
        do(inside, *statements)
        found = poll(collector, Tier.MEDIUM)
        assert {event.kind for event in found.events} <= {EventKind.DDL}
        return {event.text.removeprefix(f"{NAME}: ") for event in found.events}

    assert lines("INSERT INTO t VALUES (1, 'x')", "VACUUM ANALYZE t", "CREATE TEMPORARY TABLE x (id int)") == set()
    assert lines("REINDEX INDEX by_id", "VACUUM FULL t") == set()
    assert lines("ALTER TABLE t ADD more int DEFAULT 3") == {"table public.t altered"}
    assert lines("ALTER TABLE t ALTER note SET NOT NULL") == {"table public.t altered"}
    assert lines("ALTER TABLE t DROP COLUMN more") == {"table public.t altered"}
    assert lines("ALTER TABLE t ADD CHECK (id > 0)") == {"table public.t altered"}
    assert lines("CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id > 1") == {"view public.v altered"}
    assert lines("DROP INDEX by_id", "CREATE INDEX by_note ON t (note)") == {
        "index public.by_id dropped",
        "index public.by_note created",
    }
    assert lines("ALTER TABLE t RENAME TO u") == {"table public.t is now public.u"}
    assert lines("DROP INDEX by_note", "CREATE INDEX by_note ON u (lower(note))") == {"index public.by_note altered"}
    assert lines("SELECT 1") == set()


def test_the_mark_is_another_whatever_numbers_the_new_rows_get(inside: psycopg.Connection) -> None:
    """Numbers of objects and of transactions grow side by side: a mark that mixes them cheaply stays the same at times.

    Here too, in 60 of 100.
    """
    mark = sql.statement("definitions_mark", inside.info.server_version // 10_000).encode()
    do(inside, "CREATE TABLE t (id int)", "CREATE INDEX i ON t (id)")
    seen = {inside.execute(mark).fetchone()}
    for _ in range(100):
        do(inside, "DROP INDEX i", "SELECT pg_current_xact_id()", "CREATE INDEX i ON t (id)")
        seen.add(inside.execute(mark).fetchone())
    assert len(seen) == 101


def test_bloat_is_estimated_where_widths_may_be_read(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    rows = "SELECT g AS id, repeat('x', 60) AS note FROM generate_series(1, 40000) AS g"
    do(
        inside,
        f"CREATE TABLE fresh AS {rows}",
        f"CREATE TABLE half AS {rows}",
        "DELETE FROM half WHERE id % 2 = 0",
    )
    do(inside, "VACUUM ANALYZE fresh, half")
    anew(collector)
    hidden = poll(collector, Tier.SLOW)
    assert values(hidden, "pg_table_bloat_ratio") == {}
    assert value(hidden, "pg_tables_bloat_unknown", database=NAME) == 2
    (lack,) = collector.probe(time.monotonic() + 5).lacking
    do(inside, lack.mend)
    assert collector.probe(time.monotonic() + 5).lacking == ()
    anew(collector)
    known = poll(collector, Tier.SLOW)
    assert value(known, "pg_tables_bloat_unknown", database=NAME) == 0
    table = {"database": NAME, "schema": "public"}
    assert value(known, "pg_table_bloat_ratio", table="fresh", **table) == pytest.approx(0, abs=0.03)
    assert value(known, "pg_table_bloat_ratio", table="half", **table) == pytest.approx(0.5, abs=0.03)
    size = number(inside, "SELECT pg_relation_size('half')")
    assert size is not None
    assert value(known, "pg_table_bloat_bytes", table="half", **table) == pytest.approx(size / 2, rel=0.06)


def test_sequences_near_their_end(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    do(
        inside,
        "CREATE TABLE narrow (id smallserial)",
        "SELECT setval('narrow_id_seq', 16384)",
        "CREATE SEQUENCE down INCREMENT -1 MINVALUE -100 MAXVALUE -1",
        "SELECT setval('down', -75)",
        "CREATE SEQUENCE round MAXVALUE 10 CYCLE",
        "SELECT setval('round', 9)",
        "CREATE TABLE wide (id bigint GENERATED ALWAYS AS IDENTITY)",
    )
    anew(collector)
    hidden = poll(collector, Tier.SLOW)
    assert values(hidden, "pg_sequence_used_ratio") == {}
    assert value(hidden, "pg_sequences_hidden", database=NAME) == 4
    (lack,) = collector.probe(time.monotonic() + 5).lacking
    do(inside, lack.mend)
    anew(collector)
    found = poll(collector, Tier.SLOW)
    used = {dict(labels)["sequence"]: share for labels, share in values(found, "pg_sequence_used_ratio").items()}
    assert used == {"narrow_id_seq": pytest.approx(0.5, abs=1e-4), "down": pytest.approx(74 / 99)}
    assert value(found, "pg_sequences_hidden", database=NAME) == 0


def test_what_autovacuum_is_due_for(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    rows = "SELECT g AS id FROM generate_series(1, 1000) AS g"
    do(
        inside,
        f"CREATE TABLE plain AS {rows}",
        f"CREATE TABLE own WITH (autovacuum_vacuum_scale_factor = 0.5, autovacuum_vacuum_threshold = 0) AS {rows}",
        f"CREATE TABLE never WITH (autovacuum_enabled = off) AS {rows}",
    )
    do(inside, "VACUUM ANALYZE plain, own, never")
    do(inside, *(f"DELETE FROM {table} WHERE id <= 500" for table in ("plain", "own", "never")))
    anew(collector)
    found = poll(collector, Tier.MEDIUM)

    def due(table: str, reason: str) -> float:
        labels = {"database": NAME, "schema": "public", "table": table, "reason": reason}
        return value(found, "pg_autovacuum_due_ratio", **labels)

    assert due("plain", "dead") == pytest.approx(500 / (50 + 0.2 * 1000))
    assert due("own", "dead") == pytest.approx(500 / 500)
    assert due("plain", "changed") == pytest.approx(500 / (50 + 0.1 * 1000))
    assert due("plain", "inserted") == 0
    assert 0 < due("plain", "age") < 0.01
    tables = {
        dict(labels)["table"] for labels in values(found, "pg_autovacuum_due_ratio") if ("reason", "dead") in labels
    }
    assert tables == {"plain", "own"}
    assert value(found, "pg_autovacuum_due_tables", database=NAME, reason="dead") == 1
    slow = poll(collector, Tier.SLOW)
    assert len(values(slow, "pg_table_xid_age")) == 10


def test_other_databases_are_visited_for_it_too(each_postgres: PostgresServer, inside: psycopg.Connection) -> None:
    do(inside, "CREATE TABLE t AS SELECT 1 AS id", "VACUUM ANALYZE t")
    with closing(PostgresCollector(source(each_postgres))) as collector:
        medium, slow = poll(collector, Tier.MEDIUM), poll(collector, Tier.SLOW)
    assert ("database", NAME) in {pair for labels in values(medium, "pg_autovacuum_due_ratio") for pair in labels}
    assert ("database", NAME) in {pair for labels in values(slow, "pg_table_xid_age") for pair in labels}


def test_of_a_database_that_is_gone_nothing_is_told_any_more(each_postgres: PostgresServer) -> None:
    with closing(PostgresCollector(source(each_postgres))) as collector:
        with made_database(each_postgres, NAME) as inside:
            do(inside, "CREATE TABLE t AS SELECT 1 AS id", "VACUUM ANALYZE t")
            there = poll(collector, Tier.MEDIUM)
        gone, by_hour = poll(collector, Tier.MEDIUM), poll(collector, Tier.SLOW)
    metric = "pg_autovacuum_due_ratio"
    assert ("database", NAME) in {pair for labels in values(there, metric) for pair in labels}
    told = {
        sample.metric for found in (gone, by_hour) for sample in found.samples if ("database", NAME) in sample.labels
    }
    # What its statements did has been done.
    assert {metric for metric in told if not metric.startswith("pg_statements_")} == set()
