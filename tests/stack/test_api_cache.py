"""Answers from the cache are never older than the last change."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from stack.api.cache import Away, Cache
from stack.api.settings import Settings
from stack.redis.server import acl
from tests.servers import RedisServer, Servers
from tests.stack.conftest import Reach

Ask = Callable[..., requests.Response]


def states(ask: Ask, path: str, times: int = 2) -> list[str]:
    return [ask("GET", path).headers["X-Cache"] for _ in range(times)]


def test_a_detail_misses_hits_and_misses_again_after_each_write(ask: Ask, made: dict[str, Any]) -> None:
    path = f"/api/blueprints/{made['id']}"
    assert states(ask, path, 3) == ["MISS", "HIT", "HIT"]
    ask("PUT", path, json={"description": "changed"})
    assert states(ask, path) == ["MISS", "HIT"]
    assert ask("GET", path).json()["description"] == "changed"
    ask("DELETE", path)
    assert ask("GET", path).status_code == 404


@pytest.mark.parametrize("query", ["", "user_id=4999", "provider=gcp", "status=draft", "provider=gcp&status=draft"])
def test_a_new_row_renews_every_list_that_shows_it(ask: Ask, query: str) -> None:
    states(ask, f"/api/blueprints?{query}")
    body = {"user_id": 4999, "name": "newest", "provider": "gcp"}
    row = ask("POST", "/api/blueprints", json=body).json()
    answer = ask("GET", f"/api/blueprints?{query}")
    assert answer.headers["X-Cache"] == "MISS"
    assert answer.json()["items"][0]["id"] == row["id"]


@pytest.mark.parametrize("query", ["status=draft", "status=active", "provider=gcp", "user_id=4999", "q=own"])
def test_a_row_that_moves_renews_the_lists_it_leaves_and_enters(ask: Ask, made: dict[str, Any], query: str) -> None:
    states(ask, f"/api/blueprints?{query}")
    ask("PUT", f"/api/blueprints/{made['id']}", json={"status": "active"})
    assert states(ask, f"/api/blueprints?{query}") == ["MISS", "HIT"]


@pytest.mark.parametrize(
    "query", ["user_id=4997", "provider=onprem", "status=archived", "provider=gcp&status=archived"]
)
def test_lists_that_cannot_show_the_row_stay(ask: Ask, query: str) -> None:
    states(ask, f"/api/blueprints?{query}")
    ask("POST", "/api/blueprints", json={"user_id": 4999, "name": "elsewhere", "provider": "gcp"})
    assert states(ask, f"/api/blueprints?{query}") == ["HIT", "HIT"]


def test_a_change_that_no_list_shows_renews_none(ask: Ask, made: dict[str, Any]) -> None:
    states(ask, "/api/blueprints?user_id=4999")
    ask("PUT", f"/api/blueprints/{made['id']}", json={"definition": {"nodes": 9}})
    assert states(ask, "/api/blueprints?user_id=4999") == ["HIT", "HIT"]


def test_the_order_of_parameters_does_not_matter(ask: Ask) -> None:
    ask("GET", "/api/blueprints?provider=onprem&user_id=4996")
    assert states(ask, "/api/blueprints?user_id=4996&provider=onprem", 1) == ["HIT"]


def test_concurrent_writes_and_reads_leave_no_stale_entry(ask: Ask, reach: Reach, made: dict[str, Any]) -> None:
    url = f"{reach.url}/api/blueprints/{made['id']}"

    def read(_: int) -> None:
        requests.get(url, timeout=15).close()

    with ThreadPoolExecutor(4) as pool:
        for turn in range(25):
            reads = [pool.submit(read, n) for n in range(4)]
            requests.put(url, json={"description": f"turn {turn}"}, timeout=15).close()
            after = requests.get(url, timeout=15).json()["description"]
            assert after == f"turn {turn}"
            for each in reads:
                each.result()
            assert requests.get(url, timeout=15).json()["description"] == f"turn {turn}"


@pytest.fixture
def cache(own_servers: Servers) -> Iterator[tuple[Cache, RedisServer]]:
    server = own_servers.redis(acl=acl("secret", "other"))
    settings = Settings(database_port=1, redis_port=server.port, database_password="", redis_password="secret")
    made = Cache(settings)
    yield made, server
    made.close()


def test_an_answer_computed_before_a_write_is_not_served_after_it(cache: tuple[Cache, RedisServer]) -> None:
    ours, _ = cache
    before = ours.find("list:1", "all")
    ours.invalidate({"all"})
    ours.store("list:1", b"old", before.token)
    assert ours.find("list:1", "all").body is None


def test_an_entry_does_not_come_back_when_its_generation_was_evicted(cache: tuple[Cache, RedisServer]) -> None:
    ours, _ = cache
    ours.store("list:1", b"old", ours.find("list:1", "all").token)
    assert ours.find("list:1", "all").body == b"old"
    ours._client.delete("api:generation:all")
    assert ours.find("list:1", "all").body is None


def test_an_invalidation_that_redis_missed_is_delivered_before_the_next_answer(
    cache: tuple[Cache, RedisServer],
) -> None:
    ours, server = cache
    ours.store("list:1", b"old", ours.find("list:1", "all").token)
    server.pause()
    with pytest.raises(Away):
        ours.invalidate({"all"})
    with pytest.raises(Away):
        ours.find("list:1", "all")
    server.resume()
    time.sleep(1.1)
    assert ours.find("list:1", "all").body is None


def test_a_hanging_redis_costs_one_request_a_second_and_not_all(cache: tuple[Cache, RedisServer]) -> None:
    ours, server = cache
    ours.find("list:1", "all")
    server.pause()
    start = time.monotonic()
    for _ in range(100):
        with pytest.raises(Away):
            ours.find("list:1", "all")
    assert time.monotonic() - start < 0.8
