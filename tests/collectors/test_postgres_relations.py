"""Tables and indexes of all databases, as the server's own views have them."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest

import collectors
from collectors.postgres import budget, metrics
from collectors.postgres.collector import PostgresCollector
from collectors.postgres.watched import A_TURN
from collectors.station import Station
from metrics.catalog import discover
from metrics.model import Labels, labelled
from metrics.poll import ErrorClass, Poll, Tier
from metrics.target import State
from metrics.watch import SERIES_LEFT_OUT
from tests.collectors.memory import Memory, poll, value, values
from tests.collectors.postgres_work import do, made_database, number, source
from tests.collectors.standby import Standby
from tests.servers import PostgresServer, Servers

MINE = "relations_a"
OTHER = "relations_b"
TABLE = {"database": MINE, "schema": "public", "table": "large"}
ROWS = 30_000


@pytest.fixture
def inside(each_postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with made_database(each_postgres, MINE) as connection:
        furnish(connection)
        yield connection


@pytest.fixture
def collector(each_postgres: PostgresServer) -> Iterator[PostgresCollector]:
    with closing(PostgresCollector(source(each_postgres, include=("relations_*",)))) as made:
        yield made


def furnish(connection: psycopg.Connection) -> None:
    do(
        connection,
        f"CREATE TABLE large AS SELECT g AS id, g % 7 AS kind, 'x' AS t FROM generate_series(1, {ROWS}) AS g",
        "ALTER TABLE large ADD PRIMARY KEY (id)",
        "CREATE TABLE small AS SELECT g AS id FROM generate_series(1, 20) AS g",
        "UPDATE large SET kind = 3 WHERE id <= 100",
        "DELETE FROM large WHERE id > 29990",
        "INSERT INTO large SELECT 40000, 1, string_agg(md5(g::text), '') FROM generate_series(1, 2000) AS g",
        "SELECT t FROM large WHERE id = 40000",
        "SELECT count(*) FROM large WHERE kind = 3",
        "VACUUM ANALYZE large",
        "VACUUM ANALYZE small",
        "DELETE FROM large WHERE id > 29980 AND id < 29990",
    )


VIEW = {
    "pg_table_seq_scan_total": "seq_scan",
    "pg_table_seq_tup_read_total": "seq_tup_read",
    "pg_table_idx_scan_total": "idx_scan",
    "pg_table_idx_tup_fetch_heap_total": "idx_tup_fetch",
    "pg_table_live_rows": "n_live_tup",
    "pg_table_dead_rows": "n_dead_tup",
    "pg_table_tup_ins_total": "n_tup_ins",
    "pg_table_tup_upd_total": "n_tup_upd",
    "pg_table_tup_del_total": "n_tup_del",
    "pg_table_tup_hot_upd_total": "n_tup_hot_upd",
    "pg_table_mod_since_analyze": "n_mod_since_analyze",
    "pg_table_ins_since_vacuum": "n_ins_since_vacuum",
    "pg_table_vacuum_total": "vacuum_count",
    "pg_table_autovacuum_total": "autovacuum_count",
    "pg_table_analyze_total": "analyze_count",
    "pg_table_autoanalyze_total": "autoanalyze_count",
    "pg_table_last_vacuum_timestamp_seconds": "extract(epoch FROM last_vacuum)",
    "pg_table_last_autovacuum_timestamp_seconds": "extract(epoch FROM last_autovacuum)",
    "pg_table_last_analyze_timestamp_seconds": "extract(epoch FROM last_analyze)",
    "pg_table_last_autoanalyze_timestamp_seconds": "extract(epoch FROM last_autoanalyze)",
}
VIEW_16 = {
    "pg_table_tup_newpage_upd_total": "n_tup_newpage_upd",
    "pg_table_last_seq_scan_timestamp_seconds": "extract(epoch FROM last_seq_scan)",
    "pg_table_last_idx_scan_timestamp_seconds": "extract(epoch FROM last_idx_scan)",
}
VIEW_18 = {
    "pg_table_vacuum_seconds_total": "total_vacuum_time / 1000",
    "pg_table_autovacuum_seconds_total": "total_autovacuum_time / 1000",
    "pg_table_analyze_seconds_total": "total_analyze_time / 1000",
    "pg_table_autoanalyze_seconds_total": "total_autoanalyze_time / 1000",
}
BLOCKS = {
    f"pg_table_{part}_blks_{way}_total": f"{part}_blks_{way}"
    for part in ("heap", "idx", "toast", "tidx")
    for way in ("read", "hit")
}
INDEX = {
    "pg_index_scan_total": "s.idx_scan",
    "pg_index_tup_read_total": "s.idx_tup_read",
    "pg_index_tup_fetch_total": "s.idx_tup_fetch",
    "pg_index_blks_read_total": "i.idx_blks_read",
    "pg_index_blks_hit_total": "i.idx_blks_hit",
}


VIEWS = (
    "pg_stat_user_tables",
    "pg_statio_user_tables",
    "pg_stat_user_indexes",
    "pg_statio_user_indexes",
    "pg_stat_statements",
    "pg_stat_statements_info",
)


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_of_a_view_is_taken_or_left_for_a_reason(each_postgres: PostgresServer, view: str) -> None:
    readings = [each for each in discover(collectors).readings["postgres"] if view in re.split(r"\W+", each.view)]
    known = {name for each in readings for name in (*each.columns, *each.labels, *each.omitted)}
    heads = tuple(name[:-1] for name in known if name.endswith("*"))
    with each_postgres.connect() as connection:
        columns = [column.name for column in connection.execute(f"TABLE {view}".encode()).description or ()]
    assert [name for name in columns if name not in known and not (heads and name.startswith(heads))] == []


def held(found: Poll, metric: str, labels: Labels) -> float | None:
    return values(found, metric).get(labels)


def test_every_column_is_the_views(
    each_postgres: PostgresServer, inside: psycopg.Connection, collector: PostgresCollector
) -> None:
    found = poll(collector, Tier.MEDIUM)
    assert found.partial == {}
    major = inside.info.server_version // 10000
    columns = {**VIEW, **(VIEW_16 if major >= 16 else {}), **(VIEW_18 if major >= 18 else {})}
    for metric, column in columns.items():
        raw = number(inside, f"SELECT {column} FROM pg_stat_user_tables WHERE relname = 'large'")
        assert held(found, metric, labelled(TABLE)) == (None if raw is None else pytest.approx(raw)), metric
    for metric, column in BLOCKS.items():
        raw = number(inside, f"SELECT {column} FROM pg_statio_user_tables WHERE relname = 'large'")
        assert held(found, metric, labelled(TABLE)) == raw, metric
    for metric, column in INDEX.items():
        raw = number(
            inside,
            f"SELECT {column} FROM pg_stat_user_indexes s JOIN pg_statio_user_indexes i USING (indexrelid)"
            " WHERE indexrelname = 'large_pkey'".replace("indexrelname", "s.indexrelname"),
        )
        assert value(found, metric, index="large_pkey", **TABLE) == raw, metric
    for metric, size in (
        ("pg_table_size_bytes", "pg_relation_size('large')"),
        ("pg_table_indexes_bytes", "pg_indexes_size('large')"),
    ):
        assert value(found, metric, **TABLE) == number(inside, f"SELECT {size}")
    toast = number(
        inside,
        "SELECT relpages * 8192 FROM pg_class WHERE oid = (SELECT reltoastrelid FROM pg_class WHERE relname = 'large')",
    )
    assert toast is not None
    assert value(found, "pg_table_toast_bytes", **TABLE) >= toast > 0
    # A table without TOAST has none, not zero.
    small = labelled({**TABLE, "table": "small"})
    assert held(found, "pg_table_toast_blks_hit_total", small) is None
    assert held(found, "pg_table_toast_bytes", small) is None
    assert value(found, "pg_tables", database=MINE) == 2
    assert value(found, "pg_indexes", database=MINE) == 1
    assert value(found, "pg_tables_bytes", database=MINE) == sum(
        size for labels, size in values(found, "pg_table_size_bytes").items() if ("database", MINE) in labels
    )


def test_an_index_that_failed_to_build_is_seen(
    each_postgres: PostgresServer, inside: psycopg.Connection, collector: PostgresCollector
) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        inside.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON large (kind)")
    found = poll(collector, Tier.MEDIUM)
    assert value(found, "pg_index_invalid", index="broken", **TABLE) == 1
    assert value(found, "pg_index_invalid", index="large_pkey", **TABLE) == 0
    assert value(found, "pg_indexes_invalid", database=MINE) == 1


def test_all_databases_are_watched_and_none_is_held(
    each_postgres: PostgresServer, inside: psycopg.Connection, collector: PostgresCollector
) -> None:
    with made_database(each_postgres, OTHER) as other, each_postgres.connect() as admin:
        furnish(other)
        first = poll(collector, Tier.MEDIUM)
        other.close()
        assert {dict(labels)["database"] for labels in values(first, "pg_table_live_rows")} >= {MINE, OTHER}
        # Neither waits: each would fail after five seconds if anything were connected.
        admin.execute(f"CREATE DATABASE relations_copy TEMPLATE {OTHER}".encode())
        second = poll(collector, Tier.MEDIUM)
        assert value(second, "pg_tables", database="relations_copy") == 2
        admin.execute("DROP DATABASE relations_copy")
        admin.execute(f"DROP DATABASE {OTHER}".encode())
        third = poll(collector, Tier.MEDIUM)
    assert third.partial == {}
    assert {dict(labels)["database"] for labels in values(third, "pg_table_live_rows")} == {MINE}
    assert value(first, "pg_databases", state="watched") == 3
    assert value(third, "pg_databases", state="watched") == 2


def test_a_database_that_refuses_takes_down_its_own_part_only(
    each_postgres: PostgresServer, inside: psycopg.Connection, collector: PostgresCollector
) -> None:
    with made_database(each_postgres, OTHER) as other, each_postgres.connect() as admin:
        furnish(other)
        admin.execute(f"ALTER DATABASE {OTHER} CONNECTION LIMIT 0".encode())
        refused = poll(collector, Tier.MEDIUM)
        admin.execute(f"ALTER DATABASE {OTHER} CONNECTION LIMIT -1".encode())
        again = poll(collector, Tier.MEDIUM)
        admin.execute(f"REVOKE CONNECT ON DATABASE {OTHER} FROM PUBLIC".encode())
        private = poll(collector, Tier.MEDIUM)
    assert refused.up
    assert [(part, failure.kind) for part, failure in refused.partial.items()] == [
        (f"tables of {OTHER}", ErrorClass.REFUSED_BY_LIMIT)
    ]
    assert value(refused, "pg_tables", database=MINE) == 2
    assert value(refused, "pg_databases", state="failed") == 1
    assert again.partial == {}
    assert value(again, "pg_tables", database=OTHER) == 2
    # What it may not connect to is not tried.
    assert private.partial == {}
    assert value(private, "pg_databases", state="failed") == 0


def test_patterns_choose_databases(each_postgres: PostgresServer, inside: psycopg.Connection) -> None:
    with made_database(each_postgres, OTHER) as other:
        furnish(other)
        chosen = source(each_postgres, include=("relations_*",), exclude=("*_b",))
        with closing(PostgresCollector(chosen)) as collector:
            found = poll(collector, Tier.MEDIUM)
    assert {dict(labels)["database"] for labels in values(found, "pg_tables")} == {"postgres", MINE}
    assert value(found, "pg_databases", state="excluded") >= 1


def test_many_databases_take_turns_and_stay_whole(each_postgres: PostgresServer) -> None:
    names = [f"relations_{number}" for number in range(A_TURN + 3)]
    with each_postgres.connect() as admin:
        for name in names:
            admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            for name in names:
                with each_postgres.connect(dbname=name) as inside:
                    do(inside, "CREATE TABLE t AS SELECT g FROM generate_series(1, 100) AS g", "ANALYZE t")
            watched = source(each_postgres, include=("relations_*",), max_series=10_000)
            with closing(PostgresCollector(watched)) as collector:
                counts = []
                for _ in range(3):
                    found = poll(collector, Tier.MEDIUM)
                    assert found.partial == {}
                    counts.append(sum(("table", "t") in labels for labels in values(found, "pg_table_live_rows")))
                    assert value(found, "pg_databases", state="waiting") == len(names) - counts[-1]
        finally:
            for name in names:
                admin.execute(f"DROP DATABASE {name}".encode())
    assert counts == [A_TURN, A_TURN + 3, A_TURN + 3]


def test_a_cap_keeps_series_few_and_ratios_as_they_were(
    each_postgres: PostgresServer, inside: psycopg.Connection
) -> None:
    for group in range(4):
        do(
            inside,
            "DO $$ BEGIN FOR n IN 0..29 LOOP EXECUTE format('CREATE TABLE t%s_%s AS SELECT g AS id FROM"
            f" generate_series(1, %s) AS g', {group}, n, CASE WHEN n % 3 = 0 THEN 11000 ELSE 50 END);"
            f" EXECUTE format('CREATE INDEX ON t%s_%s (id)', {group}, n); END LOOP; END $$",
            "ANALYZE",
        )
    capped, whole = Memory(), Memory()
    few, all_of_them = source(each_postgres, MINE, max_series=1000), source(each_postgres, MINE, max_series=100_000)
    with closing(PostgresCollector(few)) as small, closing(PostgresCollector(all_of_them)) as large:
        for look in range(4):
            capped.take(small)
            whole.take(large)
            # Another set of tables is busy at each look.
            for n in range(20):
                table = f"t{(look + n) % 4}_{(7 * look + n) % 30}"
                do(inside, f"SELECT count(*) FROM {table}", times=1 + n % 3)
                do(inside, "SET enable_seqscan = off", f"SELECT id FROM {table} WHERE id = 7", times=n)
                do(inside, "SET enable_seqscan = on")
        capped.take(small)
        whole.take(large)
        found = poll(small, Tier.MEDIUM)
        for form in (metrics.index_scan, metrics.index_rows, metrics.dead_rows_ratio, metrics.seq_row_rate):
            assert capped.value(form, database=MINE) == pytest.approx(whole.value(form, database=MINE)), form.name
    volume = capped.lines(metrics.index_scan, 300.0)[("database", MINE),].whole[-1]
    assert volume == whole.lines(metrics.index_scan, 300.0)[("database", MINE),].whole[-1] > 100
    relations = [sample for sample in found.samples if sample.metric.startswith(("pg_table", "pg_index", "pg_toast"))]
    assert len(relations) <= budget.relations(1000)
    assert found.left_out > 100
    rests = {dict(labels)["table"] for labels in values(found, "pg_table_seq_scan_total")}
    assert {"(rest)", "(rest, small)"} <= rests


def test_of_a_standby_only_what_is_true_there_is_judged(own_servers: Servers) -> None:
    primary = own_servers.postgres()
    with primary.connect() as admin:
        admin.execute(f"CREATE DATABASE {MINE}".encode())
    with primary.connect(dbname=MINE) as inside:
        furnish(inside)
    memory = Memory()
    with (
        Standby(primary, own_servers.folder / "standby") as standby,
        closing(PostgresCollector(source(standby))) as collector,
    ):
        memory.take(collector)
        with standby.connect(dbname=MINE) as reader:
            do(reader, "SELECT count(*) FROM large WHERE kind = 3", times=150)
        memory.take(collector)
        found = poll(collector, Tier.MEDIUM)
    assert found.partial == {}
    assert value(found, "pg_in_recovery", database=MINE) == 1
    # Sizes are the primary's, scans are its own, dead rows nobody's.
    assert value(found, "pg_table_size_bytes", **TABLE) > 0
    assert memory.verdict(metrics.index_scan, database=MINE).state is State.MISSED
    verdict = memory.verdict(metrics.dead_rows_ratio, database=MINE)
    assert (verdict.state, verdict.value) == (State.UNKNOWN, None)
    assert "watch its primary" in verdict.reason


def test_a_thousand_tables_keep_to_the_cap_and_say_what_is_left_out(
    new_postgres: Callable[..., PostgresServer],
) -> None:
    server = new_postgres(max_locks_per_transaction="500")
    with server.connect() as connection:
        do(
            connection,
            "DO $$ BEGIN FOR n IN 1..1200 LOOP"
            " EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY)', n); END LOOP; END $$",
            *(f"SELECT * FROM t{n}" for n in range(1, 400)),
        )
        with closing(PostgresCollector(source(server))) as collector:
            station = Station(collector)
            polls = list(station.run(0.0))
            do(connection, *(f"SELECT * FROM t{n}" for n in range(300, 700)))
            polls += [collector.poll(tier, time.monotonic() + 8) for tier in collector.tiers]
    assert [found.error for found in polls] == [None] * 6
    series = {(sample.metric, sample.labels) for found in polls[:3] for sample in found.samples}
    assert len(series) <= station.source.max_series
    again = {(sample.metric, sample.labels) for found in polls[3:] for sample in found.samples}
    assert len(again) <= station.source.max_series
    left = values(polls[1], SERIES_LEFT_OUT.name)
    assert left == {(("tier", "medium"),): float(polls[1].left_out)}
    assert polls[1].left_out > 2000
    assert value(polls[1], "pg_tables", database="postgres") == 1200
