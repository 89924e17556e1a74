"""Presets before the real programs: what they count of requests that we make is what the collector tells."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from collectors.api import metrics
from collectors.api.collector import ApiCollector
from collectors.api.source import ApiSource
from metrics.poll import Poll
from stack.native.tools import Toolbox
from tests.collectors.memory import poll, value, values
from tests.collectors.proxies import Envoy, Nginx, NginxExporter, Proxy, Traefik, small_api

WELL, BADLY = 30, 10


@pytest.fixture
def nginx(toolbox: Toolbox, tmp_path: Path) -> Iterator[Nginx]:
    with Nginx(toolbox.need("nginx"), tmp_path / "nginx") as server:
        yield server


@pytest.mark.parametrize("release", ["0.11", pytest.param("1.4", marks=[pytest.mark.matrix, pytest.mark.rare])])
def test_nginx_and_its_exporter(nginx: Nginx, toolbox: Toolbox, tmp_path: Path, release: str) -> None:
    exporter = NginxExporter(toolbox.need("nginx-exporter", release), tmp_path / "exporter", nginx)
    with exporter, closing(_collector(exporter.url, "nginx")) as collector:
        before = poll(collector)
        _visit(nginx)
        after = poll(collector)
    # One more by the exporter, which asks nginx at each look.
    assert _requests(after) - _requests(before) == WELL + BADLY + 1
    assert value(after, "http_connections_open") >= 1
    assert value(after, "http_requests_in_flight") == 1


@pytest.mark.matrix
@pytest.mark.rare
def test_traefik(toolbox: Toolbox, tmp_path: Path) -> None:
    with small_api() as upstream, Traefik(toolbox.need("traefik"), tmp_path / "traefik", upstream) as server:
        until(lambda: _answers(server))
        _agrees(server, "traefik", {"200": WELL, "503": BADLY}, "web")
        with closing(_collector(server.page, "traefik")) as collector:
            found = poll(collector)
    # Our own visit is one of another entry point.
    assert value(found, "http_connections_open") == 0
    assert metrics.EPOCH in found.epochs


@pytest.mark.matrix
@pytest.mark.rare
def test_envoy(toolbox: Toolbox, tmp_path: Path) -> None:
    with Envoy(toolbox.need("envoy"), tmp_path / "envoy") as server:
        _agrees(server, "envoy", {"2xx": WELL, "5xx": BADLY}, "shop")
        with closing(_collector(server.page, "envoy")) as collector:
            found = poll(collector)
    assert value(found, "http_requests_in_flight") == 0
    assert value(found, "http_connections_open") == 0
    seconds = value(found, "http_request_duration_seconds_sum", route="shop")
    assert 0 <= seconds < 5


def _agrees(server: Proxy, preset: str, told: dict[str, int], route: str) -> None:
    """Requests by code, and a histogram of as many that has an edge at our bounds."""
    with closing(_collector(server.page, preset)) as collector:
        before = poll(collector)
        _visit(server)
        # Envoy adds up its workers' histograms every 5 s.
        until(lambda: _observed(after := poll(collector)) == _requests(after) > _requests(before))
        after = poll(collector)
    assert after.error is None
    for code, count in told.items():
        assert _of_code(after, code) - _of_code(before, code) == count
    assert {dict(labels)["route"] for labels in values(after, "http_requests_total")} == {route}
    edges = {dict(labels)["le"] for labels in values(after, "http_request_duration_seconds_bucket")}
    assert {"0.01", "0.05", "0.1", "0.2", "+Inf"} <= edges


def _collector(url: str, preset: str) -> ApiCollector:
    return ApiCollector(ApiSource(name="proxy", url=url, preset=preset))


def _visit(server: Proxy) -> None:
    for path, times in (("/items/1", WELL), ("/bad", BADLY)):
        for _ in range(times):
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(f"{server.url}{path}", timeout=5).close()


def until(true: Callable[[], bool], patience: float = 20.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


def _answers(server: Proxy) -> bool:
    """Traefik says 404 until it has read its routes."""
    try:
        urllib.request.urlopen(f"{server.url}/items/1", timeout=5).close()
    except urllib.error.HTTPError:
        return False
    return True


def _requests(found: Poll) -> float:
    return sum(values(found, "http_requests_total").values())


def _of_code(found: Poll, code: str) -> float:
    return sum(
        number for labels, number in values(found, "http_requests_total").items() if dict(labels)["code"] == code
    )


def _observed(found: Poll) -> float:
    return sum(values(found, "http_request_duration_seconds_count").values())
