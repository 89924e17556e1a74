import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from collectors.api import metrics
from collectors.api.collector import ApiCollector
from collectors.api.http import MOST_BYTES
from collectors.api.reader import Reader
from collectors.api.rules import own
from collectors.api.source import DECLARED, ApiSource
from metrics.model import Kind, Metric, Unit
from metrics.poll import ErrorClass
from metrics.target import State
from tests.collectors.declared import declared, emitted
from tests.collectors.memory import Memory, poll, value
from tests.servers import Hole

EDGES = (0.005, 0.01, 0.05, 0.1, 0.2, 1)


class Api:
    """An API with a page of metrics, made by the library that most of them use."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes | None = None
        self.token = ""
        self.closes = False
        self.packs = False
        self.encoding = ""
        self.asked: dict[str, str] = {}
        self.restart()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = api.page()
                wanted = f"Bearer {api.token}" if api.token else None
                status = api.status if self.headers["Authorization"] == wanted else 401
                api.asked = dict(self.headers.items())
                body = gzip.compress(body) if api.packs else body
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if api.packs or api.encoding:
                    self.send_header("Content-Encoding", api.encoding or "gzip")
                if api.closes:
                    self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
                """No line for each request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/metrics"

    def restart(self, started: float = 1000.5) -> None:
        """All counters from zero."""
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("http_requests_total", "Requests.", ["method", "route", "code", "pod"], **own)
        self.duration = Histogram(
            "http_request_duration_seconds", "Time.", ["route", "method", "cache"], buckets=EDGES, **own
        )
        self.database = Histogram("http_db_duration_seconds", "Time.", ["route"], buckets=EDGES, **own)
        self.pool = Histogram("http_pool_wait_seconds", "Time.", buckets=EDGES, **own)
        self.cache_time = Histogram("http_cache_duration_seconds", "Time.", ["route"], buckets=EDGES, **own)
        self.cache = Counter("cache_requests_total", "Cache.", ["result"], **own)
        Gauge("http_requests_in_flight", "Now.", **own).set(3)
        Gauge("http_connections_open", "Now.", **own).set(8)
        Gauge("process_start_time_seconds", "Start.", **own).set(started)
        Counter("somebody_elses_total", "Not ours.", **own).inc(5)

    def page(self) -> bytes:
        return generate_latest(self.registry) if self.body is None else self.body

    def serve(self, seconds: float, times: int = 1, code: str = "200", cache: str = "MISS") -> None:
        """Requests that took so long."""
        for number in range(times):
            self.requests.labels("GET", "/a", code, f"pod-{number % 2}").inc()
            self.duration.labels("/a", "GET", cache).observe(seconds)
            self.database.labels("/a").observe(seconds / 2)
            self.pool.observe(0)
            self.cache_time.labels("/a").observe(0.001)
            self.cache.labels(cache.lower()).inc()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    with closing(Api()) as made:
        yield made


@pytest.fixture
def collector(api: Api) -> Iterator[ApiCollector]:
    with closing(ApiCollector(ApiSource(name="api", url=api.url))) as made:
        yield made


def test_declared_families_are_read_and_others_are_not(api: Api, collector: ApiCollector) -> None:
    api.serve(0.02, times=3)
    assert emitted(collector) == declared("api")


def test_series_are_summed_over_labels_that_are_not_declared(api: Api, collector: ApiCollector) -> None:
    api.serve(0.02, times=5)
    assert value(poll(collector), "http_requests_total", method="GET", route="/a", code="200") == 5


def test_targets_equal_a_count_by_hand(api: Api, collector: ApiCollector) -> None:
    api.serve(0.001)
    memory = Memory()
    memory.take(collector)
    api.serve(0.009, times=60, cache="HIT")
    api.serve(0.09, times=130)
    api.serve(0.19, times=9)
    api.serve(0.5, times=1, code="503")
    # The series of the first hits and of the first error count from zero, which takes a poll more.
    memory.take(collector)
    memory.take(collector)
    assert memory.value(metrics.p95) == pytest.approx(190 / 200)
    assert memory.value(metrics.p99) == pytest.approx(199 / 200)
    assert memory.value(metrics.cached) == 1.0
    assert memory.value(metrics.errors) == pytest.approx(1 / 200)
    assert memory.value(metrics.query_p95) == pytest.approx(190 / 200)
    assert memory.value(metrics.throughput) == pytest.approx(10)
    assert memory.value(metrics.concurrency) == 8
    assert memory.value(metrics.cache_hit_rate) == pytest.approx(60 / 200)
    assert memory.verdict(metrics.p95).state is State.MET
    assert memory.verdict(metrics.errors).state is State.MISSED
    assert memory.verdict(metrics.throughput).reason == "judged in a load test"
    assert memory.verdict(metrics.concurrency).state is State.UNKNOWN


