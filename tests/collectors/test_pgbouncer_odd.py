"""What a PgBouncer says once in a year: too much, twice, in other encodings, or what cannot be."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing

import pytest

from collectors.pgbouncer import metrics
from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.pgbouncer.source import PgBouncerSource
from collectors.probe import probe
from metrics.finding import Finding
from metrics.model import labelled
from metrics.poll import EventKind, Poll, Tier
from metrics.target import State
from tests.collectors.console import Console, console, database, pool, stats
from tests.collectors.memory import Memory, poll, value, values

WAITING = "pgbouncer_pools_client_waiting_connections"


@pytest.fixture
def fake() -> Iterator[Console]:
    with console() as said:
        yield said


@pytest.fixture
def collector(fake: Console) -> Iterator[PgBouncerCollector]:
    with closing(
        PgBouncerCollector(PgBouncerSource(name="pooler", port=fake.port, user="stats", sslmode="disable"))
    ) as made:
        yield made


def finding(collector: PgBouncerCollector, key: str) -> Finding | None:
    return next((found for found in collector.findings.all() if found.key == key), None)


def test_sixty_thousand_pools_are_the_busiest_and_a_rest(fake: Console, collector: PgBouncerCollector) -> None:
    fake.say(
        pools=[pool("shop", f"v-{number}", cl_waiting=int(number == 59_999) * 7) for number in range(60_000)],
        stats=[stats("shop", 5)],
        databases=[database("shop")],
    )
    tracemalloc.start()
    begun = time.process_time()
    found = collector.poll(Tier.FAST, time.monotonic() + 60)
    spent, (_, peak) = time.process_time() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "SHOW POOLS" not in found.partial
    waiting = values(found, WAITING)
    assert waiting[labelled({"database": "shop", "user": "v-59999"})] == 7
    clients = values(found, "pgbouncer_pools_client_active_connections")
    assert sum(clients.values()) == 60_000
    assert len(clients) < 100
    crowded = finding(collector, "crowded")
    assert crowded is not None
    assert "60,000 rows" in crowded.text
    assert "user = NAME" in crowded.hint
    assert peak < 250e6, "memory is bounded"
    assert spent < 30


@pytest.mark.parametrize("setting", ["max_db_connections", "max_user_connections"])
def test_pools_that_share_a_limit_are_judged_together(
    fake: Console, collector: PgBouncerCollector, setting: str
) -> None:
    by_database = setting == "max_db_connections"
    names = [("shop", "a"), ("shop", "b")] if by_database else [("one", "app"), ("two", "app")]
    fake.say(
        pools=[pool(*names[0], sv_active=3, cl_waiting=20), pool(*names[1], sv_active=2, cl_waiting=15)],
        stats=[stats(name, 5) for name, _ in names],
        databases=[database(name, 50, 5 if by_database else 0) for name in dict(names)],
    )
    if not by_database:
        fake.shows["SHOW CONFIG"] = (["key", "value"], [["max_user_connections", "5"]])
    memory = Memory()
    for _ in range(4):
        memory.take(collector)
    (verdict,) = [
        verdict
        for verdict in memory.verdicts(metrics.server_connections)
        if f"({setting})" in dict(verdict.subject.labels).values()
    ]
    assert (verdict.part, verdict.whole, verdict.value) == (5, 5, 1.0)
    assert max(found.value or 0 for found in memory.verdicts(metrics.server_connections)) == 1.0


def test_users_that_differ_in_one_bad_byte_stay_two(fake: Console, collector: PgBouncerCollector) -> None:
    fake.say(
        pools=[pool("shop", b"caf\xe9", cl_waiting=3), pool("shop", b"caf\xe8", cl_waiting=4)],
        stats=[stats("shop", 5)],
        databases=[database("shop")],
    )
    waiting = values(poll(collector), WAITING)
    assert {dict(labels)["user"]: count for labels, count in waiting.items()} == {"caf\\xe9": 3, "caf\\xe8": 4}


def test_a_pool_that_is_listed_twice_is_summed(fake: Console, collector: PgBouncerCollector) -> None:
    fake.say(
        pools=[pool("shop", "app", cl_waiting=3, maxwait=2), pool("shop", "app", cl_waiting=4, maxwait=5)],
        stats=[stats("shop", 5), stats("shop", 7)],
        databases=[database("shop", 100), database("shop", 100), database("shop", 20)],
    )
    first, minute = poll(collector), poll(collector, Tier.MEDIUM)
    assert values(first, WAITING) == {labelled({"database": "shop", "user": "app"}): 7}
    assert list(values(first, "pgbouncer_pools_client_longest_wait_seconds").values()) == [5]
    assert list(values(first, "pgbouncer_stats_transactions_total").values()) == [12]
    assert list(values(first, "pgbouncer_pools_server_limit_connections").values()) == [110]
    assert list(values(minute, "pgbouncer_databases_pool_size").values()) == [100]
    doubled = finding(collector, "listed_twice")
    assert doubled is not None
    assert "lists shop and 1 more of them more than once" in doubled.text


@pytest.mark.parametrize("leap", [3 * 86_400.0, 9.7e10, 2.0**63 / 1e6 + 1e6])
def test_waits_that_cannot_have_been_are_unknown(fake: Console, collector: PgBouncerCollector, leap: float) -> None:
    def say(count: int, wait: float) -> None:
        fake.say(
            pools=[pool("shop", "app", cl_active=5, cl_waiting=1)],
            stats=[stats("shop", count, wait, xact=count * 0.01)],
            databases=[database("shop")],
        )

    memory, judged = Memory(), []
    for turn in range(20):
        say(1000 + 100 * turn, 1.0 + 0.01 * turn + (leap if turn >= 10 else 0))
        memory.take(collector)
        for form in (metrics.acquisition, metrics.pool_efficiency):
            found = memory.verdicts(form)
            judged += [verdict for verdict in found if verdict.value is not None]
    assert judged
    assert {verdict.state for verdict in judged} <= {State.MET, State.UNKNOWN}
    assert all(
        verdict.value < 0.01
        for verdict in judged
        if verdict.name == metrics.acquisition.name and verdict.value is not None
    )
    reasons = {found.key.partition(":")[0] for found in collector.findings.all()}
    assert reasons & {"leap", "impossible"}


def test_a_client_that_waited_long_is_believed_when_it_is_served(fake: Console, collector: PgBouncerCollector) -> None:
    fake.say(
        pools=[pool("shop", "app", cl_waiting=1, maxwait=900)],
        stats=[stats("shop", 10, 0.0)],
        databases=[database("shop")],
    )
    poll(collector)
    fake.say(pools=[pool("shop", "app")], stats=[stats("shop", 11, 905.0)], databases=[database("shop")])
    found = poll(collector)
    assert value(found, "pgbouncer_stats_wait_seconds_total", database="shop") == 905
    assert collector.findings.all() == []


def test_several_processes_behind_one_address_are_one_finding(fake: Console, collector: PgBouncerCollector) -> None:
    counts, events, last = [500, 40, 9000], [], None
    for turn in range(15):
        counts[turn % 3] += 6
        fake.say(
            pools=[pool("shop", "app")],
            stats=[stats("pgbouncer", counts[turn % 3]), stats("shop", counts[turn % 3] * 10)],
            databases=[database("shop")],
        )
        collector.close()
        last = poll(collector)
        events += [event for event in last.events if event.kind is EventKind.RESTART]
    assert isinstance(last, Poll)
    assert finding(collector, "several_servers") is not None
    assert len(events) <= 1
    assert values(last, "pgbouncer_stats_transactions_total") == {}


def test_check_says_what_is_odd(fake: Console) -> None:
    fake.say(pools=[pool("shop", "app"), pool("shop", "app")], stats=[stats("shop", 5)], databases=[database("shop")])
    (report,) = probe([PgBouncerSource(name="pooler", port=fake.port, user="stats", sslmode="disable")])
    assert "listed_twice" in {found.key for found in report.findings}
