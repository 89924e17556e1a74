import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from collectors.postgres import metrics
from collectors.postgres.collector import PostgresCollector
from collectors.postgres.parts import Plain
from collectors.postgres.source import PostgresSource
from collectors.postgres.sql import MARK
from collectors.postgres.statements import QUERY
from collectors.round import LACKING
from metrics.poll import ErrorClass, Tier
from metrics.target import State
from tests.collectors.declared import declared, emitted
from tests.collectors.memory import Memory, poll, value, values
from tests.collectors.sometimes import SOMETIMES
from tests.servers import APP, MONITOR, SUPERUSER, Account, Hole, PgBouncerServer, PostgresServer

PREFIX = "collectors_"


def source(server: PostgresServer, account: Account = MONITOR, database: str = "postgres") -> PostgresSource:
    return PostgresSource(
        name="db", port=server.port, user=account.name, password=account.password, database=database, interval="10s"
    )


class Work:
    """A session whose statistics are visible at once: PostgreSQL 15 shows them up to 10 s late otherwise."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def __call__(self, statement: str, times: int = 1) -> None:
        for _ in range(times):
            self.connection.execute(statement.encode())
        self.connection.execute("SELECT pg_stat_force_next_flush()")
        self.connection.execute("SELECT 1")

    def number(self, query: str) -> float:
        row = self.connection.execute(query.encode()).fetchone()
        assert row is not None
        return float(row[0])

    def tables(self) -> dict[str, tuple[float, float]]:
        """Raw index and sequential scans by table, as the view has them."""
        rows = self.connection.execute("SELECT relname, coalesce(idx_scan, 0), seq_scan FROM pg_stat_user_tables")
        return {name: (float(index), float(sequential)) for name, index, sequential in rows}

    def blocks(self) -> tuple[float, float]:
        """Raw blocks hit and read of this database."""
        query = "SELECT blks_hit, blks_read FROM pg_stat_database WHERE datname = current_database()"
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return float(row[0]), float(row[1])


@pytest.fixture
def database(postgres: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of this test alone, on the shared server."""
    name = PREFIX + str(abs(hash(request.node.nodeid)))
    with postgres.connect() as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        with postgres.connect(dbname=name) as inside:
            inside.execute("CREATE EXTENSION pg_stat_statements")
        yield name
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def work(postgres: PostgresServer, database: str) -> Iterator[Work]:
    with postgres.connect(dbname=database) as connection:
        yield Work(connection)


@pytest.fixture
def collector(postgres: PostgresServer, database: str) -> Iterator[PostgresCollector]:
    with closing(PostgresCollector(source(postgres, database=database))) as made:
        yield made


def furnish(work: Work) -> None:
    """A large table with an index, and a small one that is rightly read whole."""
    work("CREATE TABLE large AS SELECT g AS id, g % 7 AS kind FROM generate_series(1, 30000) AS g")
    work("ALTER TABLE large ADD PRIMARY KEY (id)")
    work("CREATE TABLE small AS SELECT g AS id, 'x' AS word FROM generate_series(1, 20) AS g")
    work("ANALYZE")


def scans(work: Work, index: int, sequential: int, small: int = 0) -> None:
    work("SELECT kind FROM large WHERE id = 77", index)
    work("SELECT count(*) FROM large WHERE kind = 3", sequential)
    work("SELECT count(*) FROM small", small)


