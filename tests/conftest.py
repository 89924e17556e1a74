"""Fixtures with real servers. They never skip: what is missing is fetched, or the test fails and says how to get it.

`each_postgres`, `each_pgbouncer` and `each_redis` give a test one run for each release of the matrix. Releases that
only `make test-matrix` runs are marked `rare` and deselected, and the header names them.
"""

import sys
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from _pytest.mark import ParameterSet

from stack.native.catalog import PROGRAMS
from stack.native.exporter import Exporter
from stack.native.prometheus import Prometheus
from stack.native.tools import Toolbox
from stack.native.victoriametrics import VictoriaMetrics
from tests.certificates import Authority
from tests.guard import Guard
from tests.servers import TOOLS, Hole, Matrix, PgBouncerServer, PostgresServer, RedisServer, Servers, servers

SHOWN = ("postgres", "pgbouncer", "redis-server", "victoria-metrics", "prometheus")
# What every run of the tests has to please: the oldest that is promised, and the newest that is quick to fetch.
USUAL = {"postgres": {"15", "18"}, "pgbouncer": {"1.18", "1.24"}, "redis-server": {"7.0", "8.0"}}
WITHOUT_RARE = "not rare"


# How long data take to make says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile(
    "whatever the machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("whatever the machine")


def _say(line: str) -> None:
    # Past the capture: who waits for a download wants to know.
    if sys.__stderr__ is not None:
        sys.__stderr__.write(f"{line}\n")


GUARD = pytest.StashKey[Guard]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[GUARD] = Guard()
    config.addinivalue_line("markers", "matrix: runs once for each release of a server")
    config.addinivalue_line("markers", "rare: a release that only `make test-matrix` runs")
    if not config.option.markexpr:
        config.option.markexpr = WITHOUT_RARE


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that leaves a process behind has failed."""
    guard = session.config.stash.get(GUARD, None)
    if guard is not None and not guard.is_content() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_report_header(config: pytest.Config) -> list[str]:
    box = Toolbox(TOOLS)
    chosen = config.option.markexpr
    return [*(f"server: {_version(box, name)}" for name in SHOWN), *(_matrix(name, chosen) for name in USUAL)]


def _matrix(name: str, chosen: str) -> str:
    releases = list(PROGRAMS[name].releases)
    if chosen != WITHOUT_RARE:
        return f"matrix: {name} {', '.join(releases)}, those of them that -m '{chosen}' selects"
    usual = [release for release in releases if release in USUAL[name]]
    rare = [release for release in releases if release not in USUAL[name]]
    return f"matrix: {name} {', '.join(usual)}" + (f" (make test-matrix: {', '.join(rare)} too)" if rare else "")


def _releases(name: str) -> list[ParameterSet]:
    """For a fixture: one run for each release, those of one release on one pytest worker, which starts it once."""
    return [
        pytest.param(
            release,
            id=f"{name}-{release}",
            marks=[
                pytest.mark.matrix,
                pytest.mark.xdist_group(f"{name}-{release}"),
                *([] if release in USUAL[name] else [pytest.mark.rare]),
            ],
        )
        for release in PROGRAMS[name].releases
    ]


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


@pytest.fixture(scope="session")
def matrix(shared_servers: Servers) -> Matrix:
    """The servers of all releases, those of a worker."""
    return Matrix(shared_servers)


@pytest.fixture(scope="session", params=_releases("postgres"))
def each_postgres(request: pytest.FixtureRequest, matrix: Matrix) -> PostgresServer:
    """A PostgreSQL of each release, with what `postgres` has. Shared: leave it as it was found."""
    return matrix.postgres(request.param)


@pytest.fixture(scope="session", params=_releases("pgbouncer"))
def each_pgbouncer(request: pytest.FixtureRequest, matrix: Matrix, postgres: PostgresServer) -> PgBouncerServer:
    """A PgBouncer of each release, in front of `postgres`."""
    return matrix.pgbouncer(request.param, postgres)


@pytest.fixture(scope="session", params=_releases("redis-server"))
def each_redis(request: pytest.FixtureRequest, matrix: Matrix) -> RedisServer:
    """A Redis of each release, and a Valkey."""
    return matrix.redis(request.param)


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
def postgres_exporter(own_servers: Servers) -> Callable[..., Exporter]:
    """`postgres_exporter(server, *flags, release="0.17", account=MONITOR).page()`"""
    return own_servers.postgres_exporter


@pytest.fixture
def redis_exporter(own_servers: Servers) -> Callable[..., Exporter]:
    """`redis_exporter(server, *flags, release="1.69", account=None).page()`"""
    return own_servers.redis_exporter


@pytest.fixture
def pgbouncer_exporter(own_servers: Servers) -> Callable[..., Exporter]:
    """`pgbouncer_exporter(server, *flags, release="0.10", account=STATS).page()`"""
    return own_servers.pgbouncer_exporter


@pytest.fixture
def new_authority(toolbox: Toolbox, own_servers: Servers) -> Callable[[str], Authority]:
    """`new_authority("ours").certificate("IP:127.0.0.1")`"""
    return lambda name: Authority(toolbox.need("openssl"), own_servers.folder / "certificates" / name)


@pytest.fixture
def hole() -> Iterator[Hole]:
    """A server that accepts and never answers."""
    made = Hole()
    yield made
    made.close()
