"""The estimate of how much smaller an index would be is compared with what REINDEX makes of it, on every release."""

import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from collectors.postgres.bloat import INDEXES
from collectors.postgres.collector import PostgresCollector
from collectors.postgres.inside import Inside
from metrics.poll import Poll, Tier
from tests.collectors.memory import poll, value, values
from tests.collectors.postgres_work import do, made_database, source
from tests.servers import MONITOR, PostgresServer

NAME = "index_bloat"
LARGE = 1024 * 1024
ON = {
    "whole": "(id)",
    "of_a_few": "(status)",
    "in_pairs": "(pair)",
    "with_nulls": "(sometimes)",
    "of_two": "(small, big)",
    "of_text": "(digest)",
    "of_expression": "(upper(digest))",
    "roomy": "(big) WITH (fillfactor = 60)",
    "never_once": "(status) WITH (deduplicate_items = off)",
    "of_some": "(id) WHERE small < 9",
}
"""Not more than are told."""


@pytest.fixture
def inside(each_postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with made_database(each_postgres, NAME) as connection:
        do(
            connection,
            "CREATE TABLE entries WITH (autovacuum_enabled = off) AS SELECT g AS id, g * 7::bigint AS big, "
            "(g * 7919 % 11)::smallint AS small, 'status ' || g % 5 AS status, g / 2 AS pair, "
            "CASE WHEN g % 3 > 0 THEN g END AS sometimes, md5(g::text) AS digest FROM generate_series(1, 200000) AS g",
            *(f"CREATE INDEX {name} ON entries {on}" for name, on in ON.items()),
            "ANALYZE entries",
        )
        yield connection


@pytest.fixture
def collector(each_postgres: PostgresServer) -> Iterator[PostgresCollector]:
    with closing(PostgresCollector(source(each_postgres, NAME))) as made:
        yield made


def hourly(collector: PostgresCollector) -> Poll:
    collector.parts = (Inside(pause=0.0),)
    assert poll(collector, Tier.MEDIUM).partial == {}
    return poll(collector, Tier.SLOW)


def shares(found: Poll) -> dict[str, float]:
    ratios = values(found, "pg_index_bloat_ratio")
    assert {(dict(labels)["database"], dict(labels)["table"]) for labels in ratios} <= {(NAME, "entries")}
    return {dict(labels)["index"]: share for labels, share in ratios.items()}


def sizes(inside: psycopg.Connection) -> dict[str, int]:
    sized = "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relkind = 'i' AND relname = ANY (%s)"
    return dict(inside.execute(sized, [list(ON)]).fetchall())


def mend(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    (lack,) = collector.probe(time.monotonic() + 5).lacking
    do(inside, lack.mend)
    assert collector.probe(time.monotonic() + 5).lacking == ()


def test_fresh_indexes_have_none(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    mend(collector, inside)
    found = hourly(collector)
    assert value(found, "pg_indexes_bloat_unknown", database=NAME) == 0
    assert shares(found) == {name: pytest.approx(0, abs=0.04) for name in ON}


def test_bloated_indexes_have_what_reindex_gives_back(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    mend(collector, inside)
    do(
        inside,
        "DELETE FROM entries WHERE hashint4(id) % 10 < 5",
        "UPDATE entries SET big = big + 1, digest = md5(digest) WHERE id % 3 = 0",
    )
    do(inside, "VACUUM ANALYZE entries")
    before, found = sizes(inside), hourly(collector)
    do(inside, "REINDEX TABLE entries")
    truth = {name: before[name] - size for name, size in sizes(inside).items() if before[name] >= LARGE}
    assert shares(found) == {name: pytest.approx(gone / before[name], abs=0.05) for name, gone in truth.items()}
    assert max(gone / before[name] for name, gone in truth.items()) > 0.5
    labels = {"database": NAME, "schema": "public", "table": "entries"}
    for name, gone in truth.items():
        bloat = value(found, "pg_index_bloat_bytes", index=name, **labels)
        assert bloat == pytest.approx(gone, abs=0.05 * before[name])


def test_emptied_indexes_are_nothing_else(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    mend(collector, inside)
    do(inside, "DELETE FROM entries")
    do(inside, "VACUUM ANALYZE entries")
    assert all(share > 0.98 for share in shares(hourly(collector)).values())


def test_what_may_not_be_read_is_unknown(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    large = sum(size >= LARGE for size in sizes(inside).values())
    found = hourly(collector)
    assert shares(found) == {}
    assert value(found, "pg_indexes_bloat_unknown", database=NAME) == large
    do(inside, f"GRANT SELECT ON entries TO {MONITOR.name}")
    found = hourly(collector)
    # Statistics of an expression belong to the index, which nobody can be granted.
    assert value(found, "pg_indexes_bloat_unknown", database=NAME) == 1
    assert shares(found).keys() == {name for name, size in sizes(inside).items() if size >= LARGE} - {"of_expression"}


def test_a_view_made_for_tables_alone_is_said_to_lack_something(
    collector: PostgresCollector, inside: psycopg.Connection
) -> None:
    do(
        inside,
        "CREATE SCHEMA trivet",
        f"GRANT USAGE ON SCHEMA trivet TO {MONITOR.name}",
        "CREATE VIEW trivet.column_widths AS SELECT schemaname, tablename, attname, inherited, null_frac, avg_width "
        "FROM pg_stats",
        f"GRANT SELECT ON trivet.column_widths TO {MONITOR.name}",
    )
    mend(collector, inside)
    assert value(hourly(collector), "pg_indexes_bloat_unknown", database=NAME) == 0


def test_statistics_that_are_missing_make_it_unknown(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    mend(collector, inside)
    # The expression was never looked at.
    do(inside, "CREATE INDEX later ON entries (lower(digest))", *(f"DROP INDEX {name}" for name in ON))
    found = hourly(collector)
    assert value(found, "pg_indexes_bloat_unknown", database=NAME) == 1
    assert shares(found) == {}


def test_the_worst_are_told(collector: PostgresCollector, inside: psycopg.Connection) -> None:
    mend(collector, inside)
    do(inside, *(f"CREATE INDEX more_{n} ON entries (id)" for n in range(INDEXES)))
    do(inside, "DELETE FROM entries", "VACUUM ANALYZE entries")
    assert len(shares(hourly(collector))) == INDEXES