def test_samples_equal_the_raw_views(collector: PostgresCollector, work: Work, database: str) -> None:
    furnish(work)
    scans(work, index=5, sequential=2, small=3)
    found = poll(collector, Tier.MEDIUM)
    for name, (index, sequential) in work.tables().items():
        labels = {"database": database, "schema": "public", "table": name}
        assert value(found, "pg_table_idx_scan_total", **labels) == index
        assert value(found, "pg_table_seq_scan_total", **labels) == sequential
    large = {"database": database, "schema": "public", "table": "large"}
    for column, metric in (
        ("n_live_tup", "pg_table_live_rows"),
        ("n_dead_tup", "pg_table_dead_rows"),
        ("seq_tup_read", "pg_table_seq_tup_read_total"),
        ("idx_tup_fetch", "pg_table_idx_tup_fetch_total"),
    ):
        query = f"SELECT {column} FROM pg_stat_user_tables WHERE relname = 'large'"
        assert value(found, metric, **large) == work.number(query)
    assert value(found, "pg_table_size_bytes", **large) == work.number("SELECT pg_relation_size('large')")
    assert value(found, "pg_index_scan_total", index="large_pkey", **large) == 5
    fast = poll(collector)
    deleted = work.number("SELECT tup_inserted FROM pg_stat_database WHERE datname = current_database()")
    assert value(fast, "pg_stat_database_tup_inserted_total", database=database) == deleted
    assert not any(("database", "template1") in sample.labels for sample in fast.samples)
    sessions = work.number("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
    assert sum(values(fast, "pg_connections").values()) == sessions


def test_nothing_undeclared_is_emitted_and_nothing_declared_is_missing(
    collector: PostgresCollector, work: Work
) -> None:
    furnish(work)
    known, found = declared("postgres"), emitted(collector)
    assert found <= known
    assert known - found <= SOMETIMES <= known


def test_index_scan_ratio_over_a_reset_equals_a_calculation_from_the_raw_view(
    collector: PostgresCollector, work: Work, database: str
) -> None:
    furnish(work)
    scans(work, index=3, sequential=2)
    memory = Memory()
    memory.take(collector)
    first = work.tables()["large"]
    scans(work, index=150, sequential=10, small=500)
    memory.take(collector)
    last = work.tables()["large"]
    index, sequential = last[0] - first[0], last[1] - first[1]
    assert memory.value(metrics.index_scan, database=database) == pytest.approx(index / (index + sequential))
    verdict = memory.verdict(metrics.index_scan, database=database)
    assert (verdict.state, verdict.volume) == (State.MISSED, index + sequential)

    work("SELECT pg_stat_reset()")
    # More than before the reset: only the epoch tells.
    scans(work, index=400, sequential=40)
    memory.take(collector)
    renewed = work.tables()["large"]
    scans(work, index=100, sequential=1)
    memory.take(collector)
    final = work.tables()["large"]
    index += final[0] - renewed[0]
    sequential += final[1] - renewed[1]
    assert memory.value(metrics.index_scan, database=database) == pytest.approx(index / (index + sequential))


def test_rows_by_index_and_the_worst_table(collector: PostgresCollector, work: Work, database: str) -> None:
    furnish(work)
    memory = Memory()
    memory.take(collector)
    scans(work, index=10, sequential=1)
    memory.take(collector)
    read = work.number("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'large'")
    assert memory.value(metrics.index_rows, database=database) == pytest.approx(10 / (10 + 30000), rel=0.01)
    assert read >= 30000
    worst = memory.value(metrics.index_scan_by_table, database=database, schema="public", table="large")
    assert worst == pytest.approx(10 / 11)
    small = memory.lines(metrics.index_scan_by_table, 300)
    assert all(math.isnan(line.values[-1]) for labels, line in small.items() if ("table", "small") in labels)


def test_cache_hit_ratio_over_a_reset_equals_a_calculation_from_the_raw_view(
    collector: PostgresCollector, work: Work, database: str
) -> None:
    furnish(work)
    memory = Memory()
    memory.take(collector)
    first = work.blocks()
    scans(work, index=0, sequential=20)
    memory.take(collector)
    hit, read = (after - before for before, after in zip(first, work.blocks(), strict=True))
    # Our own look at the view a moment later saw the work of looking: some ten blocks.
    assert memory.value(metrics.cache_hit, database=database) == pytest.approx(hit / (hit + read), abs=0.01)
    work("SELECT pg_stat_reset()")
    scans(work, index=0, sequential=60)
    memory.take(collector)
    verdict = memory.verdict(metrics.cache_hit, database=database)
    assert verdict.whole == pytest.approx(hit + read, rel=0.02)


def test_dead_rows_are_unknown_after_a_reset_until_analyzed(
    collector: PostgresCollector, work: Work, database: str
) -> None:
    furnish(work)
    work("DELETE FROM large WHERE id <= 3000")
    memory = Memory()
    memory.take(collector)
    dead = work.number("SELECT sum(n_dead_tup) / sum(n_live_tup + n_dead_tup) FROM pg_stat_user_tables")
    assert memory.value(metrics.dead_rows_ratio, database=database) == pytest.approx(dead)
    assert memory.verdict(metrics.dead_rows_ratio, database=database).state is State.MISSED
    table = {"database": database, "schema": "public", "table": "large"}
    assert memory.value(metrics.dead_rows_by_table, 300.0, **table) == pytest.approx(0.1, abs=0.01)

    work("SELECT pg_stat_reset()")
    memory.take(collector)
    lost = memory.verdict(metrics.dead_rows_ratio, database=database)
    assert (lost.state, lost.value) == (State.UNKNOWN, None)
    assert "lost in a crash or reset" in lost.reason

    work("ANALYZE large")
    memory.take(collector)
    known = memory.verdict(metrics.dead_rows_ratio, database=database)
    assert known.value == pytest.approx(0.1, abs=0.01)


def test_a_crash_leaves_nothing_wrong_behind(new_postgres: Callable[..., PostgresServer]) -> None:
    server, memory = new_postgres(), Memory()
    with closing(PostgresCollector(source(server))) as collector:
        with server.connect() as connection:
            work = Work(connection)
            furnish(work)
            scans(work, index=20, sequential=1)
            memory.take(collector)
            scans(work, index=120, sequential=3)
            work("DELETE FROM large WHERE id <= 900")
            memory.take(collector)
        server.kill()
        assert poll(collector).error is not None
        server.start()
        with server.connect() as connection:
            work = Work(connection)
            scans(work, index=700, sequential=70)
            memory.take(collector)
            scans(work, index=100, sequential=0)
            memory.take(collector)
    # From before the crash 120 and the one of DELETE's scan; from after it the last 100.
    index = memory.value(metrics.index_scan, database="postgres")
    assert index == pytest.approx(221 / 224, abs=0.003)
    assert memory.value(metrics.index_scan, window=10.0, database="postgres") == 1.0
    assert memory.verdict(metrics.dead_rows_ratio, database="postgres").state is State.UNKNOWN


def test_a_crashed_backend_is_seen_although_the_server_started_long_ago(
    new_postgres: Callable[..., PostgresServer],
) -> None:
    server = new_postgres()
    with closing(PostgresCollector(source(server))) as collector:
        before = poll(collector).epochs
        with server.connect() as victim:
            os.kill(victim.info.backend_pid, signal.SIGKILL)
            time.sleep(0.2)
        deadline = time.monotonic() + 10
        while not (found := poll(collector)).up:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert before != found.epochs


def test_mean_query_time_equals_that_of_the_raw_view(collector: PostgresCollector, work: Work, database: str) -> None:
    furnish(work)
    memory = Memory()
    memory.take(collector)
    work("SELECT count(*) FROM large WHERE kind = 3", 5)
    work("BEGIN; COMMIT", 50)
    memory.take(collector)
    raw = (
        "FROM pg_stat_statements(true) WHERE toplevel AND dbid = (SELECT oid FROM pg_database WHERE datname ="
        " current_database()) AND query LIKE 'SELECT count(*) FROM large%'"
    )
    calls = work.number(f"SELECT calls {raw}")
    seconds = work.number(f"SELECT total_exec_time / 1000 {raw}")
    (queryid,) = [
        labels
        for labels, count in values(poll(collector, Tier.MEDIUM), "pg_query_calls_total").items()
        if count == calls and ("database", database) in labels
    ]
    line = memory.lines(metrics.query_mean, 300)[("database", database),]
    # Besides the five counts only the flush and the SELECT 1 of this helper: fifty BEGIN and COMMIT are none.
    assert 5 <= line.whole[-1] <= 9
    assert line.part[-1] == pytest.approx(seconds, rel=0.2)
    assert dict(queryid)["user"] == SUPERUSER.name


def test_texts_come_once_and_our_own_never(collector: PostgresCollector, work: Work) -> None:
    furnish(work)
    first, second = poll(collector, Tier.MEDIUM), poll(collector, Tier.MEDIUM)
    texts = [record.body for record in first.records if record.kind == QUERY]
    # DDL is no query, and CREATE TABLE AS is DDL.
    assert not any(text.startswith(("CREATE", "ALTER", "ANALYZE")) or MARK in text for text in texts)
    assert any("pg_stat_force_next_flush" in text for text in texts)
    assert [record for record in second.records if record.kind == QUERY] == []


def test_totals_never_fall_when_statements_are_reset(
    new_postgres: Callable[..., PostgresServer],
) -> None:
    server, memory = new_postgres(), Memory()
    with closing(PostgresCollector(source(server))) as collector, server.connect() as connection:
        work = Work(connection)
        memory.take(collector)
        work("SELECT 42", 10)
        memory.take(collector)
        before = poll(collector, Tier.MEDIUM)
        work("SELECT pg_stat_statements_reset()")
        work("SELECT 42", 3)
        memory.take(collector)
        after = poll(collector, Tier.MEDIUM)
    calls = "pg_statements_calls_total"
    assert value(after, calls, database="postgres") >= value(before, calls, database="postgres") + 3
    assert before.epochs["statements"] != after.epochs["statements"]


def test_without_pg_monitor_it_says_so_once_and_sees_when_that_is_mended(
    postgres: PostgresServer, database: str
) -> None:
    with closing(PostgresCollector(source(postgres, APP, database))) as collector, postgres.connect() as admin:
        first, second = poll(collector, Tier.MEDIUM), poll(collector, Tier.MEDIUM)
        probed = collector.probe(time.monotonic() + 5)
        admin.execute("GRANT pg_monitor TO app")
        try:
            mended = poll(collector, Tier.MEDIUM)
        finally:
            admin.execute("REVOKE pg_monitor FROM app")
    assert first.partial["statements"].kind is ErrorClass.FORBIDDEN
    assert first.partial["statements"].hint == "GRANT pg_monitor TO app;"
    assert second.partial == {}
    assert [lack.mend for lack in probed.lacking] == ["GRANT pg_monitor TO app;"]
    assert mended.partial == {}
    assert values(mended, "pg_statements_known")
    assert [(record.key, record.body) for record in mended.records if record.kind == LACKING] == [("statements", "")]


def test_an_extension_made_later_is_found_wherever_it_is(
    collector: PostgresCollector, work: Work, database: str
) -> None:
    work("DROP EXTENSION pg_stat_statements")
    first = poll(collector, Tier.MEDIUM)
    assert first.up
    assert first.partial["statements"].hint == "CREATE EXTENSION pg_stat_statements;"
    assert database in first.partial["statements"].text
    probed = collector.probe(time.monotonic() + 5)
    assert [lack.mend for lack in probed.lacking] == ["CREATE EXTENSION pg_stat_statements;"]
    work('CREATE SCHEMA "Odd ""place"; CREATE EXTENSION pg_stat_statements SCHEMA "Odd ""place"')
    hidden = poll(collector, Tier.MEDIUM)
    grant = 'GRANT USAGE ON SCHEMA "Odd ""place" TO monitor;'
    assert [lack.mend for lack in collector.probe(time.monotonic() + 5).lacking] == [grant]
    assert not values(hidden, "pg_statements_known")
    work(grant)
    assert values(poll(collector, Tier.MEDIUM), "pg_statements_known")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"password": "wrong-password"}, ErrorClass.AUTH),
        ({"user": "nobody"}, ErrorClass.AUTH),
        ({"database": "no such"}, ErrorClass.GONE),
        ({"port": 1}, ErrorClass.UNREACHABLE),
        ({"host": "no-such-host.invalid"}, ErrorClass.UNREACHABLE),
        ({"sslmode": "require"}, ErrorClass.UNREACHABLE),
        ({"password_file": "/no/such/file", "password": ""}, ErrorClass.AUTH),
        ({"host": "a..b"}, ErrorClass.UNREACHABLE),
    ],
)
def test_errors_at_connect_are_told_apart(
    postgres: PostgresServer, change: dict[str, object], kind: ErrorClass
) -> None:
    settings = {"port": postgres.port, "user": MONITOR.name, "password": MONITOR.password, **change}
    with closing(PostgresCollector(PostgresSource(name="db", **settings))) as collector:  # type: ignore[arg-type]
        found = poll(collector)
    assert found.error is not None
    assert found.error.kind is kind
    assert found.error.hint
    assert not {"wrong-password", MONITOR.password} & set(found.error.text.split('"'))
    assert found.samples == ()