def test_a_restart_is_no_traffic(api: Api, collector: ApiCollector) -> None:
    api.serve(0.09, times=100)
    memory = Memory()
    memory.take(collector)
    api.serve(0.09, times=100)
    memory.take(collector)
    api.restart(started=2000.25)
    # More than before: only the epoch tells that it was counted from zero.
    api.serve(0.5, times=500)
    memory.take(collector)
    api.serve(0.09, times=100)
    memory.take(collector)
    assert memory.value(metrics.p95) == 1.0
    assert memory.verdict(metrics.p95).volume == 200


def test_a_bound_that_is_no_edge_is_said(api: Api) -> None:
    lines = [
        b'http_request_duration_seconds_bucket{le="0.25"} 1',
        b'http_request_duration_seconds_bucket{le="+Inf"} 1',
        b"http_request_duration_seconds_count 1",
    ]
    api.body = b"\n".join(lines)
    with closing(ApiCollector(ApiSource(name="api", url=api.url))) as collector:
        lacking = collector.probe(time.monotonic() + 5).lacking
    assert "no edge at 0.01, 0.1, 0.2 s" in " ".join(lack.what for lack in lacking)


def test_edges_timestamps_and_odd_labels_are_read(api: Api, collector: ApiCollector) -> None:
    api.body = rb"""# TYPE http_requests counter
http_requests_total{code="200",method="GET",route="/a\"b\\{x}"} 7 1700000000000
http_request_duration_seconds_bucket{le="1e-1",route="/",method="GET",cache=""} 4
http_requests_in_flight 2.0
"""
    found = poll(collector)
    assert value(found, "http_requests_total", method="GET", route='/a"b\\{x}', code="200") == 7
    assert value(found, "http_request_duration_seconds_bucket", le="0.1", route="/", method="GET", cache="") == 4


LABELS = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=20)


@given(st.lists(st.tuples(LABELS, st.floats(allow_nan=False)), max_size=5, unique_by=lambda pair: pair[0]))
def test_any_label_is_read_as_the_library_wrote_it(pairs: list[tuple[str, float]]) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("any_gauge", "Any.", ["word"], registry=registry)
    for word, number in pairs:
        gauge.labels(word).set(number)
    metric = Metric(name="any_gauge", kind=Kind.GAUGE, unit=Unit.COUNT, help="Any.", labels=("word",))
    reader = Reader([own(metric)])
    for _ in range(2):
        found = reader.samples(generate_latest(registry).decode())
        assert {(sample.labels[0][1], sample.value) for sample in found} == set(pairs)


@given(st.text())
def test_any_text_is_a_page_or_a_value_error(text: str) -> None:
    reader = Reader(own(metric) for metric in DECLARED.values())
    for page in (text, f"http_requests_total{text}", f"http_requests_total{{{text}}} 1"):
        with suppress(ValueError):
            reader.samples(page)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, None, ErrorClass.GONE),
        (302, None, ErrorClass.BAD_REPLY),
        (500, None, ErrorClass.BAD_REPLY),
        (503, None, ErrorClass.NOT_READY),
        (200, b"<html>welcome</html>", ErrorClass.MISSING),
        (200, b'http_requests_total{code="200" 5', ErrorClass.BAD_REPLY),
        (200, b"http_requests_total five", ErrorClass.BAD_REPLY),
        (200, b"x" * (MOST_BYTES + 10), ErrorClass.BAD_REPLY),
    ],
)
def test_what_is_no_page_of_metrics_is_told_apart(
    api: Api, collector: ApiCollector, status: int, body: bytes | None, kind: ErrorClass
) -> None:
    api.status, api.body = status, body
    found = poll(collector)
    assert found.error is not None
    assert found.error.kind is kind
    assert len(found.error.text) <= 500
    api.status, api.body = 200, None
    assert poll(collector).up


