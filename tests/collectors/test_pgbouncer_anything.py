"""Rows of anything through each SHOW that is put to PgBouncer: a bad row costs itself, and all others arrive."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.pgbouncer.source import PgBouncerSource
from metrics.finding import FINDINGS
from metrics.poll import Poll, Tier
from storage.series import SeriesStore
from tests.collectors.anything import ANYTHING, Series, kept, series, steady
from tests.collectors.console import Console, console
from tests.servers import APP, STATS, Matrix, PostgresServer

QUICK = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
STATEMENTS = {
    "SHOW STATS_TOTALS": Tier.FAST,
    "SHOW POOLS": Tier.FAST,
    "SHOW LISTS": Tier.FAST,
    "SHOW DATABASES": Tier.MEDIUM,
    "SHOW USERS": Tier.MEDIUM,
    "SHOW CONFIG": Tier.MEDIUM,
    "SHOW STATE": Tier.MEDIUM,
    "SHOW CLIENTS": Tier.MEDIUM,
    "SHOW SERVERS": Tier.MEDIUM,
    "SHOW MEM": Tier.SLOW,
}
NUMBERS = count()
TEXTS = (25, 1043)
Row = tuple[Any, ...]
Rows = list[Row]


@dataclass
class Answer:
    names: list[str]
    types: list[int]
    rows: Rows


@contextmanager
def collecting(said: Console) -> Iterator[PgBouncerCollector]:
    source = PgBouncerSource(name="pooler", port=said.port, user="stats", sslmode="disable")
    with closing(PgBouncerCollector(source)) as made:
        yield made


def poll(collector: PgBouncerCollector, tier: Tier) -> Poll:
    """The others ask for what they need of a quick one."""
    if tier is not Tier.FAST:
        collector.poll(Tier.FAST, time.monotonic() + 20)
    return collector.poll(tier, time.monotonic() + 20)


class Server:
    """What a real PgBouncer once said, and a console that says it, or something else."""

    def __init__(self, said: Console, answers: Mapping[str, Answer]) -> None:
        self.said = said
        self.answers = answers
        self.well()

    def well(self) -> None:
        for statement, answer in self.answers.items():
            self.said.shows[statement] = answer.names, answer.rows
            self.said.types[statement] = answer.types

    def tell(self, statement: str, rows: Rows) -> None:
        self.said.shows[statement] = self.answers[statement].names, rows

    def says(self, statement: str, rows: Rows) -> Mapping[Series, float]:
        self.well()
        with collecting(self.said) as collector:
            poll(collector, STATEMENTS[statement])
            self.tell(statement, rows)
            return series(poll(collector, STATEMENTS[statement]))

    def another(self, statement: str, of: int) -> Row:
        """A row like one that is there, of something else."""
        types, row = self.answers[statement].types, self.answers[statement].rows[of]
        return tuple(
            f"{value} too" if type_ in TEXTS and value else value for type_, value in zip(types, row, strict=True)
        )

    @cache  # noqa: B019 - as long as the module's tests
    def whatever(self, statement: str, of: int, at: int) -> Mapping[Series, float]:
        """What is said whatever one more row has for numbers, which is like the row ``of`` and stands at ``at``."""
        answer, more = self.answers[statement], self.another(statement, of)
        numbers = [type_ not in TEXTS for type_ in answer.types]
        higher = tuple(
            value + 1 if number and value is not None else value for value, number in zip(more, numbers, strict=True)
        )
        none = tuple(None if number else value for value, number in zip(more, numbers, strict=True))
        other = tuple(value if number else f"{value} or other" for value, number in zip(more, numbers, strict=True))
        expected = self.says(statement, answer.rows)
        for each in (more, higher, none, other):
            expected = steady(expected, self.says(statement, [*answer.rows[:at], each, *answer.rows[at:]]))
        return expected


@pytest.fixture(scope="module")
def server(matrix: Matrix, postgres: PostgresServer) -> Iterator[Server]:
    pgbouncer = matrix.pgbouncer("1.24", postgres)
    answers = {}
    with (
        psycopg.connect(pgbouncer.dsn(APP), autocommit=True, prepare_threshold=None) as client,
        psycopg.connect(pgbouncer.console_dsn(STATS), autocommit=True) as admin,
    ):
        client.execute("SELECT 1")
        for statement in STATEMENTS:
            result = admin.pgconn.exec_(statement.encode())
            types = [result.ftype(at) for at in range(result.nfields)]
            names = [(result.fname(at) or b"").decode() for at in range(result.nfields)]
            rows = [
                tuple(_value(result.get_value(number, at), type_) for at, type_ in enumerate(types))
                for number in range(result.ntuples)
            ]
            answers[statement] = Answer(names, types, rows)
    with console("PgBouncer 1.24.0") as said:
        yield Server(said, answers)


def _value(raw: bytes | None, type_: int) -> Any:
    if raw is None:
        return None
    return raw.decode() if type_ in TEXTS else int(raw)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    made = SeriesStore(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("statement", STATEMENTS)
@QUICK
@given(data=st.data())
def test_a_bad_row_costs_itself(statement: str, server: Server, store: SeriesStore, data: st.DataObject) -> None:
    rows, tier = server.answers[statement].rows, STATEMENTS[statement]
    of, at = data.draw(st.sampled_from([0, len(rows) - 1])), data.draw(st.sampled_from([0, len(rows)]))
    odd = data.draw(st.dictionaries(st.integers(0, len(rows[of]) - 1), ANYTHING, min_size=1, max_size=3))
    bad = tuple(odd.get(place, value) for place, value in enumerate(server.another(statement, of)))
    expected = server.whatever(statement, of, at)
    server.well()
    with collecting(server.said) as collector:
        poll(collector, tier)
        server.tell(statement, [*rows[:at], bad, *rows[at:]])
        first, again = poll(collector, tier), poll(collector, tier)
        assert first.up
        assert first.partial == again.partial == {}
        assert expected.items() <= series(first).items()
        assert expected.items() <= series(again).items()
        assert [record for record in again.records if record.kind == FINDINGS] == [], "it is said once"
        server.well()
        assert expected.items() <= series(poll(collector, tier)).items()
    kept(store, first, f"{statement} {next(NUMBERS)}")