def test_a_role_at_its_limit_is_told_apart(postgres: PostgresServer) -> None:
    with postgres.connect() as admin:
        admin.execute("CREATE ROLE collectors_full LOGIN PASSWORD 'full-password' CONNECTION LIMIT 0")
        account = Account("collectors_full", "full-password")
        with closing(PostgresCollector(source(postgres, account))) as collector:
            found = poll(collector)
        admin.execute("DROP ROLE collectors_full")
    assert found.error is not None
    assert found.error.kind is ErrorClass.REFUSED_BY_LIMIT
    assert "ALTER ROLE collectors_full CONNECTION LIMIT" in found.error.hint


def test_pgbouncer_is_no_postgresql(pgbouncer: PgBouncerServer) -> None:
    through = PostgresSource(name="db", port=pgbouncer.port, user=APP.name, password=APP.password)
    with closing(PostgresCollector(through)) as collector:
        found = poll(collector)
    assert found.error is not None
    assert "not through PgBouncer" in found.error.hint


def test_one_failing_statement_does_not_lose_the_others(collector: PostgresCollector) -> None:
    assert poll(collector).up
    broken = Plain([Tier.FAST], [replace(metrics.SESSIONS, statement="statement_running")])
    collector.parts = (broken, *collector.parts)
    found = poll(collector)
    assert found.up
    assert list(found.partial) == ["statement_running"]
    assert values(found, "pg_stat_database_blks_hit_total")
    assert values(found, "pg_checkpoints_timed_total")


