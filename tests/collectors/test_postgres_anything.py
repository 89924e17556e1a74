"""Rows of anything through each statement that is put to PostgreSQL: a bad row costs itself, and all others arrive."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.finding import FINDINGS
from metrics.poll import Tier
from storage.series import SeriesStore
from tests.collectors.anything import ANYTHING, Series, kept, series, steady
from tests.collectors.told_postgres import STATEMENTS, Tables, Told, poll, recorded
from tests.servers import PostgresServer

QUICK = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
NUMBERS = count()
Rows = list[tuple[Any, ...]]
SINGLE = (
    "archiver",
    "checkpoints",
    "database_size",
    "definitions_mark",
    "extension",
    "identity",
    "position",
    "sequences_hidden",
    "server",
    "sessions",
    "settings_mark",
    "statement_answer",
    "statements_info",
    "wal",
    "wal_files",
    "widths",
    "writers",
)
"""Statements whose answer is one row."""

IDS = ("oid", "pid", "queryid", "query_id", "subid", "dbid")


class Server:
    """What a server says, and what polls of it say then."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    @cache  # noqa: B019 - as long as the module's tests
    def tiers(self, statement: str) -> list[Tier]:
        """Those that ask it."""
        found = []
        for tier in Tier:
            told = Told(self.tables)
            with told.collecting() as collector:
                poll(collector, tier)
            if statement in told.asked:
                found.append(tier)
        return found

    def says(self, statement: str, tier: Tier, rows: Rows) -> Mapping[Series, float]:
        """The samples of a poll that is told these rows, after one that was told what is recorded."""
        told = Told(self.tables)
        with told.collecting() as collector:
            poll(collector, tier)
            told.tables[statement] = self.tables[statement][0], rows
            return series(poll(collector, tier))

    @cache  # noqa: B019
    def whatever(self, statement: str, tier: Tier, of: int, at: int) -> Mapping[Series, float]:
        """What is said whatever one more row has for numbers, which is like the row ``of`` and stands at ``at``."""
        names, rows = self.tables[statement]
        more = another(names, rows[of])
        # Where nothing is known a number may come, too.
        higher = tuple(1 if value is None else value + 1 if type(value) in (int, float) else value for value in more)
        none = tuple(None if type(value) in (int, float) else value for value in more)
        # Each by itself as well: a share is weighed by one of them only while others are zero.
        single = [
            (*more[:place], 1, *more[place + 1 :])
            for place, value in enumerate(more)
            if value is None or type(value) in (int, float, bool)
        ]
        expected = self.says(statement, tier, rows)
        for each in (more, higher, none, *single):
            expected = steady(expected, self.says(statement, tier, [*rows[:at], each, *rows[at:]]))
        return expected

    @cache  # noqa: B019
    def without(self, statement: str, tier: Tier, places: frozenset[int]) -> Mapping[Series, float]:
        """What is said when some values of the one row are NULL, and what is said of it else."""
        _, rows = self.tables[statement]
        none = [tuple(None if at in places else value for at, value in enumerate(row)) for row in rows]
        return steady(self.says(statement, tier, rows), self.says(statement, tier, none))


@pytest.fixture(scope="module")
def server(postgres: PostgresServer) -> Server:
    return Server(recorded(postgres))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    made = SeriesStore(tmp_path)
    yield made
    made.close()


def another(names: Sequence[str], row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row like one that is there, of something else."""

    def other(name: str, value: Any) -> Any:
        if name in IDS and isinstance(value, int):
            return value + 1_000_003
        return f"{value} too" if isinstance(value, str) else value

    return tuple(other(name, value) for name, value in zip(names, row, strict=True))


def drawn(data: st.DataObject, row: tuple[Any, ...]) -> dict[int, Any]:
    """What some of a row's values are instead, by their places."""
    return data.draw(st.dictionaries(st.integers(0, len(row) - 1), ANYTHING, min_size=1, max_size=3))


@pytest.mark.parametrize("statement", [name for name in STATEMENTS if name not in SINGLE])
@QUICK
@given(data=st.data())
def test_a_bad_row_costs_itself(statement: str, server: Server, store: SeriesStore, data: st.DataObject) -> None:
    names, rows = server.tables[statement]
    of, at = data.draw(st.sampled_from([0, len(rows) - 1])), data.draw(st.sampled_from([0, len(rows)]))
    odd = drawn(data, rows[of])
    bad = tuple(odd.get(place, value) for place, value in enumerate(another(names, rows[of])))
    for tier in server.tiers(statement):
        expected = server.whatever(statement, tier, of, at)
        told = Told(server.tables)
        with told.collecting() as collector:
            poll(collector, tier)
            told.tables[statement] = names, [*rows[:at], bad, *rows[at:]]
            first, again = poll(collector, tier), poll(collector, tier)
            assert first.up
            assert first.partial == again.partial == {}
            assert expected.items() <= series(first).items()
            assert expected.items() <= series(again).items()
            assert [record for record in again.records if record.kind == FINDINGS] == [], "it is said once"
            told.tables[statement] = names, rows
            assert expected.items() <= series(poll(collector, tier)).items()
        kept(store, first, f"{statement} {next(NUMBERS)}")


@pytest.mark.parametrize("statement", SINGLE)
@QUICK
@given(data=st.data())
def test_a_bad_value_costs_no_more_than_none(
    statement: str, server: Server, store: SeriesStore, data: st.DataObject
) -> None:
    """Of an answer of one row."""
    names, rows = server.tables[statement]
    (row,) = rows
    odd = drawn(data, row)
    for tier in server.tiers(statement):
        expected = server.without(statement, tier, frozenset(odd))
        told = Told(server.tables)
        with told.collecting() as collector:
            poll(collector, tier)
            told.tables[statement] = names, [tuple(odd.get(at, value) for at, value in enumerate(row))]
            first = poll(collector, tier)
            told.tables[statement] = names, rows
            after = poll(collector, tier)
            if statement == "identity":
                # Of another version, role or start it is another server.
                assert first.up or first.error
                assert after.up
            else:
                assert first.up
                assert expected.items() <= series(first).items()
                assert expected.items() <= series(after).items()
        kept(store, first, f"{statement} {next(NUMBERS)}")
