"""Real servers for tests: PostgreSQL, PgBouncer, Redis, VictoriaMetrics, Prometheus and its exporters on loopback.

Each has a port of its own.

`tests/conftest.py` makes fixtures of them. The session's servers are shared by all tests of a worker: leave them as
they were found (use own names for tables and keys), and take a `new_…` one to restart, pause or kill.
"""

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

from stack.native.exporter import Exporter
from stack.native.pgbouncer import PgBouncer
from stack.native.ports import LOOPBACK
from stack.native.postgres import Postgres
from stack.native.prometheus import Prometheus
from stack.native.redis import Redis
from stack.native.server import Server
from stack.native.tools import Tool, Toolbox
from stack.native.victoriametrics import VictoriaMetrics

TOOLS = Path(__file__).parents[1] / "var" / "tools"


@dataclass(frozen=True)
class Account:
    name: str
    password: str


SUPERUSER = Account("postgres", "superuser-password")
# An ordinary user, one that may read statistics, and one that may look at PgBouncer's console.
APP = Account("app", "app-password")
MONITOR = Account("monitor", "monitor-password")
STATS = Account("stats", "stats-password")

SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    # All tests of a worker share its entries: at 5,000 the least used would fall out from under a test.
    "pg_stat_statements.max": "50000",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "track_io_timing": "on",
    # Fewer wake-ups of servers that mostly wait: two cores run all tests.
    "autovacuum_naptime": "1h",
}

POOLER = """
[databases]
* = host={host} port={port}

[pgbouncer]
auth_type = scram-sha-256
pool_mode = transaction
default_pool_size = 5
max_client_conn = 100
admin_users = {admin}
stats_users = {stats}
ignore_startup_parameters = extra_float_digits
"""


class PostgresServer(Postgres):
    """Has the accounts SUPERUSER, APP, MONITOR and STATS, and pg_stat_statements in database `postgres`."""

    def __init__(self, tool: Tool, folder: Path, settings: dict[str, str] | None = None) -> None:
        super().__init__(
            tool,
            folder,
            superuser=SUPERUSER.name,
            password=SUPERUSER.password,
            settings=SETTINGS | (settings or {}),
            durable=False,
        )

    def dsn(self, account: Account = SUPERUSER, dbname: str = "postgres", **more: Any) -> str:
        return make_conninfo(
            host=self.host, port=self.port, user=account.name, password=account.password, dbname=dbname, **more
        )

    def connect(self, account: Account = SUPERUSER, dbname: str = "postgres") -> psycopg.Connection:
        """An autocommitting connection; yours to close."""
        return psycopg.connect(self.dsn(account, dbname), autocommit=True)

    def furnish(self) -> None:
        """Makes the accounts and the extension."""
        with self.connect() as connection:
            for account in (APP, MONITOR, STATS):
                connection.execute(f"CREATE ROLE {account.name} LOGIN PASSWORD '{account.password}'")
            connection.execute(f"GRANT pg_monitor TO {MONITOR.name}")
            connection.execute(f"GRANT CREATE ON SCHEMA public TO {APP.name}")
            connection.execute("CREATE EXTENSION pg_stat_statements")

    def userlist(self) -> str:
        """PgBouncer's auth_file for all accounts, with SCRAM secrets and no password."""
        with self.connect() as connection:
            secrets = connection.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
            return "".join(f'"{name}" "{secret}"\n' for name, secret in secrets)


class PgBouncerServer(PgBouncer):
    """Pools transactions for `behind`. SUPERUSER may administer it, STATS may look."""

    def __init__(self, tool: Tool, folder: Path, behind: PostgresServer, config: str | None = None) -> None:
        text = POOLER.format(host=behind.host, port=behind.port, admin=SUPERUSER.name, stats=STATS.name)
        super().__init__(tool, folder, config=config or text, userlist=behind.userlist())
        self.behind = behind

    def dsn(self, account: Account = APP, dbname: str = "postgres") -> str:
        return make_conninfo(
            host=self.host, port=self.port, user=account.name, password=account.password, dbname=dbname
        )

    def console_dsn(self, account: Account = STATS) -> str:
        """For the admin console: autocommit and the simple protocol (psycopg's ClientCursor)."""
        return self.dsn(account, "pgbouncer")


class RedisServer(Redis):
    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"


