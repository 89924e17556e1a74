import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg
import pytest

from collectors.pgbouncer import metrics
from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.pgbouncer.rows import Limits, pools
from collectors.pgbouncer.source import PgBouncerSource
from collectors.pgbouncer.table import Table
from metrics.poll import ErrorClass, Tier
from metrics.target import State
from tests.collectors.memory import Memory, poll, value, values
from tests.servers import APP, STATS, SUPERUSER, Account, Hole, PgBouncerServer, PostgresServer

NARROW = """
[databases]
* = host={host} port={port}

[pgbouncer]
auth_type = scram-sha-256
pool_mode = {mode}
default_pool_size = 2
reserve_pool_size = 1
max_client_conn = 20
admin_users = postgres
stats_users = stats
"""


def source(server: PgBouncerServer, account: Account = STATS) -> PgBouncerSource:
    return PgBouncerSource(name="pooler", port=server.port, user=account.name, password=account.password)


def show(server: PgBouncerServer, what: str) -> list[dict[str, object]]:
    """What another client of the console sees."""
    with psycopg.connect(
        server.console_dsn(), autocommit=True, prepare_threshold=None, cursor_factory=psycopg.ClientCursor
    ) as connection:
        cursor = connection.execute(f"SHOW {what}")
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def command(server: PgBouncerServer, what: str) -> None:
    with psycopg.connect(
        server.console_dsn(SUPERUSER), autocommit=True, prepare_threshold=None, cursor_factory=psycopg.ClientCursor
    ) as connection:
        connection.execute(what)


def load(server: PgBouncerServer, clients: int = 6, times: int = 10) -> None:
    """More clients than servers, each a transaction of 5 ms over and over."""

    def work(_: int) -> None:
        with psycopg.connect(server.dsn(), autocommit=True, prepare_threshold=None) as connection:
            for _ in range(times):
                connection.execute("SELECT pg_sleep(0.005)")

    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(work, range(clients)))


@dataclass
class Totals:
    """The raw counters of database postgres, in the console's own units."""

    xact_count: float
    xact_time: float
    wait_time: float

    @classmethod
    def of(cls, server: PgBouncerServer) -> "Totals":
        rows = [row for row in show(server, "STATS_TOTALS") if row["database"] == "postgres"]
        row = rows[0] if rows else {}
        return cls(*(float(str(row.get(name, 0))) for name in ("xact_count", "xact_time", "wait_time")))

    def __sub__(self, other: "Totals") -> "Totals":
        return Totals(
            self.xact_count - other.xact_count, self.xact_time - other.xact_time, self.wait_time - other.wait_time
        )

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.xact_count + other.xact_count, self.xact_time + other.xact_time, self.wait_time + other.wait_time
        )

    @property
    def efficiency(self) -> float:
        return min(max(1 - self.wait_time / self.xact_time, 0.0), 1.0)

    @property
    def acquisition(self) -> float:
        return self.wait_time / 1e6 / self.xact_count


@pytest.fixture
def collector(pgbouncer: PgBouncerServer) -> Iterator[PgBouncerCollector]:
    with closing(PgBouncerCollector(source(pgbouncer))) as made:
        yield made


@pytest.fixture
def pooler(postgres: PostgresServer, new_pgbouncer: Callable[..., PgBouncerServer]) -> Callable[[str], PgBouncerServer]:
    def make(mode: str = "transaction") -> PgBouncerServer:
        return new_pgbouncer(postgres, NARROW.format(host=postgres.host, port=postgres.port, mode=mode))

    return make


@contextmanager
def waiting(server: PgBouncerServer) -> Iterator[None]:
    """A client that asks in a thread, and is served when the block ends at the latest."""
    with (
        psycopg.connect(server.dsn(), autocommit=True, prepare_threshold=None) as connection,
        ThreadPoolExecutor(1) as thread,
    ):
        asked = thread.submit(connection.execute, "SELECT 1")
        while not any(row["cl_waiting"] for row in show(server, "POOLS")):
            time.sleep(0.02)
        yield
        asked.result(10)


def test_samples_equal_what_another_client_reads(collector: PgBouncerCollector, pgbouncer: PgBouncerServer) -> None:
    load(pgbouncer, clients=7, times=3)
    found = poll(collector)
    totals = Totals.of(pgbouncer)
    assert value(found, "pgbouncer_stats_transactions_total", database="postgres") == totals.xact_count
    seconds = value(found, "pgbouncer_stats_transaction_seconds_total", database="postgres")
    assert seconds == pytest.approx(totals.xact_time / 1e6)
    waited = value(found, "pgbouncer_stats_wait_seconds_total", database="postgres")
    assert waited == pytest.approx(totals.wait_time / 1e6)
    (pool,) = [row for row in show(pgbouncer, "POOLS") if row["user"] == APP.name and row["database"] == "postgres"]
    labels = {"database": "postgres", "user": APP.name}
    servers = sum(int(str(number)) for name, number in pool.items() if name.startswith("sv_"))
    assert value(found, "pgbouncer_pools_server_open_connections", **labels) == servers
    assert value(found, "pgbouncer_pools_server_limit_connections", **labels) == 5
    assert value(poll(collector, Tier.MEDIUM), "pgbouncer_config_max_client_connections") == 100


