"""Names that are new at every look: series stay bounded, and sums are what they would be without a bound."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.newcomers import KEPT, SPARE, WEEK, Newcomers
from collectors.pgbouncer.crowd import Crowd
from collectors.pgbouncer.rows import Limits
from collectors.pgbouncer.sockets import Sockets
from collectors.pgbouncer.table import Table
from collectors.postgres.activity import NAMES, SHOWN, Activity, busiest, hidden
from collectors.postgres.metrics_activity import ACTIVITY_DETAIL
from collectors.postgres.source import PostgresSource
from collectors.postgres.watched import Watched
from collectors.redis.clients import MOST_GROUPS, groups, parsed
from collectors.rest import REST
from collectors.round import Off, Round
from metrics.poll import Tier
from storage.series import SeriesStore

POLLS, FRESH = 500, 20
"""Ten thousand names that are there for one poll each."""

CLIENT = "addr=127.0.0.1:9 name={name} age=1 idle=0 flags={flags} qbuf=0 omem=0 tot-mem=7 cmd=get"
SESSION = {
    "datname": "shop",
    "state": "idle",
    "backend_type": "client backend",
    "usename": "app",
    "wait_event_type": "Client",
    "wait_event": "ClientRead",
}


def _sessions(poll: int) -> list[dict[str, Any]]:
    steady = {**SESSION, "application_name": "web", "sessions": 30, "transaction": 0.0}
    late = {**SESSION, "application_name": "late", "sessions": 1, "transaction": None}
    names = (f"job-{poll}-{n}" for n in range(FRESH))
    fresh = [{**SESSION, "application_name": name, "sessions": 1, "transaction": float(poll)} for name in names]
    return [steady, *fresh, *([late] if poll > POLLS // 2 else [])]


def test_ten_thousand_application_names_are_few_series_in_the_store(tmp_path: Path) -> None:
    activity = Activity()
    with closing(SeriesStore(tmp_path)) as store:
        for number in range(POLLS):
            round_ = Round("db", Tier.MEDIUM, Off())
            rows = _sessions(number)
            shown, _ = busiest(activity.named(rows), SHOWN)
            assert sum(row["sessions"] for row in shown) == sum(row["sessions"] for row in rows)
            assert max(row["transaction"] or 0.0 for row in shown) == number
            own = sum(row["sessions"] for row in shown if row["application_name"] not in (REST, "web"))
            assert hidden(rows, shown) == len(rows) - 1 - own
            round_.take(ACTIVITY_DETAIL, shown)
            if number % 10 == 0 or number == POLLS - 1:
                store.append(round_.poll())
        names = {labels for metric, labels in store.series() if metric == "pg_activity"}
    applications = {dict(labels)["application"] for labels in names}
    assert len(applications) <= SPARE * NAMES + 2
    assert {"web", "late", REST} <= applications


def test_ten_thousand_names_of_redis_clients_are_few_groups() -> None:
    names: Newcomers[str] = Newcomers(MOST_GROUPS)
    seen: set[tuple[str, str]] = set()
    for number in range(POLLS):
        who = [*((f"job-{number}-{n}", "bx"[n % 2]) for n in range(FRESH)), *[("web", "N")] * 3]
        lines = [CLIENT.format(name=name, flags=flags) for name, flags in who]
        found, left = groups(parsed("\n".join(lines)), "127.0.0.1:1", names.let_in)
        assert sum(row["clients"] for row in found) == FRESH + 3
        assert sum(row["tot-mem"] for row in found) == 7 * (FRESH + 3)
        assert left == sum(row["clients"] for row in found if row["name"] == REST)
        seen |= {(row["name"], row["state"]) for row in found}
    assert len(seen) <= SPARE * MOST_GROUPS + 4


def test_ten_thousand_applications_of_a_pooler_are_few_groups() -> None:
    sockets = Sockets(600)
    columns = ("database", "user", "application_name", "state", "wait", "wait_us")
    seen: set[tuple[str, ...]] = set()
    for number in range(POLLS):
        rows = [("shop", "app", f"job-{number}-{n}", "active", 0, 0) for n in range(FRESH)]
        counts, _ = sockets.groups(Table(columns, rows))
        assert sum(row["count"] for row in counts) == FRESH
        assert sockets.left_out == sum(row["count"] for row in counts if row["application_name"] == REST)
        seen |= {(row["application_name"], row["state"]) for row in counts}
    assert len(seen) <= SPARE * 20 + 2


def test_ever_new_databases_and_users_of_a_pooler_are_few_and_nothing_is_lost() -> None:
    """Databases that a wildcard makes, and accounts that a vault makes, all go when they are idle."""
    crowd = Crowd(600)
    seen: dict[str, float] = {}
    pools: set[tuple[str, str]] = set()
    told: Counter[str] = Counter()
    for number in range(POLLS):
        fresh = [f"branch-{number}-{n}" for n in range(FRESH)]
        stats = [("shop", 10 * number, 10 * number), *((name, 5, 5) for name in fresh)]
        pooled = [("shop", f"v-{number}", 0, 0, 1, 0, 0, "transaction")]
        names = ("database", "user", "cl_active", "cl_waiting", "sv_active", "sv_idle", "maxwait", "pool_mode")
        rows, shown = crowd.look(
            Table(("database", "total_query_count", "xact_time"), stats), Table(names, pooled), Limits()
        )
        assert sum(row["sv_active"] for row in shown) == 1
        pools |= {(row["database"], row["user"]) for row in shown}
        for row in rows:
            name = str(row["database"])
            # As a reader counts: from a series' first sample on.
            told[name] += max(0, row["total_query_count"] - seen.get(name, row["total_query_count"]))
            seen[name] = row["total_query_count"]
    assert len(pools) <= SPARE * 13 + 2
    assert len(seen) <= SPARE * crowd.most + 2
    # The first look is the base line; all that comes later is counted, when not by its own series then by the rest's.
    assert told["shop"] + told[REST] == (10 + 5 * FRESH) * (POLLS - 1)


def test_the_tables_of_ever_new_databases_are_not_all_watched() -> None:
    watched = Watched(PostgresSource(name="db", host="localhost", user="trivet", database="shop"), most=5)
    seen: set[str] = set()
    for number in range(POLLS):
        watched.among(["shop", "orders", *(f"build-{number}-{n}" for n in range(FRESH))])
        assert {"shop", "orders"} <= set(watched.names)
        assert watched.left_out == FRESH + 2 - len(watched.names)
        seen |= set(watched.names)
    assert len(seen) <= SPARE * 5 + 1


@settings(max_examples=200, deadline=None)
@given(
    looks=st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=40),
    step=st.sampled_from([0.0, 60.0, WEEK / 8]),
)
def test_names_let_in_are_bounded_and_stay(looks: list[list[int]], step: float) -> None:
    clock = _ticks(step)
    most = 2
    newcomers: Newcomers[int] = Newcomers(most, clock=clock.__next__)
    ever: set[int] = set()
    for look in looks:
        may = newcomers.let_in(look)
        assert may <= set(look)
        assert ever & set(look) <= may
        ever |= may
    assert len(ever) <= min(31, SPARE * most * (1 + len(looks) * step / WEEK))
    assert len(ever) < KEPT * most


def test_who_was_away_for_long_is_new_again() -> None:
    clock = _ticks(WEEK)
    newcomers: Newcomers[int] = Newcomers(1, clock=clock.__next__)
    assert newcomers.let_in([-1]) == {-1}
    for number in range(2 * KEPT):
        newcomers.let_in([number])
    assert len(newcomers.let_in(range(-1, 2 * KEPT))) < 2 * KEPT


def test_later_only_who_stays_is_let_in() -> None:
    newcomers: Newcomers[str] = Newcomers(1, clock=lambda: 0.0)
    assert newcomers.let_in("ab") == {"a", "b"}
    assert [newcomers.let_in([name]) for name in "cdef"] == [set()] * 4
    assert [newcomers.let_in("g") for _ in range(2)] == [set(), {"g"}]


def _ticks(step: float) -> Iterator[float]:
    at = 0.0
    while True:
        yield at
        at += step
