"""Pages that are cut, doubled, redirected, packed twice, or of another process each time."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.api import metrics
from collectors.api.collector import ApiCollector
from collectors.api.source import ApiSource
from collectors.api.workers import Workers
from collectors.probe import probe
from metrics.model import Sample
from metrics.poll import ErrorClass, Poll
from tests.collectors.memory import Memory, poll, value, values

REQUESTS = "http_requests_total"


@dataclass
class Said:
    """One answer: raw bytes behind the status line."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: bool = True
    claimed: int | None = None
    closes: bool = False


class Speaker:
    """Answers each path with what it is told to; a list is said one by one, its last again and again."""

    def __init__(self) -> None:
        self.says: dict[str, list[Said]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.port = 0
        self.url = ""

    def say(self, *answers: Said | bytes | str, path: str = "/metrics") -> None:
        made = [
            Said(each.encode() if isinstance(each, str) else each) if not isinstance(each, Said) else each
            for each in answers
        ]
        self.says[path] = made

    def next(self, path: str) -> Said:
        found = self.says.get(path, [Said(b"no", 404)])
        return found.pop(0) if len(found) > 1 else found[0]


@contextmanager
def speaking() -> Iterator[Speaker]:
    speaker = Speaker()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            speaker.asked.append((self.path, self.headers["Authorization"]))
            said = speaker.next(self.path)
            self.send_response(said.status)
            for name, text in said.headers.items():
                self.send_header(name, text)
            if said.length:
                self.send_header("Content-Length", str(len(said.body) if said.claimed is None else said.claimed))
            if said.closes or not said.length or said.claimed is not None:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
            """No line for each request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    speaker.port = server.server_port
    speaker.url = f"http://127.0.0.1:{server.server_port}/metrics"
    try:
        yield speaker
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    with speaking() as made:
        yield made


@pytest.fixture
def collector(speaker: Speaker) -> Iterator[ApiCollector]:
    with closing(ApiCollector(ApiSource(name="api", url=speaker.url, token="a-token-of-some-length"))) as made:
        yield made


def counted(number: int, code: str = "200") -> str:
    return f'# TYPE {REQUESTS} counter\n{REQUESTS}{{code="{code}"}} {number}\nhttp_requests_in_flight 3\n'


def total(found: Poll) -> float:
    return sum(values(found, REQUESTS).values())


def keys(collector: ApiCollector) -> set[str]:
    return {finding.key for finding in collector.findings.all()}


def test_a_page_that_is_shorter_than_its_length_is_not_believed(speaker: Speaker, collector: ApiCollector) -> None:
    whole = f'# TYPE {REQUESTS} counter\nhttp_requests_in_flight 3\n{REQUESTS}{{code="200"}} 123456\n'.encode()
    speaker.say(Said(whole[:-4], claimed=len(whole)), Said(whole))
    found = poll(collector)
    assert found.error is not None
    assert found.error.kind is ErrorClass.BAD_REPLY
    assert f"the page ended early, {len(whole) - 4} of {len(whole)} bytes" in found.error.text
    assert len(found.samples) == 0
    assert total(poll(collector)) == 123456


def test_an_unfinished_last_line_is_not_believed(speaker: Speaker, collector: ApiCollector) -> None:
    page = f'# TYPE {REQUESTS} counter\n{REQUESTS}{{code="500"}} 7\n{REQUESTS}{{code="200"}} 123456\n'
    speaker.say(page, Said(page.encode()[:-4], length=False), Said(page.encode(), length=False))
    assert total(poll(collector)) == 123463
    assert values(poll(collector), REQUESTS) == {(("code", "500"),): 7.0}
    assert total(poll(collector)) == 123463


def test_a_page_without_a_length_that_lost_families_is_suspect_once(speaker: Speaker, collector: ApiCollector) -> None:
    page, less = counted(5), f'{REQUESTS}{{code="200"}} 6\n'
    speaker.say(page, Said(less.encode(), length=False), Said(less.encode(), length=False))
    assert poll(collector).up
    found = poll(collector)
    assert found.error is not None
    assert "may have ended early: it has no http_requests_in_flight any more" in found.error.text
    assert poll(collector).up, "an API that began anew goes on lacking it"


@pytest.mark.parametrize(
    "cut",
    [
        Said(b"4\r\nhttp", headers={"Transfer-Encoding": "chunked"}, length=False),
        Said(b"http_requests_in_flight 3\n", headers={"Content-Type": "application/openmetrics-text; version=1.0.0"}),
        Said(gzip.compress(counted(5).encode())[:-6], headers={"Content-Encoding": "gzip"}),
    ],
    ids=["chunked", "openmetrics", "gzip"],
)
def test_every_way_to_end_early_is_a_failed_poll(speaker: Speaker, collector: ApiCollector, cut: Said) -> None:
    speaker.say(cut, counted(5))
    found = poll(collector)
    assert found.error is not None
    assert found.error.kind is ErrorClass.BAD_REPLY
    assert "early" in found.error.text
    assert total(poll(collector)) == 5


def test_a_series_that_comes_twice_counts_once(speaker: Speaker, collector: ApiCollector) -> None:
    line = f'{REQUESTS}{{code="200",method="GET"}} %d\n'
    other = f'{REQUESTS}{{method="GET",code="200"}} %d\n'
    speaker.say(line % 100, line % 110 + other % 110, line % 120)
    assert [total(poll(collector)) for _ in range(2)] == [100, 110]
    (finding,) = collector.findings.all()
    assert 'http_requests_total{method="GET",code="200"} more than once' in finding.text
    assert collector.sieve.refused["doubled"] == 1
    assert total(poll(collector)) == 120


def test_series_that_differ_in_labels_that_are_not_taken_are_summed(speaker: Speaker, collector: ApiCollector) -> None:
    speaker.say("".join(f'{REQUESTS}{{code="200",pod="{pod}"}} 5\n' for pod in "abc"))
    assert total(poll(collector)) == 15
    assert collector.findings.all() == []


def test_a_fresh_api_is_up_and_its_first_errors_count_from_zero(speaker: Speaker, collector: ApiCollector) -> None:
    bare = f"# HELP {REQUESTS} Requests.\n# TYPE {REQUESTS} counter\n"
    speaker.say(bare, bare, bare + f'{REQUESTS}{{code="500"}} 500\n')
    first = poll(collector)
    assert first.up
    assert first.partial == {}
    poll(collector)
    assert [total(poll(collector)) for _ in range(2)] == [0, 500]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["/metrics/", "metrics/", "{origin}/metrics/"])
def test_a_redirect_within_the_server_is_followed_with_the_token(
    speaker: Speaker, collector: ApiCollector, status: int, place: str
) -> None:
    origin = speaker.url.removesuffix("/metrics")
    speaker.say(Said(status=status, headers={"Location": place.format(origin=origin)}))
    speaker.say(counted(9), path="/metrics/")
    assert total(poll(collector)) == 9
    assert speaker.asked[-1] == ("/metrics/", "Bearer a-token-of-some-length")


def test_a_redirect_to_elsewhere_is_not_followed_and_says_what_to_set(
    speaker: Speaker, collector: ApiCollector
) -> None:
    with speaking() as other:
        other.say(counted(1))
        place = other.url.replace("http://", "http://user:secret@")
        speaker.say(Said(status=307, headers={"Location": place}))
        found = poll(collector)
        assert found.error is not None
        assert found.error.hint == f'Set url = "{other.url}"'
        assert other.asked == []
        assert "secret" not in repr(found.error)


@pytest.mark.parametrize("place", ["/metrics", "", "javascript:alert(1)", "http://", "/a\x01b"])
def test_a_redirect_that_leads_nowhere_ends(speaker: Speaker, collector: ApiCollector, place: str) -> None:
    speaker.say(Said(status=302, headers={"Location": place}))
    found = poll(collector)
    assert found.error is not None
    assert found.error.kind is ErrorClass.BAD_REPLY


def test_a_page_packed_in_two_parts_is_whole(speaker: Speaker, collector: ApiCollector) -> None:
    parts = [gzip.compress(f'{REQUESTS}{{code="{code}"}} 5\n'.encode()) for code in ("200", "500")]
    speaker.say(Said(b"".join(parts) + bytes(8), headers={"Content-Encoding": "gzip"}))
    assert total(poll(collector)) == 10


def test_what_follows_the_packed_part_unpacked_is_said(speaker: Speaker, collector: ApiCollector) -> None:
    body = gzip.compress(counted(5).encode()) + counted(7).encode()
    speaker.say(Said(body, headers={"Content-Encoding": "gzip"}))
    found = poll(collector)
    assert found.error is not None
    assert "not packed" in found.error.text


@pytest.mark.parametrize(
    "line",
    [
        "http_requests_in_flight\t7",
        "\ufeffhttp_requests_in_flight 7",
        "  http_requests_in_flight \t 7 1700000000000",
        "http_requests_in_flight 7\r",
        "http_requests_in_flight{} 7",
    ],
)
def test_white_space_of_any_kind_costs_no_value(speaker: Speaker, collector: ApiCollector, line: str) -> None:
    speaker.say(f"{line}\n{counted(5).splitlines()[1]}\n")
    assert value(poll(collector), "http_requests_in_flight") == 7


def test_a_line_that_cannot_be_read_costs_itself(speaker: Speaker, collector: ApiCollector) -> None:
    speaker.say(
        f'{REQUESTS}{{code="200"}} many\n{REQUESTS}{{code="404" 5\n{REQUESTS}{{code="500"}} 7\n'
        f'{REQUESTS}{{code="502"}}\n'
        f'{REQUESTS}{{code="503"}} NaN\n{REQUESTS}{{code="504"}} -4\n{REQUESTS}{{code="505"}} 1e400\n'
    )
    found = poll(collector)
    assert values(found, REQUESTS) == {(("code", "500"),): 7.0}
    assert {"lines", "impossible:http_requests_total"} <= keys(collector)
    assert collector.sieve.refused == {"unreadable": 3, "impossible": 3}


def test_two_labels_that_differ_in_one_bad_byte_stay_two(speaker: Speaker, collector: ApiCollector) -> None:
    speaker.say(
        b"".join(b'%b{code="200",route="caf%b"} 5\n' % (REQUESTS.encode(), byte) for byte in (b"\xe9", b"\xe8"))
    )
    routes = {dict(labels).get("route") for labels in values(poll(collector), REQUESTS)}
    assert routes == {"caf\\xe9", "caf\\xe8"}


@pytest.mark.parametrize("starts", [False, True])
def test_a_page_of_another_process_each_time_is_unknown_and_says_so(
    speaker: Speaker, collector: ApiCollector, starts: bool
) -> None:
    pages = []
    for turn in range(40):
        worker = turn % 4
        count = (1000, 5000, 9000, 200)[worker] + turn * 35
        start = f"process_start_time_seconds {1000 + worker}\n" if starts else ""
        pages.append(f'{start}{REQUESTS}{{code="200"}} {count}\n')
    speaker.say(*pages)
    memory = Memory()
    for _ in range(40):
        memory.take(collector)
    assert "several_processes" in keys(collector)
    verdict = memory.verdict(metrics.errors)
    assert verdict.value is None
    speaker.say(*pages)
    (report,) = probe([ApiSource(name="api", url=speaker.url)])
    assert report.reachable


def test_processes_that_are_gone_are_forgotten(speaker: Speaker, collector: ApiCollector) -> None:
    for turn in range(12):
        speaker.say(counted((1000, 5000)[turn % 2] + turn))
        found = poll(collector)
    assert total(found) == 0
    for turn in range(20):
        speaker.say(counted(6000 + turn))
        found = poll(collector)
    assert total(found) == 6019
    assert "several_processes" not in keys(collector)


@given(st.lists(st.tuples(st.integers(0, 2000), st.booleans()), min_size=1, max_size=60))
def test_an_api_that_is_restarted_is_one_process(steps: list[tuple[int, bool]]) -> None:
    """Whatever it counts between two pages, and however seldom it begins anew."""
    workers, count, since = Workers(), 0, 0
    for rise, restart in steps:
        since += 1
        if restart and since > 16:
            count, since = 0, 0
        count += rise
        assert not workers.look([Sample(REQUESTS, (), float(count))], None)
