"""Fixtures with real servers. They never skip: what is missing is fetched, or the test fails and says how to get it."""

import sys
from collections.abc import Callable, Iterator

import pytest

from stack.native.prometheus import Prometheus
from stack.native.tools import Toolbox
from stack.native.victoriametrics import VictoriaMetrics
from tests.servers import TOOLS, Hole, PgBouncerServer, PostgresServer, RedisServer, Servers, servers

SHOWN = ("postgres", "pgbouncer", "redis-server", "victoria-metrics", "prometheus")


def _say(line: str) -> None:
    # Past the capture: who waits for a download wants to know.
    if sys.__stderr__ is not None:
        sys.__stderr__.write(f"{line}\n")


def pytest_report_header() -> list[str]:
    box = Toolbox(TOOLS)
    return [f"server: {_version(box, name)}" for name in SHOWN]


def _version(box: Toolbox, name: str) -> str:
    tool = box.find(name)
    if tool is None:
        return f"{name}, not here yet: fetched when a test needs it"
    # Debian's VictoriaMetrics has a version flag and prints nothing.
    return next(iter(tool.says().splitlines()), "") or f"{name} of unknown version"


@pytest.fixture(scope="session")
def toolbox() -> Toolbox:
    return Toolbox(TOOLS, _say)


@pytest.fixture(scope="session")
def shared_servers(toolbox: Toolbox) -> Iterator[Servers]:
    with servers(toolbox) as made:
        yield made


@pytest.fixture(scope="session")
def postgres(shared_servers: Servers) -> PostgresServer:
    """One PostgreSQL per worker, with the accounts of tests/servers.py and pg_stat_statements."""
    return shared_servers.postgres()


@pytest.fixture(scope="session")
def pgbouncer(shared_servers: Servers, postgres: PostgresServer) -> PgBouncerServer:
    """One PgBouncer per worker, in front of `postgres`."""
    return shared_servers.pgbouncer(postgres)


@pytest.fixture(scope="session")
def redis(shared_servers: Servers) -> RedisServer:
    """One Redis per worker, without a password."""
    return shared_servers.redis()


@pytest.fixture(scope="session")
def victoriametrics(shared_servers: Servers) -> VictoriaMetrics:
    return shared_servers.victoriametrics()


@pytest.fixture(scope="session")
def prometheus(shared_servers: Servers) -> Prometheus:
    """One Prometheus per worker, which refuses samples older than the newest of their series."""
    return shared_servers.prometheus()


@pytest.fixture
def own_servers(toolbox: Toolbox) -> Iterator[Servers]:
    """Servers of this test alone."""
    with servers(toolbox) as made:
        yield made


@pytest.fixture
def new_postgres(own_servers: Servers) -> Callable[..., PostgresServer]:
    """`new_postgres(work_mem="1MB")`: a server to restart, pause or kill."""
    return own_servers.postgres


@pytest.fixture
def new_pgbouncer(own_servers: Servers) -> Callable[..., PgBouncerServer]:
    """`new_pgbouncer(behind, config=None)`."""
    return own_servers.pgbouncer


@pytest.fixture
def new_redis(own_servers: Servers) -> Callable[..., RedisServer]:
    """`new_redis(maxmemory="1mb", acl=None)`."""
    return own_servers.redis


@pytest.fixture
def hole() -> Iterator[Hole]:
    """A server that accepts and never answers."""
    made = Hole()
    yield made
    made.close()