def test_a_terminated_session_is_made_anew_without_a_gap(collector: PostgresCollector, work: Work) -> None:
    assert poll(collector).up
    work(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trivet'"
        " AND datname = current_database()"
    )
    assert poll(collector).up


def test_a_frozen_backend_is_cut_at_the_deadline(postgres: PostgresServer, database: str) -> None:
    with (
        closing(PostgresCollector(source(postgres, database=database))) as collector,
        postgres.connect(dbname=database) as connection,
    ):
        assert poll(collector).up
        work = Work(connection)
        ours = int(
            work.number(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'trivet' AND datname = current_database()"
            )
        )
        os.kill(ours, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            frozen = poll(collector, within=0.5)
            took = time.monotonic() - begun
            again = poll(collector)
        finally:
            os.kill(ours, signal.SIGCONT)
    assert took < 0.9
    assert frozen.error is not None
    assert frozen.error.kind is ErrorClass.TIMEOUT
    assert again.up


def test_silence_at_connect_is_bounded(hole: Hole) -> None:
    begun = time.monotonic()
    with closing(PostgresCollector(PostgresSource(name="db", port=hole.port, user="trivet"))) as collector:
        found = poll(collector, within=1)
    # libpq waits for at least 2 s.
    assert time.monotonic() - begun < 2.5
    assert found.error is not None
    assert found.error.kind is ErrorClass.UNREACHABLE


def test_nothing_can_be_written_over_its_connection(collector: PostgresCollector, work: Work) -> None:
    assert poll(collector).up
    held = work.number(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'trivet' AND datname = current_database()"
        " AND state = 'idle'"
    )
    assert held == 1
    with pytest.raises(Exception, match="read-only"):
        collector._connection.rows(time.monotonic() + 5, "CREATE TABLE x ()")  # type: ignore[union-attr]