def test_a_token_is_sent_and_never_shown(api: Api) -> None:
    api.token = "secret-token"
    source = ApiSource(name="api", url=api.url, token="secret-token")
    with closing(ApiCollector(source)) as collector:
        assert poll(collector).up
    assert "secret" not in repr(source)
    with closing(ApiCollector(ApiSource(name="api", url=api.url, token="wrong-token"))) as collector:
        found = poll(collector)
    assert found.error is not None
    assert found.error.kind is ErrorClass.AUTH
    assert "wrong-token" not in str(found)


@pytest.mark.parametrize("token", ["first\nsecret", "first\n secret", "first\x01secret", "sécret…"])
def test_a_token_that_no_header_can_hold_is_not_shown_either(api: Api, token: str) -> None:
    with closing(ApiCollector(ApiSource(name="api", url=api.url, token=token))) as collector:
        found = poll(collector)
    assert found.error is not None
    assert found.error.kind is ErrorClass.AUTH
    assert "cret" not in str(found)


def test_a_server_that_closes_each_connection_costs_no_gap(api: Api, collector: ApiCollector) -> None:
    api.closes = True
    for _ in range(3):
        assert poll(collector).up


def test_a_packed_page_is_unpacked_and_either_format_is_taken(api: Api, collector: ApiCollector) -> None:
    api.serve(0.02)
    api.packs = True
    assert value(poll(collector), "http_requests_total", method="GET", route="/a", code="200") == 1
    assert api.asked["Accept-Encoding"] == "gzip"
    assert api.asked["Accept"].startswith("text/plain;version=0.0.4;q=1,application/openmetrics-text")


@pytest.mark.parametrize(
    ("packs", "encoding", "body", "said"),
    [
        (True, "", b"x" * (MOST_BYTES + 10), "10 MiB"),
        (True, "", b"\0" * (2 * MOST_BYTES), "10 MiB"),
        (False, "gzip", b"no gzip", "unpacked"),
        (False, "gzip", gzip.compress(b"http_requests_in_flight 1\n" * 99, mtime=0)[:-20], "unpacked"),
        (False, "br", b"what", "not asked for"),
    ],
)
def test_a_page_is_bounded_packed_or_not(
    api: Api, collector: ApiCollector, packs: bool, encoding: str, body: bytes, said: str
) -> None:
    api.packs, api.encoding, api.body = packs, encoding, body
    found = poll(collector)
    assert found.error is not None
    assert found.error.kind is ErrorClass.BAD_REPLY
    assert said in found.error.text


def test_exemplars_timestamps_and_signs_in_labels_are_told_from_values(api: Api, collector: ApiCollector) -> None:
    api.body = rb"""# TYPE http_requests counter
http_requests_total{code="200",method="GET",route="/a}#{b"} 7.0 1700000000.5 # {trace="}{"} 0.5 1700000000.1
http_requests_total{code="200",method="GET",route="/ # {c=\"d\"} 1"} 3 # {} 2
http_requests_in_flight 4 1700000000
http_connections_open 5 # {trace="x"} 1
# EOF
"""
    found = poll(collector)
    assert found.error is None
    assert value(found, "http_requests_total", method="GET", route="/a}#{b", code="200") == 7
    assert value(found, "http_requests_total", method="GET", route='/ # {c="d"} 1', code="200") == 3
    assert value(found, "http_requests_in_flight") == 4
    assert value(found, "http_connections_open") == 5


def test_silence_is_cut_at_the_deadline(hole: Hole) -> None:
    begun = time.monotonic()
    with closing(ApiCollector(ApiSource(name="api", url=f"http://127.0.0.1:{hole.port}/"))) as collector:
        found = poll(collector, within=0.5)
    assert time.monotonic() - begun < 0.9
    assert found.error is not None
    assert found.error.kind is ErrorClass.TIMEOUT


def test_nobody_there_is_unreachable() -> None:
    with closing(ApiCollector(ApiSource(name="api", url="http://127.0.0.1:1/metrics"))) as collector:
        found = poll(collector)
    assert found.error is not None
    assert found.error.kind is ErrorClass.UNREACHABLE
