"""The API when what it stands on is away or slow."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.test import TestResponse

from stack.api.app import Parts, create_app
from stack.api.database import QUERIES
from stack.api.settings import Settings
from stack.native.ports import free_port
from tests.servers import Hole
from tests.stack.conftest import Reach

Get = Callable[..., TestResponse]


@contextmanager
def served(settings: Settings) -> Iterator[Get]:
    app = create_app(settings)
    parts: Parts = app.extensions["stack"]
    try:
        yield lambda path, method="GET", **more: app.test_client().open(path, method=method, **more)
    finally:
        parts.close()


def test_without_redis_every_request_is_served(reach: Reach) -> None:
    with served(reach.settings(redis_port=free_port())) as get:
        answers = [get("/api/blueprints/1") for _ in range(2)]
        assert [(answer.status_code, answer.headers["X-Cache"]) for answer in answers] == [(200, "BYPASS")] * 2
        changed = get("/api/blueprints/1", "PUT", json={"description": "without a cache"})
        assert changed.status_code == 200
        assert get("/healthz").json == {"database": True, "cache": False}
        assert b'cache_requests_total{result="error"} 3.0' in get("/metrics").data


def test_a_redis_that_never_answers_is_no_cache_either(reach: Reach, hole: Hole) -> None:
    with served(reach.settings(redis_port=hole.port)) as get:
        assert get("/api/blueprints/1").headers["X-Cache"] == "BYPASS"


def test_a_wrong_redis_password_is_no_outage(reach: Reach) -> None:
    with served(reach.settings(redis_password="wrong")) as get:
        assert get("/api/blueprints/1").headers["X-Cache"] == "BYPASS"


def test_without_the_database_what_is_cached_is_served_and_the_rest_is_a_503(reach: Reach) -> None:
    with served(reach.settings()) as get:
        assert get("/api/blueprints/2").status_code == 200
    with served(reach.settings(database_port=free_port())) as get:
        assert get("/api/blueprints/2").headers["X-Cache"] == "HIT"
        answer = get("/api/blueprints?user_id=4711")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert answer.json is not None
        assert answer.json["title"] == "Service Unavailable"
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert get("/healthz").status_code == 503


def test_a_locked_row_is_a_504_and_a_full_pool_a_503(reach: Reach, made: dict[str, Any]) -> None:
    path = f"/api/blueprints/{made['id']}"
    with served(reach.settings(pool_size=1)) as get, reach.postgres() as locker, locker.transaction():
        locker.execute("SELECT FROM blueprints WHERE id = %s FOR UPDATE", [made["id"]])
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(get, path, "PUT", json={"name": "never"})
            while not _waits(locker):
                pass
            full = get("/api/blueprints?user_id=4712")
            assert (full.status_code, full.headers["Retry-After"]) == (503, "2")
            slow = waiting.result()
        assert (slow.status_code, slow.headers["Content-Type"]) == (504, "application/problem+json")
        assert get(path).json == made


def _waits(connection: Any) -> bool:
    found = connection.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall()
    return bool(found)


def test_a_database_that_hangs_is_a_503_in_time(reach: Reach) -> None:
    """No answer and no end of the connection: only PgBouncer's query_timeout ends this."""
    postmaster = reach.stack.pids()["postgres"][0]
    with served(reach.settings(redis_port=free_port())) as get:
        assert get("/api/blueprints/3").status_code == 200
        # The postmaster first: it forks no more, and its children are then all there are.
        os.kill(postmaster, signal.SIGSTOP)
        processes = reach.stack.pids()["postgres"]
        try:
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            start = time.monotonic()
            answer = get("/api/blueprints/3")
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert time.monotonic() - start < 12
        # PgBouncer tries again two seconds after a login that failed (server_login_retry).
        end = time.monotonic() + 6
        while get("/api/blueprints/3").status_code != 200:
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_bug_is_a_problem_without_its_text(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(reach.settings(redis_port=free_port())) as get:
        monkeypatch.setitem(QUERIES, "detail", "SELECT secret")
        answer = get("/api/blueprints/3")
    assert answer.status_code == 500
    assert answer.json is not None
    assert "secret" not in answer.text
    assert answer.headers["Server-Timing"]


def test_a_connection_that_pgbouncer_closed_is_found_before_a_request_does(reach: Reach) -> None:
    with served(reach.settings()) as get:
        assert get("/api/blueprints?user_id=4713").status_code == 200
        reach.server("pgbouncer").stop()
        reach.server("pgbouncer").start()
        assert get("/api/blueprints?user_id=4714").status_code == 200
