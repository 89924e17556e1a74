"""One address, two servers behind it: a balancer, a name with two addresses, processes that share a port."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TypeVar

import pytest
from redis import Redis

from collectors.collector import AnyCollector
from collectors.identity import CALM, DAY, RETURNS, ROUNDING, SOON, Identity, Who
from collectors.pgbouncer import metrics as of_pools
from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.pgbouncer.source import PgBouncerSource
from collectors.postgres import metrics as of_databases
from collectors.postgres.collector import PostgresCollector
from collectors.probe import probe
from collectors.redis import metrics as of_keys
from collectors.redis.collector import RedisCollector
from collectors.redis.source import RedisSource
from collectors.source import Source
from metrics.finding import Finding
from metrics.forms import AnyForm
from metrics.poll import Event, EventKind, Tier
from tests.collectors.altering import altering
from tests.collectors.cutting import between
from tests.collectors.memory import EVERY, Memory, poll, values
from tests.collectors.postgres_work import made_database
from tests.collectors.postgres_work import source as of_postgres
from tests.collectors.test_pgbouncer import NARROW, load
from tests.servers import STATS, Matrix, PgBouncerServer, PostgresServer, RedisServer, Servers
from tests.waiting import until

TURNS = 8
S = TypeVar("S", bound=Source)


def found(collector: AnyCollector) -> Finding | None:
    return next((each for each in collector.findings.all() if each.key == "several_servers"), None)


def moved(source: S, port: int) -> S:
    """The same source at another port."""
    return type(source)(**{name: getattr(source, name) for name in source.__struct_fields__} | {"port": port})


@contextmanager
def of_database(server: PostgresServer, port: int, *include: str) -> Iterator[PostgresCollector]:
    """Its own account and databases, at another port."""
    with closing(PostgresCollector(moved(of_postgres(server, include=include), port))) as made:
        yield made


@contextmanager
def of_redis(port: int) -> Iterator[RedisCollector]:
    with closing(RedisCollector(RedisSource(name="cache", port=port))) as made:
        yield made


def console(port: int) -> PgBouncerSource:
    return PgBouncerSource(name="pooler", port=port, user=STATS.name, password=STATS.password)


@contextmanager
def of_pooler(port: int) -> Iterator[PgBouncerCollector]:
    with closing(PgBouncerCollector(console(port))) as made:
        yield made


def by_turns(collector: AnyCollector, memory: Memory, turns: int = TURNS) -> list[Event]:
    """Polls of every tier, each turn over another connection, and all events that they told."""
    events: list[Event] = []
    for _ in range(turns):
        collector.close()
        memory.now += EVERY
        for tier in collector.tiers:
            each = poll(collector, tier)
            assert each.error is None
            events += each.events
            memory.keep(each)
    return events


def unknown(memory: Memory, *forms: AnyForm) -> bool:
    """Whether none of the forms has a value now."""
    return all(math.isnan(line.values[-1]) for form in forms for line in memory.lines(form, 300.0).values())


# --- what comes back ---------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def looks(self, identity: Identity, marks: Sequence[str], every: float = 10.0, age: float | None = None) -> None:
        for mark in marks:
            self.now += every
            identity.look(mark, age=age)


@pytest.mark.parametrize("marks", ["aba", "aaabbba", "abcb", "a" + "b" * (SOON - 1) + "a"])
def test_a_server_that_comes_back_was_never_gone(marks: str) -> None:
    identity = Identity()
    Clock().looks(identity, marks)
    assert identity.several


@pytest.mark.parametrize("marks", ["", "a", "aaaa", "abcdef", "a" * 200 + "b" * 200])
def test_restarts_and_failovers_are_one_server(marks: str) -> None:
    identity = Identity()
    Clock().looks(identity, marks)
    assert not identity.several


def test_connections_that_are_kept_for_half_an_hour_show_it_in_the_end_and_a_failover_and_its_way_back_do_not() -> None:
    clock = Clock()
    identity = Identity(clock)
    for turn in range(RETURNS + 1):
        clock.looks(identity, "ab"[turn % 2] * 180)
        assert not identity.several
    clock.looks(identity, "a")
    assert identity.several
    yearly = Identity(clock)
    for turn in range(3 * RETURNS):
        clock.now += DAY
        clock.looks(yearly, "ab"[turn % 2] * 180)
        assert not yearly.several


def test_a_server_that_is_younger_than_the_last_answer_was_restarted() -> None:
    clock = Clock()
    identity = Identity(clock)
    clock.looks(identity, "aa", age=500)
    clock.looks(identity, "b", age=7)
    assert (identity.unsure, identity.restarted, identity.several) == (True, True, False)
    clock.looks(identity, "c", age=500)
    assert not identity.restarted


def test_one_that_was_restarted_while_others_were_asked_is_no_other() -> None:
    clock = Clock()
    identity = Identity(clock)
    clock.looks(identity, "a", age=500)
    clock.now += 2
    identity.beside([Who("a", "a", 502.0), Who("b", "b", 1.0)])
    assert not identity.several
    identity.beside([Who("b", "b", 100.0)])
    assert identity.several


def test_it_is_over_when_one_alone_has_answered_for_long() -> None:
    clock = Clock()
    identity = Identity(clock)
    seen = []
    for marks in ("abab", "b" * (CALM - 1), "b", "ccc"):
        clock.looks(identity, marks)
        seen.append(identity.several)
    assert seen == [True, True, False, False]


# --- Redis -------------------------------------------------------------------------------------------------------


def work(server: RedisServer, hits: int, misses: int) -> None:
    with closing(Redis(port=server.port, driver_info=None, protocol=2)) as client:
        client.set("x", "1")
        for _ in range(hits):
            client.get("x")
        for _ in range(misses):
            client.get("nobody")


def test_two_redis_by_turns_are_one_finding_no_event_and_no_ratio(new_redis: Callable[..., RedisServer]) -> None:
    one, two = new_redis(), new_redis(maxmemory="100mb")
    work(one, 900, 100)
    with altering(one.port, two.port) as door, of_redis(door.port) as collector:
        memory = Memory()
        events = by_turns(collector, memory)
        finding = found(collector)
        assert finding is not None
        assert len(set(re.findall(r"\b[0-9a-f]{40}\b", finding.text))) == 2
        assert events == []
        forms = (of_keys.hit_rate, of_keys.command_rate, of_keys.memory, of_keys.client_level, of_keys.memory_use)
        assert unknown(memory, *forms)
        assert "replicas are a source each" in finding.hint
        assert len([each for each in collector.findings.all() if each.key == "several_servers"]) == 1


def test_a_master_and_its_replica_by_turns(own_servers: Servers) -> None:
    master = own_servers.redis(repl_diskless_sync_delay="0")
    replica = own_servers.redis(replicaof=f"{master.host} {master.port}")
    with altering(master.port, replica.port) as door, of_redis(door.port) as collector:
        assert by_turns(collector, Memory()) == []
        finding = found(collector)
    assert finding is not None
    assert re.search(r"[0-9a-f]{40} \(master\)", finding.text)
    assert re.search(r"[0-9a-f]{40} \(slave\)", finding.text)


def test_a_connection_that_was_kept_for_long_goes_to_another_server(new_redis: Callable[..., RedisServer]) -> None:
    """As after half an hour, when connections are made anew: seen with the first answer."""
    one, two = new_redis(), new_redis()
    with altering(one.port, two.port) as door, of_redis(door.port) as collector:
        for _ in range(SOON + 5):
            assert poll(collector).epochs
        assert found(collector) is None
        collector.close()
        other = poll(collector)
        assert found(collector) is not None
        assert (other.up, other.events, len(other.samples)) == (True, [], 0)


def test_tiers_that_reach_different_servers(new_redis: Callable[..., RedisServer]) -> None:
    """A proxy that sends each command to another server, over one connection."""
    server = new_redis()
    runs = iter("abab" * 100)

    def change(text: bytes) -> bytes:
        return re.sub(rb"run_id:\w+", b"run_id:" + next(runs).encode() * 40, text)

    with altering(server.port, change=change) as door, of_redis(door.port) as collector:
        for _ in range(2):
            poll(collector)
            poll(collector, Tier.MEDIUM)
        assert found(collector) is not None
        assert not poll(collector, Tier.MEDIUM).samples


def test_a_failover_behind_an_address_is_told_once_it_has_lasted(new_redis: Callable[..., RedisServer]) -> None:
    one, two = new_redis(maxmemory="100mb"), new_redis(maxmemory="200mb")
    two_runs_for = "99999"

    def old(text: bytes) -> bytes:
        return re.sub(rb"uptime_in_seconds:\d+", b"uptime_in_seconds:" + two_runs_for.encode(), text)

    with ExitStack() as stack:
        first, second = (stack.enter_context(altering(each.port, change=old)) for each in (one, two))
        with between(first.port) as door, of_redis(door.port) as collector:
            before = [poll(collector) for _ in range(3)][-1]
            door.behind = second.port
            collector.close()
            anew = poll(collector)
            assert anew.events == []
            assert anew.epochs != before.epochs
            assert values(anew, "redis_connected_clients")
            assert poll(collector, Tier.MEDIUM).events == []
            lasting = poll(collector)
            kinds = [event.kind for event in lasting.events]
            assert kinds == [EventKind.FAILOVER, EventKind.CONFIG]
            assert lasting.events[0].text.startswith("another server answers here: run ID ")
            assert poll(collector).events == []
            assert found(collector) is None


def test_a_restart_is_told_at_once(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    with of_redis(server.port) as collector:
        for _ in range(4):
            poll(collector)
            server.stop()
            server.start()
            assert [event.kind for event in poll(collector).events] == [EventKind.RESTART]
        assert found(collector) is None
        assert values(poll(collector), "redis_keyspace_hits_total")


def test_when_one_server_alone_answers_all_is_known_again(new_redis: Callable[..., RedisServer]) -> None:
    one, two = new_redis(), new_redis()
    with altering(one.port, two.port) as turning, between(turning.port) as door, of_redis(door.port) as collector:
        before = poll(collector)
        collector.close()
        poll(collector)
        assert found(collector) is not None
        door.behind = one.port
        work(one, 50, 50)
        calm = 0
        while found(collector) is not None:
            assert not poll(collector).samples
            calm += 1
        assert CALM - 2 <= calm <= CALM
        after = poll(collector)
        assert values(after, "redis_keyspace_hits_total") == {(): 50}
        assert after.epochs != before.epochs, "no increase is taken across it"
        assert after.events == []


# --- PostgreSQL --------------------------------------------------------------------------------------------------


def test_two_postgresql_by_turns_are_one_finding_no_event_and_no_ratio(
    postgres: PostgresServer, matrix: Matrix
) -> None:
    other = matrix.postgres("15")
    with altering(postgres.port, other.port) as door, of_database(postgres, door.port) as collector:
        memory = Memory()
        events = by_turns(collector, memory)
        finding = found(collector)
    assert finding is not None
    assert len(set(re.findall(r"system \d{10,}", finding.text))) == 2
    assert finding.text.count(" started 2") == 2
    assert events == []
    assert unknown(memory, of_databases.cache_hit, of_databases.transaction_rate, of_databases.connection_use)


def test_a_restarted_postgresql_is_one_server(own_servers: Servers) -> None:
    server = own_servers.postgres()
    with closing(PostgresCollector(of_postgres(server))) as collector:
        poll(collector)
        server.stop()
        server.start()
        assert [event.kind for event in poll(collector).events] == [EventKind.RESTART]
        assert found(collector) is None
        assert values(poll(collector), "pg_stat_database_blks_hit_total")


def _age(server: PostgresServer) -> float:
    with server.connect() as connection:
        (age,) = connection.execute(
            "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8"
        ).fetchone() or (0.0,)
    return float(age)


def test_a_failover_to_another_postgresql(postgres: PostgresServer, matrix: Matrix) -> None:
    other = matrix.postgres("15")
    # One that began after the last answer would be this very server, begun anew.
    until(lambda: _age(other) > 2 * ROUNDING)
    with between(postgres.port) as door, of_database(postgres, door.port) as collector:
        poll(collector)
        door.behind = other.port
        collector.close()
        assert poll(collector).events == []
        (event,) = poll(collector).events
        assert event.kind is EventKind.FAILOVER
        assert event.text.startswith("another PostgreSQL answers here")
        assert found(collector) is None


def test_a_connection_to_another_database_that_reaches_another_server(postgres: PostgresServer, matrix: Matrix) -> None:
    """The one to the source's own database is kept, those to the others are made anew each minute."""
    other = matrix.postgres("15")
    with made_database(postgres, "several_shop"), made_database(other, "several_shop"), ExitStack() as stack:
        door = stack.enter_context(between(postgres.port))
        collector = stack.enter_context(of_database(postgres, door.port, "several_shop"))
        poll(collector)
        poll(collector, Tier.MEDIUM)
        assert found(collector) is None
        door.behind = other.port
        mixed = poll(collector, Tier.MEDIUM)
        assert found(collector) is not None
        assert (mixed.up, mixed.events, len(mixed.samples)) == (True, [], 0)


