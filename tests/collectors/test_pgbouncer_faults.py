"""What goes wrong at a PgBouncer, brought about: each fault has its class, the server's words and the cure."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import psycopg
import pytest
from psycopg import ClientCursor

from collectors.failed import Failed
from collectors.libpq import LibpqConnection
from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.pgbouncer.hints import hinted
from metrics.poll import ErrorClass, Tier
from tests.collectors.memory import poll
from tests.collectors.test_pgbouncer import NARROW, command, source
from tests.servers import APP, STATS, Account, PgBouncerServer, PostgresServer, Servers

RELEASES = ["1.18", "1.24"]


@pytest.fixture(params=RELEASES)
def server(request: pytest.FixtureRequest, own_servers: Servers, postgres: PostgresServer) -> PgBouncerServer:
    config = NARROW.format(host=postgres.host, port=postgres.port, mode="transaction")
    config = config.replace("* = ", f"known = host={postgres.host} port={postgres.port} dbname=postgres\n; * = ")
    return own_servers.pgbouncer(postgres, config, release=request.param)


@pytest.fixture
def collector(server: PgBouncerServer) -> Iterator[PgBouncerCollector]:
    with closing(PgBouncerCollector(source(server))) as made:
        yield made


def connected(server: PgBouncerServer, account: Account = STATS, dbname: str = "pgbouncer") -> LibpqConnection:
    return LibpqConnection(
        source(server, account),
        time.monotonic() + 3,
        whole=True,
        dbname=dbname,
        prepare_threshold=None,
        cursor_factory=ClientCursor,
    )


def failure(ask: Callable[[], object]) -> tuple[ErrorClass, str, str]:
    with pytest.raises(Failed) as caught:
        ask()
    known = hinted(caught.value, STATS.name).failure
    return known.kind, known.text, known.hint


@pytest.mark.parametrize(
    ("words", "kind", "says", "cure"),
    [
        ("PAUSE", ErrorClass.FORBIDDEN, "admin access needed", "stats_users = stats"),
        ("SHOW NOTHING_LIKE_IT", ErrorClass.MISSING, "invalid command", "upgrade"),
    ],
)
def test_what_the_console_refuses(server: PgBouncerServer, words: str, kind: ErrorClass, says: str, cure: str) -> None:
    with closing(connected(server)) as console:
        found = failure(lambda: console.rows(time.monotonic() + 3, words))
        # One refusal costs neither the connection nor what else is asked over it.
        assert console.rows(time.monotonic() + 3, "SHOW VERSION")
    assert (found[0], says in found[1], cure in found[2]) == (kind, True, True), found


def test_a_database_that_is_disabled_or_not_there(server: PgBouncerServer) -> None:
    command(server, "DISABLE known")
    kind, text, hint = failure(lambda: connected(server, APP, "known"))
    assert (kind, "disabled" in text, "ENABLE" in hint) == (ErrorClass.NOT_READY, True, True)
    command(server, "ENABLE known")
    connected(server, APP, "known").close()
    kind, text, hint = failure(lambda: connected(server, APP, "nowhere"))
    assert (kind, "no such database" in text, "[databases]" in hint) == (ErrorClass.GONE, True, True)


def test_no_more_connections(server: PgBouncerServer, collector: PgBouncerCollector) -> None:
    with ExitStack() as clients:
        for _ in range(20):
            dsn = server.dsn(APP, "known")
            clients.enter_context(closing(psycopg.connect(dsn, autocommit=True, prepare_threshold=None)))
        kind, text, hint = failure(lambda: connected(server, APP, "known"))
        # The console is open to who may look, also then.
        found = poll(collector)
    assert (kind, "no more connections" in text, "max_client_conn" in hint) == (
        ErrorClass.REFUSED_BY_LIMIT,
        True,
        True,
    )
    assert found.up


def test_a_changed_password_is_seen_at_the_next_connection(
    server: PgBouncerServer, collector: PgBouncerCollector
) -> None:
    assert poll(collector).up
    lines = [line for line in server.userlist.splitlines() if not line.startswith(f'"{STATS.name}"')]
    server.userlist = "\n".join([*lines, f'"{STATS.name}" "another-password"', ""])
    server.reload()
    time.sleep(0.3)
    assert poll(collector).up
    collector.close()
    failed = poll(collector).error
    assert failed is not None
    assert failed.kind is ErrorClass.AUTH
    assert "SASL authentication failed" in failed.text
    assert f"stats_users = {STATS.name}" in failed.hint
    assert STATS.password not in str(failed)


def test_a_server_that_is_gone(server: PgBouncerServer, collector: PgBouncerCollector) -> None:
    assert poll(collector).up
    server.stop()
    first, then = poll(collector).error, poll(collector, Tier.MEDIUM).error
    for failed in (first, then):
        assert failed is not None
        assert failed.kind is ErrorClass.UNREACHABLE
        assert failed.hint


@pytest.mark.parametrize("tier", [Tier.FAST, Tier.MEDIUM, Tier.SLOW])
def test_a_frozen_server_costs_no_tier_more_than_its_deadline(
    server: PgBouncerServer, collector: PgBouncerCollector, tier: Tier
) -> None:
    assert poll(collector, tier).up
    server.pause()
    begun = time.monotonic()
    failed = poll(collector, tier, within=0.5).error
    took = time.monotonic() - begun
    server.resume()
    assert took < 1
    assert failed is not None
    assert failed.kind is ErrorClass.TIMEOUT
    assert failed.hint
