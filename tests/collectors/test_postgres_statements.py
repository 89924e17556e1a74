"""Statements as pg_stat_statements has them, whatever its version, and sums that stay true."""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import combinations

import psycopg
import pytest

from collectors.postgres import budget
from collectors.postgres import metrics_statements as metrics
from collectors.postgres.collector import PostgresCollector
from collectors.postgres.statements import QUERY
from metrics.finding import FINDINGS
from metrics.model import Labels
from metrics.poll import ErrorClass, EventKind, Poll, Tier
from metrics.reading import Column
from tests.collectors.memory import poll, value, values
from tests.collectors.postgres_work import do, made_database, number, source
from tests.servers import PostgresServer

MINE = "statements_a"
CALLS = "pg_query_calls_total"
REST = "(rest)"


@pytest.fixture
def inside(each_postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with made_database(each_postgres, MINE) as connection:
        do(connection, "CREATE TABLE t AS SELECT g AS id, g % 7 AS kind FROM generate_series(1, 3000) AS g")
        yield connection


def looked(server: PostgresServer, **more: object) -> closing[PostgresCollector]:
    return closing(PostgresCollector(source(server, MINE, include=(), **more)))


def of(found: Poll, database: str = MINE, metric: str = CALLS) -> dict[Labels, float]:
    return {labels: number for labels, number in values(found, metric).items() if ("database", database) in labels}


def texts(found: Poll) -> dict[str, str]:
    return {record.key: record.body for record in found.records if record.kind == QUERY}


def test_every_column_is_the_views(each_postgres: PostgresServer, inside: psycopg.Connection) -> None:
    do(inside, "SELECT count(*) FROM t AS every_column WHERE kind = 3", times=4)
    with looked(each_postgres, max_series=100_000) as collector:
        found = poll(collector, Tier.MEDIUM)
    assert found.partial == {}
    (queryid,) = [key for key, body in texts(found).items() if "AS every_column" in body]
    version = number(inside, "SELECT split_part(extversion, '.', 2) FROM pg_extension WHERE extname LIKE 'pg_stat_s%'")
    assert version is not None
    renamed = {"shared_blk_read_time": "blk_read_time", "shared_blk_write_time": "blk_write_time"}
    for column, given in {**metrics.STATEMENTS.columns, **metrics.WORK.columns}.items():
        made = given if isinstance(given, Column) else Column(given)
        name = renamed.get(column, column) if version < 11 else column
        held = [
            number for labels, number in of(found, metric=made.metric.name).items() if ("queryid", queryid) in labels
        ]
        if made.expected((1, int(version))):
            raw = number(inside, f"SELECT {name} FROM pg_stat_statements WHERE queryid = {queryid} AND toplevel")
            assert held == [pytest.approx((raw or 0.0) * made.scale)], column
        else:
            assert held == [], column
    assert value(found, "pg_statements_dealloc_total") == number(inside, "SELECT dealloc FROM pg_stat_statements_info")


def test_thousands_of_statements_are_known_by_their_texts_at_the_first_look(
    new_postgres: Callable[..., PostgresServer],
) -> None:
    """Looked up one by one in a list as long this took the server seconds, and was cut."""
    server = new_postgres()
    columns = "relname relnamespace reltype reloftype relowner relam relfilenode reltablespace relpages reltuples"
    columns += " relallvisible reltoastrelid relhasindex relisshared relpersistence relkind relnatts relchecks"
    columns += " relhasrules relhastriggers relhassubclass relrowsecurity relispopulated relreplident relispartition"
    made = [", ".join(each) for each in combinations(columns.split(), 4)][:6000]
    with server.connect(dbname="postgres") as connection, connection.pipeline():
        for each in made:
            connection.execute(f"SELECT {each} FROM pg_class LIMIT 0".encode())
    with closing(PostgresCollector(source(server, "postgres", include=()))) as collector:
        found = poll(collector, Tier.MEDIUM)
        assert found.partial == {}
        assert value(found, "pg_statements_known") >= len(made)
        assert not [record for record in found.records if record.kind == FINDINGS and "statement_texts" in record.body]
        assert texts(found)
        assert len(texts(poll(collector, Tier.MEDIUM))) < 10, "they are asked once"


def test_lists_of_different_lengths_are_one_statement(
    each_postgres: PostgresServer, inside: psycopg.Connection
) -> None:
    with looked(each_postgres) as collector:
        poll(collector, Tier.MEDIUM)
        for length in range(1, 9):
            do(inside, f"SELECT id FROM t AS listed WHERE id IN ({', '.join(map(str, range(length)))}) AND kind = 3")
        first = poll(collector, Tier.MEDIUM)
        (queryid,) = [key for key, body in texts(first).items() if "AS listed" in body]
        do(inside, "SELECT id FROM t AS listed WHERE id IN (1, 2, 3) AND kind = 2", times=5)
        second = poll(collector, Tier.MEDIUM)
    counts = [[n for labels, n in of(found).items() if ("queryid", queryid) in labels] for found in (first, second)]
    assert counts == [[8.0], [13.0]]
    assert not any("AS listed" in body for body in texts(second).values())


def test_a_cap_leaves_sums_as_they_are(each_postgres: PostgresServer, inside: psycopg.Connection) -> None:
    def work(first: int) -> None:
        for statement in range(first, first + 90):
            do(inside, f"SELECT id{', kind' * statement} FROM t LIMIT 1", times=1 + statement % 3)

    with looked(each_postgres, max_series=700) as collector:
        work(0)
        before = poll(collector, Tier.MEDIUM)
        work(30)
        middle = poll(collector, Tier.MEDIUM)
        work(60)
        after = poll(collector, Tier.MEDIUM)
    assert after.left_out > 50
    rows = [sample for sample in after.samples if sample.metric.startswith(("pg_query", "pg_statements"))]
    assert len(rows) <= budget.statements(700)
    rises = 0.0
    last = of(before)
    for found in (middle, after):
        now = of(found)
        assert all(count >= last[labels] for labels, count in now.items() if labels in last)
        rises += sum(count - last[labels] for labels, count in now.items() if labels in last)
        last |= now
    assert any(("queryid", REST) in labels for labels in last)
    totals = value(after, "pg_statements_calls_total", database=MINE) - value(
        before, "pg_statements_calls_total", database=MINE
    )
    assert rises == totals == value(after, "pg_statements_calls_total", database=MINE)
    assert totals >= 2 * (30 + 60 + 90)


def test_evicted_entries_take_nothing_away(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres(**{"pg_stat_statements.max": "100"})
    with made_database(server, MINE) as inside, looked(server) as collector:
        do(inside, "CREATE TABLE t (id int)")
        seen: list[float] = []
        last: dict[Labels, float] = {}
        for look in range(6):
            do(inside, "SELECT count(*) FROM t AS steady", times=20)
            for statement in range(60):
                do(inside, f"SELECT id{', id' * ((look * 40 + statement) % 200)} FROM t")
            found = poll(collector, Tier.MEDIUM)
            seen.append(value(found, "pg_statements_calls_total", database=MINE))
            now = of(found)
            assert all(
                count >= last[labels] for labels, count in now.items() if labels in last and ("queryid", REST) in labels
            )
            last = now
    assert value(found, "pg_statements_dealloc_total") > 0
    assert all(later - earlier >= 20 for earlier, later in zip(seen, seen[1:], strict=False))


def test_a_reset_is_an_event_and_another_epoch(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres()
    with closing(PostgresCollector(source(server))) as collector, server.connect() as connection:
        first = poll(collector, Tier.MEDIUM)
        do(connection, "SELECT pg_stat_statements_reset()")
        second, third = poll(collector, Tier.MEDIUM), poll(collector, Tier.MEDIUM)
    assert first.epochs[metrics.EPOCH] != second.epochs[metrics.EPOCH] == third.epochs[metrics.EPOCH]
    counted = [[event for event in found.events if event.kind is EventKind.RESET] for found in (first, second, third)]
    assert [len(events) for events in counted] == [0, 1, 0]
    (reset,) = counted[1]
    assert "pg_stat_statements" in reset.text
    assert reset.at == pytest.approx(value(second, "pg_statements_reset_timestamp_seconds"))


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_an_extension_that_was_not_updated_gives_what_it_has(postgres: PostgresServer, version: str) -> None:
    with made_database(postgres, MINE) as inside:
        do(inside, "DROP EXTENSION pg_stat_statements", f"CREATE EXTENSION pg_stat_statements VERSION '{version}'")
        do(inside, "SELECT 'an old one'", times=3)
        with looked(postgres) as collector:
            found = poll(collector, Tier.MEDIUM)
    assert found.partial == {}
    assert of(found)
    assert bool(of(found, metric="pg_query_jit_functions_total")) == (version == "1.10")
    assert bool(values(found, "pg_statements_dealloc_total")) == (version != "1.8")


def test_an_extension_that_is_too_old_is_said_with_its_cure(postgres: PostgresServer) -> None:
    with made_database(postgres, MINE) as inside:
        do(inside, "DROP EXTENSION pg_stat_statements", "CREATE EXTENSION pg_stat_statements VERSION '1.7'")
        with looked(postgres) as collector:
            found = poll(collector, Tier.MEDIUM)
    failure = found.partial["statements"]
    assert (failure.kind, failure.hint) == (ErrorClass.MISSING, "ALTER EXTENSION pg_stat_statements UPDATE;")


def test_neither_our_own_nor_commands_are_shown(each_postgres: PostgresServer, inside: psycopg.Connection) -> None:
    do(inside, "VACUUM t", "SELECT kind FROM t AS shown_one WHERE id = 77")
    with looked(each_postgres, max_series=100_000) as collector:
        bodies = [body for _ in range(2) for body in texts(poll(collector, Tier.MEDIUM)).values()]
    assert any("shown_one" in body for body in bodies)
    assert not any("pg_stat_statements(" in body or body.startswith(("VACUUM", "CREATE")) for body in bodies)