# --- PgBouncer ---------------------------------------------------------------------------------------------------


def test_two_pgbouncer_by_turns_are_one_finding_no_event_and_no_ratio(
    own_servers: Servers, postgres: PostgresServer
) -> None:
    """Just started, so that their counts are alike."""
    one, two = own_servers.pgbouncer(postgres), own_servers.pgbouncer(postgres)
    load(one, clients=2, times=3)
    with altering(one.port, two.port) as door, of_pooler(door.port) as collector:
        memory = Memory()
        events = by_turns(collector, memory)
        finding = found(collector)
    assert finding is not None
    assert f":{one.port}" in finding.text
    assert f":{two.port}" in finding.text
    assert "unix_socket_dir" in finding.hint
    assert events == []
    assert unknown(memory, of_pools.pool_efficiency, of_pools.transaction_rate, of_pools.open_level)


@pytest.mark.parametrize("release", ["1.18", "1.24"])
def test_processes_that_share_a_port(
    release: str, own_servers: Servers, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = NARROW.format(host=postgres.host, port=postgres.port, mode="transaction") + "so_reuseport = 1\n"
    one, two = (own_servers.pgbouncer(postgres, config, release=release) for _ in range(2))
    two.stop()
    two.port = one.port
    monkeypatch.setattr("stack.native.server.is_free", lambda port: True)
    two.start()
    # The system sends each connection to one of them by chance: five of them to the same one, once in 32 times.
    monkeypatch.setattr("collectors.pgbouncer.collector.LOOKS", 25)
    with of_pooler(one.port) as collector:
        events: list[Event] = []
        for _ in range(40):
            collector.close()
            events += poll(collector).events
            if finding := found(collector):
                break
    assert finding is not None
    assert str(one.sockets) in finding.text
    assert str(two.sockets) in finding.text
    assert events == []
    (report,) = probe([console(one.port)])
    assert "several_servers" in {each.key for each in report.findings}


def test_a_restarted_pgbouncer_is_one_process_whatever_it_had_counted(pgbouncer_alone: PgBouncerServer) -> None:
    with of_pooler(pgbouncer_alone.port) as collector:
        for _ in range(3):
            poll(collector)
            pgbouncer_alone.stop()
            pgbouncer_alone.start()
            assert [event.kind for event in poll(collector).events] == [EventKind.RESTART]
            assert found(collector) is None


def test_a_pgbouncer_to_which_many_connect_is_one_process(pgbouncer_alone: PgBouncerServer) -> None:
    with of_pooler(pgbouncer_alone.port) as collector:
        first = poll(collector)
        for _ in range(50):
            with closing(PgBouncerCollector(console(pgbouncer_alone.port))) as other:
                poll(other)
        collector.close()
        after = poll(collector)
    assert (after.events, after.epochs) == ([], first.epochs)


@pytest.fixture
def pgbouncer_alone(own_servers: Servers, postgres: PostgresServer) -> PgBouncerServer:
    return own_servers.pgbouncer(postgres)


# --- trivet check ------------------------------------------------------------------------------------------------


def test_check_looks_over_several_connections(
    new_redis: Callable[..., RedisServer], postgres: PostgresServer, matrix: Matrix, own_servers: Servers
) -> None:
    servers: dict[str, tuple[Source, int, int]] = {}
    one, two = new_redis(), new_redis()
    servers["cache"] = RedisSource(name="cache"), one.port, two.port
    servers["db"] = of_postgres(postgres), postgres.port, matrix.postgres("15").port
    pools = [own_servers.pgbouncer(postgres) for _ in range(2)]
    servers["pooler"] = console(0), pools[0].port, pools[1].port
    for source, first, second in servers.values():
        (alone,) = probe([moved(source, first)])
        assert (alone.failure, [each for each in alone.findings if each.key == "several_servers"]) == (None, [])
        with altering(first, second) as door:
            (report,) = probe([moved(source, door.port)])
        (finding,) = [each for each in report.findings if each.key == "several_servers"]
        assert "[[source]] of its own" in finding.hint
