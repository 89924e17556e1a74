"""More databases, pools and clients than may have series."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.pgbouncer import metrics
from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.pgbouncer.crowd import DATABASES_PER, Crowd
from collectors.pgbouncer.declare import START
from collectors.pgbouncer.rows import Limits
from collectors.pgbouncer.sockets import Sockets
from collectors.pgbouncer.source import PgBouncerSource
from collectors.pgbouncer.table import EMPTY, Table
from collectors.rest import REST
from metrics.evaluate import Line
from metrics.model import Labels
from metrics.poll import Tier
from tests.collectors.memory import Memory, poll, value, values
from tests.collectors.test_pgbouncer import NARROW, load
from tests.servers import APP, STATS, PgBouncerServer, PostgresServer

STATS_NAMES = ("database", "xact_count", "xact_time")
NAMES = ("a", "b", "c", "d", "e")
LOOKS = st.lists(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 50), max_size=5), min_size=2, max_size=12)


def _rises(series: Sequence[tuple[int, float]]) -> float:
    return sum(b - a for (at, a), (then, b) in zip(series, series[1:], strict=False) if then == at + 1 and b > a)


@given(LOOKS)
def test_shown_and_rest_together_rise_as_all_do(looks: list[dict[str, int]]) -> None:
    """Whatever comes and goes: no jump, nothing lost but what a database did before it was shown."""
    crowd, whole = Crowd(200), dict.fromkeys(NAMES, 0)
    made: dict[str, list[tuple[int, float]]] = defaultdict(list)
    expected = 0.0
    known: set[str] = set()
    for at, rises in enumerate(looks):
        for name, rise in rises.items():
            # A database whose pools went begins anew.
            whole[name] = rise if name not in known else whole[name] + rise
        rows = [(name, whole[name], whole[name] * 10) for name in rises]
        if at:
            expected += sum(rises.values())
        counted, _ = crowd.look(Table(STATS_NAMES, rows), EMPTY, Limits())
        known = {*rises}
        assert len([row for row in counted if row["database"] != REST]) <= crowd.most
        for row in counted:
            made[row["database"]].append((at, row["xact_count"]))
    rest = made.get(REST, [])
    assert all(later >= earlier for (_, earlier), (_, later) in zip(rest, rest[1:], strict=False))
    total = sum(_rises(series) for series in made.values())
    assert total <= expected
    if rest and rest[0][0] == 0:
        assert total == expected


def test_a_database_that_comes_back_goes_on_where_its_series_ended() -> None:
    crowd = Crowd(200)

    def look(**counts: int) -> dict[str, float]:
        rows = [(name, count, count * 10) for name, count in counts.items()]
        found, _ = crowd.look(Table(STATS_NAMES, rows), EMPTY, Limits())
        return {row["database"]: row["xact_count"] for row in found}

    assert look(a=100, b=90, c=1) == {"a": 100, "b": 90, REST: 0}
    assert look(a=100, b=190, c=1001) == {"b": 190, "c": 1001, REST: 1000}
    # What a does while it has no series of its own, and with the look that shows it again, is the others'.
    assert look(a=150, b=290, c=2001) == {"b": 290, "c": 2001, REST: 1050}
    assert look(a=90_150, b=290, c=2001) == {"a": 100, "c": 2001, REST: 91_050}
    assert look(a=90_160, b=290, c=2001) == {"a": 110, "c": 2001, REST: 91_050}
    # A database that began anew while it was away: a fall, which the store knows as such.
    assert look(a=90_160, b=7, c=2001) == {"a": 110, "c": 2001, REST: 91_057}


def test_a_database_whose_clients_wait_is_shown_though_it_does_nothing() -> None:
    crowd = Crowd(200)
    names = ("database", "user", "cl_waiting", "sv_active", "maxwait", "maxwait_us", "pool_mode")
    idle = [(f"db{number}", "app", 0, 0, 0, 0, "transaction") for number in range(9)]
    stats = [(f"db{number}", 5, 1000 * (20 - number)) for number in range(10)]
    crowd.look(Table(STATS_NAMES, stats), Table(names, [*idle, ("db9", "app", 0, 0, 0, 0, "transaction")]), Limits())
    assert "db9" not in crowd.shown
    stalled = ("db9", "app", 3, 0, 2, 500_000, "transaction")
    _, pools = crowd.look(Table(STATS_NAMES, stats), Table(names, [*idle, stalled]), Limits())
    assert "db9" in crowd.shown
    (found,) = [row for row in pools if row["database"] == "db9"]
    assert (found["cl_waiting"], found["maxwait_seconds"]) == (3, 2.5)


def test_the_rest_of_the_pools_is_summed_and_its_longest_wait_is_the_longest() -> None:
    crowd = Crowd(200)
    names = ("database", "user", "cl_waiting", "sv_active", "sv_idle", "maxwait", "maxwait_us", "pool_mode")
    rows: list[tuple[Any, ...]] = [(f"db{n}", "app", n, 1, 1, 0, 100 * n, "transaction") for n in range(10)]
    rows[0] = (*rows[0][:-1], "session")
    limits = Limits([{"name": f"db{n}", "pool_size": 3} for n in range(10)])
    _, pools = crowd.look(Table(STATS_NAMES, [(row[0], 1, 1) for row in rows]), Table(names, rows), limits)
    (rest,) = [row for row in pools if row["database"] == REST]
    hidden = [row for row in rows if row[0] not in crowd.shown]
    assert len(hidden) == 10 - crowd.most
    assert rest["user"] == REST
    assert rest["cl_waiting"] == sum(row[2] for row in hidden)
    assert rest["maxwait_seconds"] == max(row[6] for row in hidden) / 1e6
    assert (rest["sv_open"], rest["sv_limit"]) == (2 * len(hidden), 3 * len(hidden))
    assert rest["is_session"] == any(row[7] == "session" for row in hidden)
    assert crowd.left_out == 2 * len(hidden)


def test_many_applications_are_bounded_and_none_is_lost() -> None:
    sockets = Sockets(300)
    names = ("database", "user", "application_name", "state", "wait", "wait_us")
    rows = [("shop", "app", f"job-{n}-{'x' * 500}", "waiting", n, 0) for n in range(5000)]
    counts, waits = sockets.groups(Table(names, rows))
    assert len(counts) <= 300 // 30 + 1
    assert sum(row["count"] for row in counts) == 5000
    assert max(row["wait_seconds"] for row in waits) == 4999
    assert all(len(row["application_name"]) <= 64 for row in counts)


def test_a_pooler_of_many_databases_has_few_series_and_true_sums(
    postgres: PostgresServer, new_pgbouncer: Callable[..., PgBouncerServer]
) -> None:
    many = 40
    databases = "\n".join(f"db{n} = host={postgres.host} port={postgres.port} dbname=postgres" for n in range(many))
    config = NARROW.format(host=postgres.host, port=postgres.port, mode="transaction")
    server = new_pgbouncer(postgres, config.replace("[databases]", f"[databases]\n{databases}"))

    def work(times: int) -> None:
        for number in range(many):
            with psycopg.connect(server.dsn(APP, f"db{number}"), autocommit=True, prepare_threshold=None) as client:
                for _ in range(times + number % 3):
                    client.execute("SELECT 1")

    made = PgBouncerSource(name="pooler", port=server.port, user=STATS.name, password=STATS.password, max_series=200)
    name = "pgbouncer_stats_transactions_total"
    memory = Memory()
    with closing(PgBouncerCollector(made)) as collector:
        work(1)
        memory.take(collector)
        before = values(poll(collector), name)
        work(2)
        load(server, clients=4, times=5)
        found = poll(collector)
        memory.take(collector)
        minute = poll(collector, Tier.MEDIUM)
        with closing(PgBouncerCollector(made)) as started_anew:
            later = poll(started_anew)
    # What the others were given is forgotten at a start: a database of its own would jump by it.
    assert found.epochs[START] != later.epochs[START]
    after = values(found, name)
    assert len(after) == len(before) == 3
    assert found.left_out > 0
    assert len(found.samples) < 100
    # Nothing is lost and nothing counted twice, whoever of the databases is shown by now.
    assert sum(after[labels] - before[labels] for labels in after if labels in before) == 20 + sum(
        2 + number % 3 for number in range(many)
    )
    assert value(minute, "pgbouncer_databases_current_connections", database=REST) > 0
    efficiency = {dict(labels)["database"]: line.values[-1] for labels, line in lines(memory).items()}
    assert 0 <= efficiency[REST] <= 1


def lines(memory: Memory) -> dict[Labels, Line]:
    return memory.lines(metrics.pool_efficiency, 300.0)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40)),
            st.sets(st.sampled_from("abcdef"), max_size=3),
        ),
        min_size=4,
        max_size=10,
    )
)
def test_a_counter_that_is_not_told_for_once_is_no_rise(looks: list[tuple[dict[str, int], set[str]]]) -> None:
    """Nor a reset: it would be in the counters of the others for ever."""
    crowd, counts = Crowd(2 * DATABASES_PER), dict.fromkeys("abcdef", 1000)
    risen, last = 0.0, dict[str, float]()
    for rises, unknown in [*looks, ({}, set[str]())]:
        counts = {name: count + rises.get(name, 0) for name, count in counts.items()}
        rows = [(name, None if name in unknown else count, 0) for name, count in counts.items()]
        told, _ = crowd.look(Table(("database", "xact_count", "xact_time"), rows), EMPTY, Limits())
        now = {row["database"]: row["xact_count"] for row in told if row["xact_count"] is not None}
        risen += sum(count - last.get(name, count) for name, count in now.items())
        last |= now
    assert risen <= sum(counts.values()) - 6000 + 1e-9
