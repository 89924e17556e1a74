"""Each server starts, answers, is stopped and leaves nothing."""

import socket
import urllib.request
from collections.abc import Callable

import psycopg
import pytest
from redis import Redis as Client

from stack.native.process import Mark
from stack.native.server import Server
from stack.native.victoriametrics import VictoriaMetrics
from tests.servers import APP, MONITOR, STATS, Hole, PgBouncerServer, PostgresServer, RedisServer


def running(server: Server) -> Mark | None:
    return Mark.of(server.pid) if server.pid is not None else None


def test_postgres_answers_and_keeps_statement_statistics(postgres: PostgresServer) -> None:
    with postgres.connect(MONITOR) as connection:
        row = connection.execute("SELECT count(*) > 0, current_setting('server_encoding') FROM pg_stat_statements")
        assert row.fetchone() == (True, "UTF8")


def test_postgres_wants_a_password_on_every_way_in(postgres: PostgresServer) -> None:
    for host in (postgres.host, str(postgres.sockets)):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=host, port=postgres.port, user="postgres", dbname="postgres")


def test_pgbouncer_pools_for_the_app_and_shows_itself_to_stats(pgbouncer: PgBouncerServer) -> None:
    with psycopg.connect(pgbouncer.dsn(), prepare_threshold=None) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (APP.name,)
    console = psycopg.connect(pgbouncer.console_dsn(STATS), autocommit=True, cursor_factory=psycopg.ClientCursor)
    with console:
        pools = console.execute("SHOW POOLS").fetchall()
    assert ("postgres", APP.name) in {(pool[0], pool[1]) for pool in pools}


def test_redis_answers_on_its_port_and_its_socket(redis: RedisServer) -> None:
    for client in (Client.from_url(redis.url), Client(unix_socket_path=str(redis.socket))):
        with client:
            assert client.ping()


def test_victoriametrics_answers(victoriametrics: VictoriaMetrics) -> None:
    with urllib.request.urlopen(f"{victoriametrics.url}/api/v1/query?query=1", timeout=5) as answer:
        assert b'"success"' in answer.read()


def test_a_restarted_redis_keeps_its_port_and_forgets_its_process(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    first = running(server)
    assert first is not None
    port = server.port
    server.stop()
    assert running(server) is None
    assert not first.runs()
    assert not server.is_ready()
    server.start()
    assert server.port == port
    assert running(server) not in {None, first}
    assert server.is_ready()


def test_a_paused_server_does_not_answer_until_it_is_resumed(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    server.pause()
    assert not server.is_ready()
    server.resume()
    assert server.is_ready()


def test_a_paused_server_can_be_stopped(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    server.pause()
    server.stop()
    assert running(server) is None


def test_redis_reads_its_acl_and_overrides(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(acl="user default off\nuser eye on >secret +ping +config|get\n", maxmemory="3mb")
    with Client(host=server.host, port=server.port, username="eye", password="secret") as client:
        assert client.config_get("maxmemory") == {"maxmemory": str(3 << 20)}


def test_pgbouncer_reads_a_changed_config(
    postgres: PostgresServer, new_pgbouncer: Callable[..., PgBouncerServer]
) -> None:
    server = new_pgbouncer(postgres)
    server.config = server.config.replace("default_pool_size = 5", "default_pool_size = 7")
    server.reload()
    console = psycopg.connect(server.console_dsn(), autocommit=True, cursor_factory=psycopg.ClientCursor)
    with console:
        settings = {row[0]: row[1] for row in console.execute("SHOW CONFIG")}
    assert settings["default_pool_size"] == "7"


def test_a_hole_accepts_and_is_silent(hole: Hole) -> None:
    with socket.create_connection((hole.host, hole.port), timeout=1) as connection:
        connection.settimeout(0.1)
        connection.sendall(b"hello")
        with pytest.raises(TimeoutError):
            connection.recv(1)
