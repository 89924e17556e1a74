"""The three servers run with what their files say, and their accounts have the least rights."""

import re
import resource
from pathlib import Path

import psycopg
import psycopg.rows
import pytest
import redis
from psycopg.conninfo import make_conninfo
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry

import stack
from stack.native.pgbouncer import PgBouncer
from stack.native.redis import Redis
from stack.native.tools import Toolbox
from stack.pgbouncer.server import CONFIG
from tests.servers import STATS, PostgresServer, Servers
from tests.stack.conftest import Reach

FOLDER = Path(str(stack.__file__)).parent


def pairs(file: str, separator: str) -> dict[str, str]:
    """The settings of a file, without its comments."""
    lines = [re.sub(r"(^|\s)[#;].*", "", line).strip() for line in (FOLDER / file).read_text().splitlines()]
    found = [line.partition(separator) for line in lines if line and not line.startswith("[")]
    return {name.strip(): value.strip().strip("'\"") for name, _, value in found}


def most_clients() -> int:
    """What the file says, or what this machine's file descriptors allow: Redis keeps 32 for itself."""
    said = int(pairs("redis/redis.conf", " ")["maxclients"])
    return min(said, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 32)


def test_postgresql_has_what_its_file_says(reach: Reach) -> None:
    said = pairs("postgres/postgresql.conf", "=")
    assert len(said) > 20
    with reach.postgres() as connection:
        for name, value in said.items():
            shown = connection.execute("SELECT current_setting(%s)", [name]).fetchall()[0][0]
            assert shown.strip() == value.strip(), name
        wrong = connection.execute("SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL").fetchall()
    assert wrong == []


def test_postgresql_has_room_for_pool_collector_and_hands(reach: Reach) -> None:
    pool = pairs("pgbouncer/pgbouncer.ini", "=")
    most = int(pairs("postgres/postgresql.conf", "=")["max_connections"])
    with reach.postgres() as connection:
        collector = connection.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'trivet'").fetchall()[0][0]
    assert most >= int(pool["default_pool_size"]) + int(pool["reserve_pool_size"]) + collector + 3 + 5


def test_vacuum_starts_before_the_target_is_missed() -> None:
    """Dead rows at the start of a vacuum, of a table of 100,000: under 5 %."""
    said = pairs("postgres/postgresql.conf", "=")
    dead = float(said["autovacuum_vacuum_scale_factor"]) * 100_000 + float(said["autovacuum_vacuum_threshold"])
    assert dead / 100_000 < 0.025


def test_pgbouncer_has_what_its_file_says(reach: Reach) -> None:
    said = pairs("pgbouncer/pgbouncer.ini", "=")
    with reach.console() as console, console.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        shown = {row["key"]: row["value"] for row in cursor.execute("SHOW CONFIG")}
    assert {name: shown[name] for name in said} == said
    assert {"max_client_conn": "1000", "default_pool_size": "25", "min_pool_size": "10"}.items() <= said.items()


def test_pgbouncer_keeps_its_connections_warm(reach: Reach) -> None:
    """min_pool_size works with passed-on SCRAM secrets, once a client was there."""
    with (
        psycopg.connect(
            host="127.0.0.1",
            port=reach.port("pgbouncer"),
            user="app",
            password=reach.secret("app"),
            dbname="iac_db",
            autocommit=True,
            prepare_threshold=None,
        ) as client,
        reach.console() as console,
    ):
        client.execute("SELECT 1")
        for _ in range(100):
            with console.cursor(row_factory=psycopg.rows.dict_row) as cursor:
                pools = {(row["database"], row["user"]): row for row in cursor.execute("SHOW POOLS")}
            pool = pools["iac_db", "app"]
            if pool["sv_idle"] + pool["sv_used"] + pool["sv_active"] + pool["sv_tested"] >= 10:
                return
            client.execute("SELECT pg_sleep(0.1)")
    pytest.fail(f"only {pool}")


def test_the_collector_looks_at_the_console_and_touches_nothing(reach: Reach) -> None:
    with reach.console() as console:
        for command in ("PAUSE", "SHUTDOWN", "RELOAD", "SET default_pool_size = 1", "KILL iac_db"):
            with pytest.raises(psycopg.Error, match="admin access needed"):
                console.execute(command)


