"""Collectors of postgres_exporter that are off by default: what people switch on is on our page, too."""

from collections.abc import Callable
from pathlib import Path

import psycopg

from stack.native.exporter import Exporter
from tests.collectors.postgres_work import do, number
from tests.collectors.test_postgres_exporter import beside, furnished
from tests.collectors.test_postgres_server import until
from tests.servers import PostgresServer, Servers

ASKED = (
    "database_wraparound",
    "long_running_transactions",
    "postmaster",
    "process_idle",
    "stat_activity_autovacuum",
    "stat_checkpointer",
    "stat_statements",
    "statio_user_indexes",
    "xlog_location",
)
FLAGS = [f"--collector.{name}" for name in ASKED]
OWN_SESSIONS = 4
"""Of theirs, one for each collector that is at work."""


def test_indexes_ages_and_the_start(
    each_postgres: PostgresServer, postgres_exporter: Callable[..., Exporter], tmp_path: Path
) -> None:
    exporter = postgres_exporter(each_postgres, *FLAGS)
    with each_postgres.connect() as admin:
        version = number(admin, "SELECT current_setting('server_version_num')::int / 10000")
    assert version is not None
    families = {
        "pg_statio_user_indexes_": 2,
        "pg_database_wraparound_": 4,
        "pg_postmaster_": 1,
        "pg_stat_checkpointer_": 9 if version >= 17 else 0,
        "pg_xlog_location_": 0,
    }
    for family, series in families.items():
        with furnished(each_postgres), beside(each_postgres, exporter, tmp_path / family, only=family) as found:
            assert found.missing == {}, str(found)
            assert found.differing == {}, str(found)
            assert found.types == {}, str(found)
            assert len(found.shared) >= series


def test_open_transactions(
    each_postgres: PostgresServer, postgres_exporter: Callable[..., Exporter], tmp_path: Path
) -> None:
    exporter = postgres_exporter(each_postgres, *FLAGS)
    with each_postgres.connect() as one, psycopg.connect(each_postgres.dsn()) as two:
        two.execute("SELECT pg_sleep(1)")
        one.execute("BEGIN; SELECT 1")
        with beside(each_postgres, exporter, tmp_path, only="pg_long_running_") as found:
            assert found.missing == {}
            assert len(found.shared) == 2
    name = "pg_long_running_transactions"
    count, oldest = found.differing[name, ()], found.differing[f"{name}_oldest_timestamp_seconds", ()]
    assert count[1] == 2
    assert 0 < count[0] - count[1] <= OWN_SESSIONS
    assert oldest[0] < oldest[1] < oldest[0] + 5
    assert oldest[0] > 1


def test_autovacuum_at_work(own_servers: Servers, postgres_exporter: Callable[..., Exporter], tmp_path: Path) -> None:
    server = own_servers.postgres(
        autovacuum_naptime="1", autovacuum_vacuum_cost_delay="100", autovacuum_vacuum_cost_limit="1"
    )
    exporter = postgres_exporter(server, *FLAGS)
    with server.connect() as admin:
        do(admin, "CREATE TABLE slow AS SELECT g AS id FROM generate_series(1, 100000) AS g", "DELETE FROM slow")
        at_work = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM%public.slow'"
        until(lambda: number(admin, at_work) == 1, patience=30)
        with beside(server, exporter, tmp_path, only="pg_stat_activity_autovacuum") as found:
            assert found.missing == {}, str(found)
            assert found.differing == {}, str(found)
            assert {labels for _, labels in found.shared} == {(("relname", "slow"),)}


def test_statements(each_postgres: PostgresServer, postgres_exporter: Callable[..., Exporter], tmp_path: Path) -> None:
    exporter = postgres_exporter(each_postgres, *FLAGS)
    with furnished(each_postgres), each_postgres.connect() as admin:
        admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        do(admin, *["SELECT count(*) FROM orders, pg_sleep(0.02) WHERE note > 'x'"] * 7)
        asked = "SELECT queryid FROM pg_stat_statements WHERE query LIKE 'SELECT count(*) FROM orders, pg_sleep%%'"
        (queryid,) = admin.execute(asked).fetchone() or (None,)
        with beside(each_postgres, exporter, tmp_path, only="pg_stat_statements_") as found:
            labels = (("datname", "postgres"), ("queryid", str(queryid)), ("user", "postgres"))
            shared = {name for name, of in found.shared if of == labels}
            differing = {name for name, of in found.differing if of == labels}
    assert shared == {
        f"pg_stat_statements_{name}_total"
        for name in ("calls", "rows", "seconds", "block_read_seconds", "block_write_seconds")
    }
    assert differing == set()
