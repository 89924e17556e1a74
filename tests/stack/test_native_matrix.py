"""Each release of each server starts, is what it says, can do what tests ask of it, is stopped, leaves no process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from _pytest.mark import ParameterSet
from redis import Redis as Client

from stack.native.catalog import PROGRAMS
from stack.native.exporter import Exporter
from stack.native.process import Mark, children
from stack.native.server import Server
from tests.servers import MONITOR, STATS, Account, PgBouncerServer, PostgresServer, RedisServer, Servers


def rarely(name: str, *usual: str) -> list[ParameterSet]:
    """A program's name with each of its releases; all but the usual ones are for `make test-matrix`."""
    return [
        pytest.param(
            name,
            release,
            id=f"{name}-{release}",
            marks=[pytest.mark.matrix, *([] if release in usual else [pytest.mark.rare])],
        )
        for release in PROGRAMS[name].releases
    ]


def released(fixture: str, request: pytest.FixtureRequest) -> str:
    """The release that a test runs with."""
    return str(request.node.callspec.params[fixture])


def test_each_postgres_says_its_version_and_keeps_statement_statistics(
    each_postgres: PostgresServer, request: pytest.FixtureRequest
) -> None:
    with each_postgres.connect(MONITOR) as connection:
        row = connection.execute("SELECT current_setting('server_version_num')::int / 10000").fetchone()
        assert row == (int(released("each_postgres", request)),)
        assert connection.execute("SELECT count(*) > 0 FROM pg_stat_statements").fetchone() == (True,)


def test_each_postgres_finds_what_lies_beside_it(each_postgres: PostgresServer) -> None:
    """Its compiler, languages and time zones are in folders that it looks for from its own."""
    with each_postgres.connect() as connection:
        connection.execute("SET jit_above_cost = 0")
        assert connection.execute("SELECT sum(n) FROM generate_series(1, 1000) n").fetchone() == (500500,)
        connection.execute("DO $$ BEGIN PERFORM 1; END $$ LANGUAGE plpgsql")
        noon = "SELECT extract(hour FROM '2026-07-01 12:00+00'::timestamptz AT TIME ZONE 'Europe/Berlin')::int"
        assert connection.execute(noon).fetchone() == (14,)


def test_each_pgbouncer_says_its_version_and_pools(
    each_pgbouncer: PgBouncerServer, request: pytest.FixtureRequest
) -> None:
    with psycopg.connect(each_pgbouncer.dsn(), prepare_threshold=None) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    console: psycopg.Connection[Any] = psycopg.connect(
        each_pgbouncer.console_dsn(STATS), autocommit=True, cursor_factory=psycopg.ClientCursor
    )
    with console:
        row = console.execute("SHOW VERSION").fetchone()
    assert row is not None
    assert row[0].startswith(f"PgBouncer {released('each_pgbouncer', request)}.")


def test_each_redis_says_its_version(each_redis: RedisServer, request: pytest.FixtureRequest) -> None:
    release = released("each_redis", request)
    with Client.from_url(each_redis.url, decode_responses=True) as client:
        said = client.info("server")
    version = said["valkey_version" if release.startswith("valkey-") else "redis_version"]
    assert str(version).startswith(f"{release.removeprefix('valkey-')}.")


@pytest.mark.parametrize(
    ("name", "release"), [*rarely("postgres"), *rarely("pgbouncer", "1.24"), *rarely("redis-server", "8.0")]
)
@pytest.mark.parametrize("end", [Server.stop, Server.kill], ids=["stopped", "killed"])
def test_a_release_leaves_no_process(
    own_servers: Servers, name: str, release: str, end: Callable[[Server], None]
) -> None:
    server = started(own_servers, name, release)
    assert server.pid is not None
    marks = [Mark.of(server.pid), *children(server.pid)]
    assert None not in marks
    end(server)
    assert not [mark for mark in marks if mark is not None and mark.runs()]
    assert not server.is_ready()
    server.start()
    assert server.is_ready()


def started(servers: Servers, name: str, release: str) -> Server:
    if name == "postgres":
        return servers.postgres(release)
    if name == "pgbouncer":
        return servers.pgbouncer(servers.postgres(), release=release)
    return servers.redis(release=release)


@pytest.mark.parametrize(("_name", "release"), rarely("postgres-exporter"))
def test_a_postgres_exporter_shows_its_server(
    postgres: PostgresServer, postgres_exporter: Callable[..., Exporter], _name: str, release: str
) -> None:
    exporter = postgres_exporter(postgres, release=release)
    assert "\npg_up 1\n" in exporter.page()
    assert 'pg_stat_database_xact_commit{datid="' in exporter.page()
    assert_keeps(MONITOR.password, exporter)


@pytest.mark.parametrize(("_name", "release"), rarely("redis-exporter"))
def test_a_redis_exporter_shows_its_server(
    new_redis: Callable[..., RedisServer], redis_exporter: Callable[..., Exporter], _name: str, release: str
) -> None:
    eye = Account("eye", "secret-of-eye")
    server = new_redis(acl=f"user default off\nuser {eye.name} on >{eye.password} +@all ~*\n")
    exporter = redis_exporter(server, release=release, account=eye)
    assert "\nredis_up 1\n" in exporter.page()
    assert_keeps(eye.password, exporter)


@pytest.mark.parametrize(("_name", "release"), rarely("pgbouncer-exporter"))
def test_a_pgbouncer_exporter_shows_its_server(
    pgbouncer: PgBouncerServer, pgbouncer_exporter: Callable[..., Exporter], _name: str, release: str
) -> None:
    exporter = pgbouncer_exporter(pgbouncer, release=release)
    assert "\npgbouncer_up 1\n" in exporter.page()
    assert_keeps(STATS.password, exporter)


def assert_keeps(secret: str, exporter: Exporter) -> None:
    """It is where only its own account can read it."""
    assert secret not in Path(f"/proc/{exporter.pid}/cmdline").read_text()
    assert secret not in exporter.log.read_text()
    assert secret not in exporter.page()