def test_the_app_is_not_let_into_the_console(reach: Reach) -> None:
    with pytest.raises(psycopg.OperationalError, match="not allowed"):
        reach.console("app")


class Including(PgBouncer):
    """As a container will: the machine's addresses in a file of their own, around ours."""

    def _prepare(self) -> None:
        ours = self._write("ours.ini", CONFIG.read_text())
        users = self._write("userlist.txt", self.userlist)
        self._write(
            "pgbouncer.ini",
            f"{self.config}%include {ours}\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\n"
            f"auth_file = {users}\nunix_socket_dir = {self.sockets}\nstats_users = stats\n",
        )


def test_pgbouncer_ini_can_be_included(own_servers: Servers, postgres: PostgresServer, toolbox: Toolbox) -> None:
    behind = f"[databases]\niac_db = host=127.0.0.1 port={postgres.port} dbname=postgres\n"
    folder = own_servers.folder / "including"
    with Including(toolbox.need("pgbouncer"), folder, config=behind, userlist=postgres.userlist()) as server:
        dsn = make_conninfo(
            host="127.0.0.1", port=server.port, user=STATS.name, password=STATS.password, dbname="pgbouncer"
        )
        with psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor) as console:
            shown = {row[0]: row[1] for row in console.execute("SHOW CONFIG")}
    assert (shown["max_client_conn"], shown["stats_users"]) == ("1000", "stats")


def test_redis_has_what_its_file_says(own_servers: Servers) -> None:
    said = pairs("redis/redis.conf", " ") | {"maxmemory": "2147483648", "maxclients": str(most_clients())}
    tool = own_servers.redis().tool
    config = FOLDER / "redis" / "redis.conf"
    with (
        Redis(tool, own_servers.folder / "configured", config=config) as server,
        redis.Redis(port=server.port, decode_responses=True) as client,
    ):
        shown = client.config_get("*")
    assert {name: shown[name] for name in said} == said


def test_redis_fits_the_machine(reach: Reach) -> None:
    with reach.redis("trivet") as collector:
        memory, clients = collector.info("memory"), collector.info("clients")
    assert 0 < memory["maxmemory"] <= 2 * 1024**3
    assert memory["maxmemory_policy"] == "allkeys-lru"
    assert clients["maxclients"] == most_clients()


def test_redis_knows_nobody_without_a_name(reach: Reach) -> None:
    with (
        redis.Redis(port=reach.port("redis"), retry=Retry(NoBackoff(), 0)) as nobody,
        pytest.raises(redis.AuthenticationError),
    ):
        nobody.ping()


def test_the_app_may_use_its_own_keys_and_nothing_dangerous(reach: Reach) -> None:
    with reach.redis("app") as app:
        assert app.set("api:test", "1", ex=5)
        assert app.mget("api:test", "api:other") == ["1", None]
        for refused in (
            ("GET", "other"),
            ("KEYS", "*"),
            ("FLUSHALL",),
            ("CONFIG", "GET", "*"),
            ("INFO",),
            ("SHUTDOWN",),
        ):
            with pytest.raises(NoPermissionError):
                app.execute_command(*refused)


def test_the_collector_may_ask_how_redis_is_and_nothing_else(reach: Reach) -> None:
    with reach.redis("trivet") as collector:
        assert collector.ping()
        assert collector.info("everything")["redis_version"]
        assert collector.slowlog_len() >= 0
        assert collector.slowlog_get(10) is not None
        assert collector.latency_latest() == []
        assert collector.client_setname("trivet")
        assert collector.client_list()
        for refused in (
            ("GET", "api:x"),
            ("SET", "api:x", "1"),
            ("SCAN", "0"),
            ("CONFIG", "GET", "*"),
            ("CLIENT", "KILL", "ID", "1"),
            ("SLOWLOG", "RESET"),
            ("LATENCY", "RESET"),
            ("MONITOR",),
            ("FLUSHALL",),
        ):
            with pytest.raises(NoPermissionError):
                collector.execute_command(*refused)