def test_the_console_itself_is_left_out(collector: PgBouncerCollector) -> None:
    assert not any(("database", "pgbouncer") in sample.labels for sample in poll(collector).samples)


def test_ratios_over_a_restart_equal_a_calculation_from_the_raw_totals(
    pooler: Callable[..., PgBouncerServer],
) -> None:
    server, memory = pooler(), Memory()
    with closing(PgBouncerCollector(source(server))) as collector:
        load(server)
        memory.take(collector)
        first = Totals.of(server)
        load(server)
        memory.take(collector)
        before = Totals.of(server) - first
        assert memory.value(metrics.pool_efficiency, database="postgres") == pytest.approx(before.efficiency)
        assert memory.value(metrics.acquisition, database="postgres") == pytest.approx(before.acquisition)
        assert 0 < before.efficiency < 1

        server.stop()
        server.start()
        load(server, times=5)
        memory.take(collector)
        restarted = Totals.of(server)
        load(server, times=7)
        memory.take(collector)
        after = Totals.of(server) - restarted
    known = before + after
    assert memory.value(metrics.pool_efficiency, database="postgres") == pytest.approx(known.efficiency)
    assert memory.value(metrics.acquisition, database="postgres") == pytest.approx(known.acquisition)
    newest = memory.value(metrics.pool_efficiency, window=10.0, database="postgres")
    assert newest == pytest.approx(after.efficiency)


def test_a_paused_pool_is_stalled_and_known_again_after_resume(pooler: Callable[..., PgBouncerServer]) -> None:
    server, memory = pooler(), Memory()
    with closing(PgBouncerCollector(source(server))) as collector:
        load(server)
        memory.take(collector)
        load(server)
        memory.take(collector)
        assert memory.verdict(metrics.pool_efficiency, database="postgres").reason == ""
        command(server, "PAUSE")
        with waiting(server):
            for _ in range(4):
                memory.take(collector)
            efficiency = memory.verdict(metrics.pool_efficiency, database="postgres")
            acquisition = memory.verdict(metrics.acquisition, database="postgres")
            queue = memory.value(metrics.wait_level, database="postgres")
            command(server, "RESUME")
        assert (efficiency.state, efficiency.value) == (State.MISSED, 0.0)
        assert "stalled" in efficiency.reason
        assert acquisition.state is State.MISSED
        assert acquisition.value == queue > 0.005

        memory.take(collector)
        resumed = Totals.of(server)
        load(server)
        memory.take(collector)
        after = Totals.of(server) - resumed
    value_now = memory.value(metrics.pool_efficiency, window=10.0, database="postgres")
    assert value_now == pytest.approx(after.efficiency)
    assert memory.verdict(metrics.pool_efficiency, database="postgres").reason == ""


def test_an_exhausted_pool_is_stalled(pooler: Callable[..., PgBouncerServer], postgres: PostgresServer) -> None:
    server, memory = pooler(), Memory()
    with closing(PgBouncerCollector(source(server))) as collector:
        # Two servers and one of the reserve, each held by an open transaction.
        holders = [psycopg.connect(server.dsn(), prepare_threshold=None) for _ in range(2)]
        for holder in holders:
            holder.execute("SELECT 1")
        memory.take(collector)
        with waiting(server):
            for _ in range(4):
                memory.take(collector)
            verdict = memory.verdict(metrics.pool_efficiency, database="postgres")
            servers = memory.value(metrics.server_connections, database="postgres", user=APP.name)
            for holder in holders:
                holder.rollback()
        for holder in holders:
            holder.close()
    assert (verdict.state, verdict.value) == (State.MISSED, 0.0)
    assert servers == pytest.approx(2 / 3)


def test_session_mode_is_unknown_and_says_so(pooler: Callable[..., PgBouncerServer]) -> None:
    server, memory = pooler("session"), Memory()
    with closing(PgBouncerCollector(source(server))) as collector:
        load(server, clients=2, times=20)
        memory.take(collector)
        load(server, clients=2, times=20)
        memory.take(collector)
    for form in (metrics.pool_efficiency, metrics.acquisition):
        verdict = memory.verdict(form, database="postgres")
        assert (verdict.state, verdict.value) == (State.UNKNOWN, None)
        assert "session mode" in verdict.reason


