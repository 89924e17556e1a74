"""What /metrics says are totals over both workers of the server."""

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.parser import text_string_to_metric_families

from stack.api import connections
from tests.stack.conftest import Reach

Ask = Callable[..., requests.Response]
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]
MONOTONIC = ("_total", "_count", "_sum", "_bucket")


def scraped(reach: Reach) -> Series:
    # A connection of its own each time: the kernel gives it to either worker.
    text = requests.get(f"{reach.url}/metrics", timeout=10).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def value(series: Series, name: str, **labels: str) -> float:
    return series[name, frozenset(labels.items())]


def total(series: Series, name: str, **labels: str) -> float:
    wanted = labels.items()
    return sum(value for (own, has), value in series.items() if own == name and set(wanted) <= has)


def worked(reach: Reach) -> dict[str, float]:
    """Each worker's own count, by its file."""
    files = (reach.stack.folder / "api" / "metrics").glob("counter_*.db")
    return {
        file.name: sum(
            value
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]
            if json.loads(key)[1] == "http_requests_total"
        )
        for file in files
    }


def test_totals_never_fall_and_equal_what_was_asked(reach: Reach) -> None:
    first = last = scraped(reach)
    by_worker = worked(reach)
    asked = 0
    for turn in range(100):
        for _ in range(3):
            requests.get(f"{reach.url}/api/blueprints/{1 + turn % 7}", timeout=10).close()
            asked += 1
        now = scraped(reach)
        fell = [key for key, before in last.items() if key[0].endswith(MONOTONIC) and now[key] < before]
        assert not fell
        assert total(now, "http_requests_total") - total(first, "http_requests_total") == asked
        last = now
    for name in ("http_request_duration_seconds_count", "cache_requests_total"):
        assert total(last, name) - total(first, name) == asked
    # Or all this would prove nothing.
    busy = [worker for worker, count in worked(reach).items() if count > by_worker.get(worker, 0)]
    assert len(busy) == 2


def test_a_killed_worker_keeps_its_part_and_leaves_nothing_in_flight(reach: Reach) -> None:
    before = scraped(reach)
    worker = reach.stack.pids()["api"][1]
    os.kill(worker, signal.SIGKILL)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            after = scraped(reach)
            if len(reach.stack.pids()["api"]) >= 3 and worker not in reach.stack.pids()["api"]:
                break
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    after = scraped(reach)
    assert total(after, "http_requests_total") == total(before, "http_requests_total")
    assert value(after, "http_requests_in_flight") == 0
    assert value(after, "process_start_time_seconds") == value(before, "process_start_time_seconds")


def test_watchers_visits_are_not_traffic(reach: Reach, ask: Ask) -> None:
    before = scraped(reach)
    ask("GET", "/healthz")
    ask("GET", "/metrics")
    assert total(scraped(reach), "http_requests_total") == total(before, "http_requests_total")


def test_the_start_is_the_servers_and_the_same_from_both_workers(reach: Reach) -> None:
    starts = {value(scraped(reach), "process_start_time_seconds") for _ in range(20)}
    assert len(starts) == 1
    assert 0 < time.time() - starts.pop() < 3600


def test_a_request_is_in_its_series(reach: Reach, ask: Ask, made: dict[str, Any]) -> None:
    route, path = "/api/blueprints/<id>", f"/api/blueprints/{made['id']}"
    before = scraped(reach)
    for _ in range(3):
        ask("GET", path)
    ask("GET", "/api/nowhere")
    after = scraped(reach)

    def grew(name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    assert grew("http_requests_total", method="GET", route=route, code="200") == 3
    assert grew("http_request_duration_seconds_count", route=route, method="GET", cache="HIT") == 2
    assert grew("http_request_duration_seconds_count", route=route, method="GET", cache="MISS") == 1
    assert grew("http_db_duration_seconds_count", route=route) == 1
    assert grew("http_pool_wait_seconds_count") == 1
    assert grew("cache_requests_total", result="hit") == 2
    assert grew("cache_requests_total", result="miss") == 1
    assert grew("http_requests_total", method="GET", route="other", code="404") == 1


@pytest.mark.parametrize("code", ["200", "404", "500", "503", "504"])
def test_errors_have_a_series_before_the_first_one(reach: Reach, code: str) -> None:
    series = scraped(reach)
    for route, methods in {
        "/api/blueprints": ("GET", "POST"),
        "/api/blueprints/<id>": ("GET", "PUT", "DELETE"),
        "/api/login": ("POST",),
    }.items():
        for method in methods:
            assert (
                "http_requests_total",
                frozenset({"method": method, "route": route, "code": code}.items()),
            ) in series


def test_the_edges_that_targets_need_are_there(reach: Reach) -> None:
    series = scraped(reach)
    edges = {dict(labels)["le"] for name, labels in series if name == "http_request_duration_seconds_bucket"}
    assert {"0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.2", "0.5", "1.0", "2.5", "5.0"} <= edges


def test_a_strange_method_makes_no_series_of_its_own(reach: Reach, ask: Ask) -> None:
    ask("BREW", "/api/blueprints")
    methods = {dict(labels)["method"] for name, labels in scraped(reach) if name == "http_requests_total"}
    assert methods <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}
    assert "BREW" not in methods


def test_every_family_has_its_help(reach: Reach) -> None:
    text = requests.get(f"{reach.url}/metrics", timeout=10).text
    assert all(family.documentation.endswith(".") for family in text_string_to_metric_families(text))
    assert "Multiprocess" not in text


def test_open_connections_are_the_kernels_count(reach: Reach) -> None:
    def held() -> float:
        return value(scraped(reach), "http_connections_open")

    before = held()
    with requests.Session() as one, requests.Session() as other:
        for session in (one, other):
            session.get(f"{reach.url}/healthz", timeout=5)
        assert held() == before + 2
    assert connections.established(0) is None