class Hole:
    """Accepts connections and never answers."""

    host = LOOPBACK

    def __init__(self) -> None:
        self._listener = socket.create_server((LOOPBACK, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="hole", daemon=True)
        self._thread.start()

    @property
    def taken(self) -> int:
        """How many connections it has accepted."""
        return len(self._taken)

    def close(self) -> None:
        # close() alone does not wake the accept() that waits in the thread.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for connection in (*self._taken, self._listener):
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._taken.append(connection)


class Servers:
    """Makes servers below one folder and stops them all at the end."""

    def __init__(self, toolbox: Toolbox, folder: Path) -> None:
        self._toolbox = toolbox
        self.folder = folder
        self._running: list[Server] = []

    def postgres(self, release: str = "", **settings: str) -> PostgresServer:
        """`release` is one of the catalog's, here and below; without, it is whichever is at hand."""
        server = PostgresServer(self._toolbox.need("postgres", release), self._place("postgres"), settings)
        self._start(server)
        server.furnish()
        return server

    def pgbouncer(self, behind: PostgresServer, config: str | None = None, release: str = "") -> PgBouncerServer:
        server = PgBouncerServer(self._toolbox.need("pgbouncer", release), self._place("pgbouncer"), behind, config)
        self._start(server)
        return server

    def redis(self, acl: str | None = None, release: str = "", **overrides: str) -> RedisServer:
        """Directives with a dash are written with an underscore: `maxmemory_policy="allkeys-lru"`."""
        directives = {name.replace("_", "-"): value for name, value in overrides.items()}
        tool = self._toolbox.need("redis-server", release)
        server = RedisServer(tool, self._place("redis"), overrides={"save": '""', **directives}, acl=acl)
        self._start(server)
        return server

    def victoriametrics(self) -> VictoriaMetrics:
        server = VictoriaMetrics(self._toolbox.need("victoria-metrics"), self._place("victoriametrics"))
        self._start(server)
        return server

    def prometheus(self, late: str = "0s", scrape: Sequence[str] = ()) -> Prometheus:
        server = Prometheus(self._toolbox.need("prometheus"), self._place("prometheus"), late=late, scrape=scrape)
        self._start(server)
        return server

    def postgres_exporter(
        self, behind: PostgresServer, *flags: str, release: str = "0.17", account: Account = MONITOR
    ) -> Exporter:
        """Looks as MONITOR unless told otherwise; what it collects is its own default unless `flags` say more."""
        secrets = {
            "DATA_SOURCE_URI": f"{behind.host}:{behind.port}/postgres?sslmode=disable",
            "DATA_SOURCE_USER": account.name,
            "DATA_SOURCE_PASS": account.password,
        }
        return self._exporter("postgres-exporter", release, secrets, flags)

    def redis_exporter(
        self, behind: RedisServer, *flags: str, release: str = "1.69", account: Account | None = None
    ) -> Exporter:
        secrets = {"REDIS_ADDR": behind.url}
        if account is not None:
            secrets |= {"REDIS_USER": account.name, "REDIS_PASSWORD": account.password}
        return self._exporter("redis-exporter", release, secrets, flags)

    def pgbouncer_exporter(
        self, behind: PgBouncerServer, *flags: str, release: str = "0.10", account: Account = STATS
    ) -> Exporter:
        who = f"{quote(account.name, safe='')}:{quote(account.password, safe='')}"
        address = f"postgres://{who}@{behind.host}:{behind.port}/pgbouncer?sslmode=disable"
        return self._exporter("pgbouncer-exporter", release, {"PGBOUNCER_EXPORTER_CONNECTION_STRING": address}, flags)

    def stop(self) -> None:
        for server in reversed(self._running):
            server.stop()

    def _exporter(self, name: str, release: str, secrets: dict[str, str], flags: tuple[str, ...]) -> Exporter:
        server = Exporter(self._toolbox.need(name, release), self._place(name), secrets=secrets, flags=flags)
        self._start(server)
        return server

    def _place(self, kind: str) -> Path:
        return self.folder / f"{kind}-{len(self._running)}"

    def _start(self, server: Server) -> None:
        self._running.append(server)
        server.start()


class Matrix:
    """One server of each release, started when it is first asked for."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._postgres: dict[str, PostgresServer] = {}
        self._pgbouncer: dict[str, PgBouncerServer] = {}
        self._redis: dict[str, RedisServer] = {}

    def postgres(self, release: str) -> PostgresServer:
        if release not in self._postgres:
            self._postgres[release] = self._servers.postgres(release)
        return self._postgres[release]

    def pgbouncer(self, release: str, behind: PostgresServer) -> PgBouncerServer:
        """All are in front of the same PostgreSQL, that of the first call."""
        if release not in self._pgbouncer:
            self._pgbouncer[release] = self._servers.pgbouncer(behind, release=release)
        return self._pgbouncer[release]

    def redis(self, release: str) -> RedisServer:
        if release not in self._redis:
            self._redis[release] = self._servers.redis(release=release)
        return self._redis[release]


@contextmanager
def servers(toolbox: Toolbox) -> Iterator[Servers]:
    """A maker of servers; when the block ends they are stopped and their folders are gone."""
    folder = Path(tempfile.mkdtemp(prefix="trivet-test-"))
    # Passable: as root the servers run as another account.
    folder.chmod(0o711)
    made = Servers(toolbox, folder)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)