@pytest.mark.parametrize(
    ("account", "words"),
    [(Account(STATS.name, "wrong-password"), "SASL authentication failed"), (APP, "not allowed")],
)
def test_who_may_not_is_told_how(pgbouncer: PgBouncerServer, account: Account, words: str) -> None:
    with closing(PgBouncerCollector(source(pgbouncer, account))) as collector:
        found = poll(collector)
    assert found.error is not None
    assert found.error.kind is ErrorClass.AUTH
    assert words in found.error.text
    assert f"stats_users = {account.name}" in found.error.hint
    assert account.password not in str(found)


def test_polling_works_when_all_clients_are_in_use(pooler: Callable[..., PgBouncerServer]) -> None:
    server = pooler()
    clients = [psycopg.connect(server.dsn(), autocommit=True, prepare_threshold=None) for _ in range(20)]
    with closing(PgBouncerCollector(source(server))) as collector:
        found = poll(collector)
    for client in clients:
        client.close()
    assert found.up or (found.error is not None and found.error.kind is ErrorClass.REFUSED_BY_LIMIT)


def test_silence_at_connect_is_bounded(hole: Hole) -> None:
    hidden = PgBouncerSource(name="pooler", port=hole.port, user="stats")
    begun = time.monotonic()
    with closing(PgBouncerCollector(hidden)) as collector:
        found = poll(collector, within=1)
    # libpq waits for at least 2 s.
    assert time.monotonic() - begun < 2.5
    assert found.error is not None
    assert found.error.kind is ErrorClass.UNREACHABLE


def test_a_frozen_server_is_cut_at_the_deadline(pooler: Callable[..., PgBouncerServer]) -> None:
    server = pooler()
    with closing(PgBouncerCollector(source(server))) as collector:
        assert poll(collector).up
        server.pause()
        begun = time.monotonic()
        frozen = poll(collector, within=0.5)
        took = time.monotonic() - begun
        server.resume()
        assert poll(collector).up
    assert took < 0.9
    assert frozen.error is not None
    assert frozen.error.kind is ErrorClass.TIMEOUT


def test_a_restart_between_two_polls_costs_no_gap(pooler: Callable[..., PgBouncerServer]) -> None:
    server = pooler()
    with closing(PgBouncerCollector(source(server))) as collector:
        assert poll(collector).up
        server.stop()
        assert poll(collector).error is not None
        server.start()
        assert poll(collector).up
        server.stop()
        server.start()
        assert poll(collector).up


def test_a_unix_socket_will_do(pgbouncer: PgBouncerServer) -> None:
    by_socket = PgBouncerSource(
        name="pooler", host=str(pgbouncer.sockets), port=pgbouncer.port, user=STATS.name, password=STATS.password
    )
    with closing(PgBouncerCollector(by_socket)) as collector:
        assert poll(collector).up


def test_a_stats_user_lacks_nothing(collector: PgBouncerCollector) -> None:
    found = collector.probe(time.monotonic() + 5)
    assert found.version.startswith("PgBouncer 1.")
    assert found.lacking == ()


def test_a_users_own_pool_size_wins_since_1_23() -> None:
    # No newer PgBouncer than Debian's can be had here: columns as its sources of 1.23 and 1.24 name them.
    pool = {
        "database": "shop",
        "user": "app",
        "sv_active": 3,
        "maxwait": 0,
        "maxwait_us": 0,
        "pool_mode": "transaction",
    }
    database = {"name": "shop", "pool_size": 20, "reserve_pool_size": 5}
    users: list[dict[str, object]] = [
        {"name": "app", "pool_size": 7, "reserve_pool_size": None},
        {"name": "other", "pool_size": None},
    ]
    (row,) = pools(Table(tuple(pool), [tuple(pool.values())]), Limits([database], users)).dicts()
    assert row["sv_limit"] == 12
    pool["user"] = "other"
    (row,) = pools(Table(tuple(pool), [tuple(pool.values())]), Limits([database], users)).dicts()
    assert row["sv_limit"] == 25


def test_assignments_are_read_since_1_23() -> None:
    row: dict[str, object] = {**dict.fromkeys(metrics.STATS_TOTALS.columns, 1_000_000), "database": "shop"}
    old, _ = metrics.STATS_TOTALS.read([row], (1, 22, 1))
    new, missing = metrics.STATS_TOTALS.read([row], (1, 23, 0))
    names = {sample.metric for sample in new} - {sample.metric for sample in old}
    assert names == {metrics.assignments.name}
    assert missing == []
    assert {sample.value for sample in new if sample.metric == metrics.wait_seconds.name} == {1.0}


def test_a_database_that_nobody_uses_is_not_judged(collector: PgBouncerCollector, pgbouncer: PgBouncerServer) -> None:
    load(pgbouncer, clients=1, times=1)
    memory = Memory()
    memory.take(collector)
    memory.take(collector)
    verdict = memory.verdict(metrics.pool_efficiency, database="postgres")
    assert verdict.state is State.UNKNOWN
    assert verdict.idle
    assert math.isnan(memory.value(metrics.pool_efficiency, database="postgres"))
    assert values(poll(collector), "pgbouncer_pools_client_waiting_connections")
