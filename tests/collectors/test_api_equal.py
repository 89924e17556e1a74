"""The quick reading of a page gives what prometheus_client gives, on pages of real servers."""

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as of_openmetrics
from prometheus_client.parser import text_string_to_metric_families as of_text

import collectors
from collectors.api.page import Parser
from metrics.catalog import discover
from stack.api.measures import Measures
from stack.api.timings import Timings
from stack.native.exporter import Exporter
from stack.native.prometheus import Prometheus
from stack.native.victoriametrics import VictoriaMetrics
from storage.series import SeriesStore
from tests.dashboards.feed import SOURCES, Feed
from tests.servers import PgBouncerServer, PostgresServer, RedisServer
from webapp.app import create_app

NEWER = "application/openmetrics-text;version=1.0.0"
LIBRARIES = ("flask", "fastapi", "starlette-exporter", "starlette-prometheus")
Series = tuple[str, tuple[tuple[str, str], ...]]


def _ours(text: str) -> dict[Series, float]:
    parser: Parser[Series] = Parser(lambda name: True, lambda name, labels: (name, tuple(sorted(labels.items()))))
    found: dict[Series, float] = {}
    for name, value in [*parser.values(text), *parser.values(text)]:
        found[name] = value
    return found


def _theirs(text: str) -> dict[Series, float]:
    """By the library, but with the names of the page: it adds _total to counters that have none."""
    read = of_openmetrics if text.rstrip().endswith("# EOF") else of_text
    written = {line.partition("{")[0].split(" ")[0] for line in text.split("\n") if not line.startswith("#")}
    found: dict[Series, float] = {}
    for family in read(text):
        for sample in family.samples:
            name = sample.name if sample.name in written else sample.name.removesuffix("_total")
            found[name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def _equal(text: str, least: int) -> None:
    ours, theirs = _ours(text), _theirs(text)
    assert ours.keys() == theirs.keys()
    assert len(ours) >= least
    for name, value in theirs.items():
        assert ours[name] == value or (math.isnan(ours[name]) and math.isnan(value)), name


def test_pages_of_the_engines(prometheus: Prometheus, victoriametrics: VictoriaMetrics) -> None:
    for url in (prometheus.url, victoriametrics.url):
        for accept in ("text/plain", NEWER):
            _equal(requests.get(f"{url}/metrics", headers={"Accept": accept}, timeout=10).text, 200)


def test_pages_of_the_exporters(
    postgres: PostgresServer,
    pgbouncer: PgBouncerServer,
    redis: RedisServer,
    postgres_exporter: Callable[..., Exporter],
    redis_exporter: Callable[..., Exporter],
    pgbouncer_exporter: Callable[..., Exporter],
) -> None:
    for exporter in (postgres_exporter(postgres), redis_exporter(redis), pgbouncer_exporter(pgbouncer)):
        _equal(exporter.page(), 50)


@pytest.mark.parametrize("library", LIBRARIES)
def test_pages_of_the_libraries(library: str) -> None:
    _equal(page_of(library), 20)


def test_our_own_page(tmp_path: Path) -> None:
    with _own_page(tmp_path) as text:
        _equal(text, 200)


def test_the_page_of_the_reference_api() -> None:
    measures = Measures()
    for method in ("GET", "POST"):
        measures.expect(method, "/v1/resources/{id}")
    for code in ("200", "503"):
        measures.begin()
        measures.end("GET", code, 0.07, Timings(0.02, 0.001, 0.0, "/v1/resources/{id}", "MISS"))
    _equal(measures.page().decode(), 100)
    found = {name for name, _ in _ours(measures.page().decode())}
    assert {"http_cache_duration_seconds_count", "http_db_duration_seconds_count"} <= found


def test_everything_that_the_formats_have() -> None:
    registry = CollectorRegistry()
    words = ['a"b\\c\nd', "}", "{", "# {", ' # {a="b"} 1', "", "ü€", "x" * 300]
    counter = Counter("asked", "With \\ and\nline ends.", ["word"], registry=registry)
    for number, word in enumerate(words):
        counter.labels(word).inc(number + 0.5, {"trace": f"id{number}"})
    waits = Histogram("wait_seconds", "Wait.", ["word"], registry=registry)
    for word in words:
        waits.labels(word).observe(0.3, {"trace": f"id{len(word)}"})
    Summary("size_bytes", "Size.", registry=registry).observe(3)
    Info("build", "Build.", registry=registry).info({"version": "1.0"})
    for number, value in enumerate((math.inf, -math.inf, math.nan, 1e-300, 1e21, -0.0)):
        Gauge(f"odd_{number}", "Odd.", registry=registry).set(value)
    for text in (generate_latest(registry).decode(), _newer(registry)):
        _equal(text, 100)
        assert any(name.endswith("_created") for name, _ in _ours(text))
    assert " # {" in _newer(registry)


def test_counters_keep_the_name_that_the_page_gives_them() -> None:
    text = "# TYPE accepted counter\naccepted 5\n# TYPE odd_total gauge\nodd_total 2\n"
    assert _ours(text) == {("accepted", ()): 5, ("odd_total", ()): 2}
    assert [sample.name for family in of_text(text) for sample in family.samples] == ["accepted_total", "odd_total"]


def test_ten_thousand_lines_cost_little() -> None:
    """By CPU, and the best of several, so that a busy machine does not matter. 5 to 10 ms where it was measured."""
    lines = [f'x_bucket{{route="/r/{n // 14}",method="GET",le="{n % 14}"}} {n}' for n in range(10_000)]
    text = "\n".join(lines)
    parser: Parser[str] = Parser(lambda name: True, lambda name, labels: labels["le"])
    assert sum(1 for _ in parser.values(text)) == len(lines)
    spent = []
    for _ in range(9):
        begun = time.process_time()
        assert sum(1 for _ in parser.values(text)) == len(lines)
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.03
    assert statistics.median(spent) < 0.3


def _newer(registry: CollectorRegistry) -> str:
    written: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
    return written.decode()


def page_of(library: str, *more: str) -> str:
    command = [sys.executable, "-m", "tests.collectors.exporting", library, *more]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@contextmanager
def _own_page(folder: Path) -> Iterator[str]:
    store = SeriesStore(folder)
    Feed().fill(store, 1_800_000_000.0 - 60, 1_800_000_000.0)
    try:
        app = create_app(
            store=store, catalog=discover(collectors), sources=SOURCES, clock=lambda: 1_800_000_000.0, version="0.1.0"
        )
        yield app.test_client().get("/metrics").text
    finally:
        store.close()
