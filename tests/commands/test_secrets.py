"""Secrets never appear: in no log, store, page, answer, argument or message, whatever goes wrong with them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests
from redis import Redis

from stack.native.ports import free_port
from tests.commands.test_run import descendants
from tests.servers import PgBouncerServer, PostgresServer, RedisServer

CANARY = "cAnArY"
"""In every secret of this test and in nothing else."""

FED_WITHIN = 60.0
PAGES = ("", "api", "pgbouncer", "redis", "postgres", "status", "healthz", "metrics", "metrics/postgres")
MORE = ("metrics/redis", "metrics/pgbouncer", "api/v1/targets", "api/v1/catalog", "overview.csv", "postgres.csv")

CONFIG = """
[web]
listen = "127.0.0.1:{web}"
[[source]]
name = "pg"
kind = "postgres"
port = {postgres}
user = "canary"
password = "${{CANARY_PASSWORD}}"
[[source]]
name = "pg-wrong"
kind = "postgres"
port = {postgres}
user = "canary"
password = "wrong-{canary}-1"
[[source]]
name = "pool"
kind = "pgbouncer"
port = {pgbouncer}
user = "canary"
password_file = "{file}"
[[source]]
name = "pool-wrong"
kind = "pgbouncer"
port = {pgbouncer}
user = "canary"
password = "wrong-{canary}-2"
[[source]]
name = "cache"
kind = "redis"
port = {redis}
user = "canary"
password = "right-{canary}-redis"
[[source]]
name = "cache-wrong"
kind = "redis"
port = {redis}
user = "canary"
password = "wrong-{canary}-3"
[[source]]
name = "api"
kind = "api"
url = "http://127.0.0.1:{api}/metrics"
token = "right-{canary}-api"
[[source]]
name = "api-wrong"
kind = "api"
url = "http://127.0.0.1:{api}/metrics"
token = "wrong-{canary}-4"
[[remote]]
name = "away"
write_url = "http://127.0.0.1:{nobody}/api/v1/write"
token = "wrong-{canary}-5"
headers = {{ "X-Key" = "wrong-{canary}-6" }}
"""


class _Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        good = self.headers["Authorization"] == f"Bearer right-{CANARY}-api"
        self.send_response(200 if good else 401)
        self.end_headers()
        if good:
            self.wfile.write(b'http_requests_total{method="GET",route="/",code="200"} 5\n')
        else:
            # A careless server says what it was given.
            self.wfile.write(f"no such token: {self.headers['Authorization']}".encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def api() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def postgres_with_secrets(new_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    """Its account, its own settings and its statements hold canaries."""
    server = new_postgres(ssl_passphrase_command=f"'echo setting-{CANARY}'")
    with server.connect() as db:
        db.execute(f"CREATE ROLE canary LOGIN PASSWORD 'right-{CANARY}-pg'".encode())
        db.execute("GRANT pg_monitor TO canary")
        db.execute(f"ALTER ROLE canary PASSWORD 'right-{CANARY}-pg'".encode())
        db.execute(f"ALTER SYSTEM SET primary_conninfo = 'host=x password=setting-{CANARY}'".encode())
        db.execute("SELECT pg_reload_conf()")
    return server


@pytest.fixture
def redis_with_secrets(new_redis: Callable[..., RedisServer]) -> RedisServer:
    """Its account, its settings and its slow log hold canaries."""
    acl = f"user default on nopass ~* &* +@all\nuser canary on >right-{CANARY}-redis ~* &* +@all\n"
    server = new_redis(acl=acl, slowlog_log_slower_than="0", masterauth=f"setting-{CANARY}")
    with Redis(host=server.host, port=server.port) as client:
        client.set(f"session:{CANARY}", f"value-{CANARY}")
        client.get(f"session:{CANARY}")
    return server


@pytest.mark.timeout(180)
def test_no_secret_is_ever_seen(
    tmp_path: Path,
    postgres_with_secrets: PostgresServer,
    new_pgbouncer: Callable[..., PgBouncerServer],
    redis_with_secrets: RedisServer,
    api: int,
) -> None:
    """Right and wrong ones, in the file, from the environment and from a file, over `check` and `run`."""
    pooler = new_pgbouncer(postgres_with_secrets)
    pooler.config = re.sub(r"(stats_users = .*)", r"\1, canary", pooler.config)
    pooler.reload()
    secret = tmp_path / "secret"
    secret.write_text(f"right-{CANARY}-pg\n")
    config = tmp_path / "trivet.toml"
    web = free_port()
    config.write_text(
        CONFIG.format(
            web=web,
            postgres=postgres_with_secrets.port,
            pgbouncer=pooler.port,
            redis=redis_with_secrets.port,
            api=api,
            nobody=free_port(),
            canary=CANARY,
            file=secret,
        )
    )
    env = {**os.environ, "CANARY_PASSWORD": f"right-{CANARY}-pg", "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-m", "cli"]
    checked = subprocess.run(
        [*words, "check", "--config", str(config)], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    seen = {"check": checked.stdout + checked.stderr}
    assert "password authentication failed" in seen["check"]
    with (tmp_path / "log").open("wb") as log:
        popen = subprocess.Popen(
            [*words, "run", "--config", str(config)], env=env, cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        seen |= looked_at(f"http://127.0.0.1:{web}/", popen.pid)
    finally:
        popen.send_signal(signal.SIGTERM)
        popen.wait(30)
    seen["log"] = (tmp_path / "log").read_text()
    data = [file for file in (tmp_path / "var" / "data").rglob("*") if file.is_file()]
    assert any(file.name == "series.db" for file in data)
    seen |= {str(file.name): file.read_bytes().decode("latin-1") for file in data}
    stats = subprocess.run(
        [*words, "store", "stats", "--config", str(config)],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    seen["stats"] = stats.stdout + stats.stderr
    assert {place: around(text) for place, text in seen.items() if CANARY in text} == {}


def looked_at(url: str, pid: int) -> dict[str, str]:
    """Every page once all that can be up is up, and the arguments of every process."""
    end = time.monotonic() + FED_WITHIN
    up: dict[str, str] = {}
    while not {"pg", "pool", "cache", "api"} <= {name for name, value in up.items() if value == "1"} or len(up) < 8:
        assert time.monotonic() < end, up
        time.sleep(0.5)
        try:
            text = requests.get(f"{url}metrics", timeout=20).text
        except requests.ConnectionError:
            continue
        up = dict(re.findall(r'^trivet_source_up\{source="([^"]+)"\} (\d)', text, re.M))
    assert {name for name, value in up.items() if value == "0"} == {
        "pg-wrong",
        "pool-wrong",
        "cache-wrong",
        "api-wrong",
    }
    # One more turn, so that what is said at the second poll is said.
    time.sleep(12)
    seen = {page or "overview": requests.get(url + page, timeout=20).text for page in (*PAGES, *MORE)}
    assert "authentication failed" in seen["status"]
    for mark in descendants(pid):
        seen[f"process {mark.pid}"] = Path(f"/proc/{mark.pid}/cmdline").read_text()
    return seen


def around(text: str) -> str:
    """Where a canary stands, for whoever has to find out why."""
    found = text.index(CANARY)
    return text[max(0, found - 120) : found + 40]
