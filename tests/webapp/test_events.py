"""Events: the page, its JSON, the guarded door, and the marks on charts."""

import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from werkzeug.test import TestResponse

from dashboards.events import MARK_TEXT, MOST_MARKS, MOST_TEXT, EventError, marks, told
from metrics.poll import Event, EventKind
from stack.native.tools import Toolbox
from storage.series import SeriesStore
from storage.state import StateStore
from tests.dashboards.feed import Feed
from tests.webapp.browser import chromium, served, visit
from tests.webapp.conftest import HTMX, NOW, Make
from webapp.tokens import MOST_GUESSES, MOST_WRITES

TOKEN = "0123456789abcdef0123"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<b>bold</b>&lt;i&gt; &amp;amp; %{y} {{7*7}} ${7*7}",
    "<a href='javascript:alert(1)'>click</a>",
    "'; drop table event; --",
    "\u202egnp.exe",
    "x" * 400,
)


@pytest.fixture
def journal(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path / "state")


@pytest.fixture
def client(full: SeriesStore, make: Make, journal: StateStore) -> FlaskClient:
    return make(full, journal=journal, token=TOKEN).test_client()


def _post(client: FlaskClient, body: object = None, **more: Any) -> TestResponse:
    given = {"text": "deployed v42"} if body is None else body
    headers = {"Authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
    text = given if isinstance(given, str | bytes) else json.dumps(given)
    return client.post(
        "/api/v1/events", data=text, content_type=more.pop("content_type", "application/json"), headers=headers, **more
    )


def test_a_deploy_is_noted_and_read_back(client: FlaskClient, journal: StateStore) -> None:
    body = {"text": " deployed\n v42 ", "source": "web", "at": "2027-01-15T07:30:00Z", "until": NOW - 1790}
    answer = _post(client, body)
    assert answer.status_code == 201
    wanted = {
        "id": 1,
        "kind": "deploy",
        "at": "2027-01-15T07:30:00Z",
        "until": "2027-01-15T07:30:10Z",
        "source": "web",
        "text": "deployed v42",
    }
    assert answer.json == wanted
    assert client.get("/api/v1/events?range=1h").json["events"] == [wanted]  # type: ignore[index]
    assert [event.text for event in journal.events(0, NOW)] == ["deployed v42"]


def test_lists_are_filtered_and_newest_first(client: FlaskClient, journal: StateStore) -> None:
    for n, (kind, source) in enumerate([("deploy", ""), ("ddl", "main"), ("ddl", "cache"), ("restart", "main")]):
        journal.add(Event(EventKind(kind), NOW - 100 + n, f"event {n}", source))
    journal.add(Event(EventKind.DEPLOY, NOW - 7300, "long ago", until=NOW - 7200))

    def found(query: str) -> list[str]:
        answer = client.get(f"/api/v1/events?{query}").json
        assert answer
        return [event["text"][-1] for event in answer["events"]]

    assert found("range=1h") == ["3", "2", "1", "0"]
    assert found("kind=ddl") == ["2", "1"]
    # What has no source speaks of all.
    assert found("source=main") == ["3", "1", "0"]
    assert found("limit=1") == ["3"]
    assert found("range=3h")[-1] == "o"
    for query in ("kind=nothing", "limit=x", "range=never"):
        answer = client.get(f"/api/v1/events?{query}")
        assert answer.status_code == 400
        assert answer.json
        assert answer.json["error"]


@pytest.mark.parametrize(
    ("headers", "content_type", "status"),
    [
        ({"Authorization": ""}, "application/json", 401),
        ({"Authorization": "Bearer"}, "application/json", 401),
        ({"Authorization": f"Basic {TOKEN}"}, "application/json", 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, "application/json", 401),
        ({"Authorization": "Bearer ÿ"}, "application/json", 401),
        ({"Authorization": "", "Cookie": f"token={TOKEN}"}, "application/json", 401),
        ({"Origin": "https://evil.example"}, "application/json", 403),
        ({"Origin": "null"}, "application/json", 403),
        ({"Origin": "http://localhost.evil.example"}, "application/json", 403),
        ({"Sec-Fetch-Site": "cross-site"}, "application/json", 403),
        ({}, "text/plain", 415),
        ({}, "application/x-www-form-urlencoded", 415),
        ({}, "multipart/form-data; boundary=x", 415),
        ({}, "", 415),
    ],
)
def test_no_other_site_and_nobody_without_the_token_writes(
    client: FlaskClient, journal: StateStore, headers: dict[str, str], content_type: str, status: int
) -> None:
    answer = _post(client, headers=headers, content_type=content_type)
    assert answer.status_code == status
    assert answer.json
    assert answer.json["error"].endswith(".")
    assert journal.events(0, NOW + 9) == []
    assert TOKEN not in answer.text
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_our_own_origin_may_write(client: FlaskClient) -> None:
    assert _post(client, headers={"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}).status_code == 201


def test_without_a_token_nobody_writes_and_it_says_how(full: SeriesStore, make: Make, journal: StateStore) -> None:
    answer = _post(make(full, journal=journal).test_client())
    assert answer.status_code == 403
    assert answer.json
    assert "token_file" in answer.json["error"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (" ", "truncated"),
        ("{", "truncated"),
        ("[1]", "object"),
        ({}, "text"),
        ({"text": ""}, "say what happened"),
        ({"text": "\u0000\n "}, "say what happened"),
        ({"text": 5}, "str"),
        ({"text": "x" * (MOST_TEXT + 1)}, "at most 500"),
        ({"text": "x", "kind": "deployment"}, 'did you mean "deploy"?'),
        ({"text": "x", "source": "maim"}, 'did you mean "main"?'),
        ({"text": "x", "txt": "x"}, 'did you mean "text"?'),
        ({"text": "x", "at": "yesterday"}, "is no time"),
        ({"text": "x", "at": 5}, "400 d"),
        ({"text": "x", "at": NOW, "until": NOW - 5}, "ends before"),
        (b"\xff\xfe", "."),
    ],
)
def test_what_is_no_event_is_told(client: FlaskClient, journal: StateStore, body: object, said: str) -> None:
    answer = _post(client, body)
    assert answer.status_code == 422
    assert answer.json
    assert said in answer.json["error"]
    assert journal.events(0, NOW + 9) == []


def test_size_and_rate_are_bounded(client: FlaskClient, journal: StateStore) -> None:
    assert _post(client, {"text": "x" * 5000}).status_code == 413
    endless = client.post(
        "/api/v1/events",
        input_stream=io.BytesIO(b'{"text": "x"}' + b" " * 9000),
        content_type="application/json",
        headers={"Authorization": f"Bearer {TOKEN}"},
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    assert endless.status_code == 411
    found = [_post(client).status_code for _ in range(MOST_WRITES)]
    assert found[-1] == 429
    assert "Retry-After" in _post(client).headers
    assert len(journal.events(0, NOW + 9)) == found.count(201) <= MOST_WRITES
    guesses = [_post(client, headers={"Authorization": f"Bearer {n}"}).status_code for n in range(MOST_GUESSES + 1)]
    assert guesses == [401] * MOST_GUESSES + [429]


def test_other_methods_are_refused(client: FlaskClient) -> None:
    for method in ("put", "delete", "patch"):
        assert getattr(client, method)("/api/v1/events").status_code == 405


def test_the_page_lists_escapes_and_counts(client: FlaskClient, journal: StateStore) -> None:
    assert "Nothing was noted in this range" in client.get("/events").text
    for n, text in enumerate(HOSTILE):
        journal.add(Event(EventKind.DEPLOY, NOW - n, text, "<main>"))
    page = client.get("/events?range=15m").text
    assert f"{len(HOSTILE)} events" in page
    assert "<script>alert" not in page
    assert "onerror=alert(1)>" not in page.replace("&gt;", "")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;main&gt;" in page
    assert 'aria-current="page">Events</a>' in page
    part = client.get("/events?range=15m&kind=deploy&source=main", headers=HTMX).text
    assert part.lstrip().startswith("<main")
    assert "deploy only; main only" in part
    assert client.get("/events?kind=<b>").status_code == 400


def test_the_range_picker_keeps_what_is_filtered(client: FlaskClient) -> None:
    page = client.get("/events?range=6h&kind=ddl").text
    assert 'href="/events?range=24h&amp;kind=ddl"' in page
    assert 'name="kind" value="ddl"' in page
    assert 'id="live-switch"' not in page


def test_long_lists_are_cut_and_say_so(client: FlaskClient, journal: StateStore) -> None:
    for n in range(510):
        journal.add(Event(EventKind.CONFIG, NOW - n, f"setting {n}"))
    page = client.get("/events").text
    assert "500 and more events" in page
    assert "Older ones are left out" in page


def test_an_event_is_taken_back_by_its_number(journal: StateStore) -> None:
    first, second = (journal.add(Event(EventKind.DEPLOY, NOW, text)) for text in ("a", "b"))
    assert journal.remove(first) == Event(EventKind.DEPLOY, NOW, "a")
    assert journal.remove(first) is None
    assert [noted.id for noted in journal.noted(0, NOW)] == [second]


def test_charts_carry_few_marks_whatever_happened(client: FlaskClient, journal: StateStore) -> None:
    for n in range(200):
        journal.add(Event(EventKind.CONFIG, NOW - 1000, f"setting {n}"))
    journal.add(Event(EventKind.DEPLOY, NOW - 400, "v" * 99))
    journal.add(Event(EventKind.LOAD_TEST, NOW - 300, "soak", until=NOW - 100))
    found = client.get("/charts/overview.json?panel=latency&range=1h").json
    assert found
    texts = [event["text"] for event in found["latency"]["events"]]
    assert texts == ["200 config changes", "v" * (MARK_TEXT - 1) + "…", "soak"]


def test_marks_are_bounded_and_lose_no_event() -> None:
    spread = [Event(EventKind.DDL, float(n * 60), str(n)) for n in range(400)]
    shown = marks(spread, 24000.0)
    assert len(shown) <= MOST_MARKS
    counts = [int(mark.text.split()[0]) if "changes" in mark.text else 1 for mark in shown]
    assert sum(counts) == 400
    mixed = marks([Event(EventKind.DDL, 1.0, "a"), Event(EventKind.DEPLOY, 2.0, "b")], 3600.0)
    assert [mark.text for mark in mixed] == ["2 events"]
    long = [*(Event(EventKind.DDL, 1.0, f"shop: table t{n} created") for n in range(20))]
    assert [
        mark.text for mark in marks([*long, Event(EventKind.DDL, 1.0, "shop: and 1408 further changes")], 3600.0)
    ] == ["1,428 DDL changes"]


def test_told_refuses_what_is_far_off() -> None:
    with pytest.raises(EventError):
        told("x", "deploy", NOW + 1e9, NOW)
    assert told("a\u202eb\x00c", "Load-Test", NOW, NOW).text == "a b c"


@pytest.fixture(scope="module")
def browser(toolbox: Toolbox) -> Iterator[Browser]:
    with chromium(toolbox.need("chromium")) as found:
        yield found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("eventful")
    store, over, now = SeriesStore(folder), threading.Event(), time.time()
    Feed().fill(store, now - 4000, now)
    journal = StateStore(folder)
    for n, text in enumerate(HOSTILE):
        journal.add(Event(EventKind.DEPLOY, now - 300 * n - 200, text, "main" if n % 2 else ""))
    for n in range(200):
        journal.add(Event(EventKind.CONFIG, now - 2900, f"work_mem {n}MB -> {n + 1}MB", "main"))
    journal.add(Event(EventKind.LOAD_TEST, now - 1500, "soak", until=now - 900))
    try:
        with served(folder) as found:
            yield found
    finally:
        over.set()
        store.close()


@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_events_in_a_browser(browser: Browser, address: str, width: int, theme: str, tmp_path: Path) -> None:
    with visit(browser, width, theme) as tab:
        page = tab.page
        page.goto(f"{address}/events")
        assert page.locator(".evtab tbody tr").count() == len(HOSTILE) + 201
        assert HOSTILE[0] in page.locator(".evtab").inner_text()
        assert tab.overflow() <= 0
        page.screenshot(path=tmp_path / f"events-{width}-{theme}.png")
        page.click("text=15m")
        page.wait_for_url("**/events?range=15m")
        tab.until("document.querySelectorAll('.evtab tbody tr').length < 10")
        page.goto(f"{address}/redis")
        assert tab.drawn("redis_hit_rate")
        drawn = page.locator("#p-redis_hit_rate .annotation-text")
        texts = drawn.all_text_contents()
        assert width < 500 or "200 config changes" in texts
        assert page.locator("#p-redis_hit_rate a, #p-redis_hit_rate script, #p-redis_hit_rate img").count() == 0
        assert tab.overflow() <= 0
        page.screenshot(path=tmp_path / f"marks-{width}-{theme}.png")
        assert (tab.complaints, tab.violations(), tab.elsewhere) == ([], [], [])
