"""Pages in every condition, and the fragments that are the same parts of them."""

import csv
import io
import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from dashboards.watched import Watched
from metrics.poll import Record
from storage.files import StoreSlow
from storage.series import SeriesStore
from storage.store import Health
from tests.dashboards import declared
from tests.dashboards.feed import Feed
from tests.webapp.conftest import HTMX, NOW, Make
from webapp.app import create_app

PAGES = ("/", "/api", "/pgbouncer", "/redis", "/postgres", "/status")


def part(html: str, tag: str, name: str) -> str:
    """One element by its id, with everything in it."""
    start = html.index(f'<{tag} id="{name}"')
    depth, at = 0, start
    for found in re.finditer(rf"<(/?){tag}\b", html[start:]):
        depth += -1 if found[1] else 1
        at = start + found.end()
        if depth == 0:
            break
    return html[start : html.index(">", at) + 1]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_with_data(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "Trivet" in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_before_the_first_sample(empty: SeriesStore, make: Make, path: str) -> None:
    answer = make(empty).test_client().get(path)
    assert answer.status_code == 200
    assert "awaited" in answer.text.lower()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_without_any_source(empty: SeriesStore, make: Make, path: str) -> None:
    answer = make(empty, sources=()).test_client().get(path)
    assert answer.status_code == 200
    assert path == "/status" or "trivet init" in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_while_sources_are_down(empty: SeriesStore, make: Make, path: str) -> None:
    feed = Feed()
    feed.fill(empty, NOW - 900, NOW - 400)
    feed.down = {"cache", "main", "pooler", "web"}
    feed.fill(empty, NOW - 390, NOW)
    answer = make(empty).test_client().get(path)
    assert answer.status_code == 200
    assert "down since 07:53: connection refused" in answer.text
    assert "sudo systemctl start it" in answer.text


def test_the_headline_is_honest(client: FlaskClient) -> None:
    text = client.get("/").text
    met, total = map(int, re.search(r"(\d+) of (\d+) targets met", text).groups())  # type: ignore[union-attr]
    assert total == 14
    assert met == len(re.findall(r'<tr class="s-met', text)) < total


def test_a_collector_that_stopped_is_named(empty: SeriesStore, make: Make) -> None:
    Feed().fill(empty, NOW - 600, NOW - 130)
    text = make(empty).test_client().get("/").text
    assert "No new samples for 2 min 10 s: is the collector running?" in text
    assert "0 of 14 targets met" in text


def test_short_history_is_marked(empty: SeriesStore, make: Make) -> None:
    Feed().fill(empty, NOW - 40, NOW)
    assert "of 40 s" in make(empty).test_client().get("/redis").text


@pytest.mark.parametrize("path", ["/", "/redis?range=6h"])
def test_a_fragment_is_the_same_part_of_the_page(client: FlaskClient, path: str) -> None:
    whole, fragment = client.get(path).text, client.get(path, headers=HTMX).text
    assert fragment.strip() == part(whole, "main", "main")
    live = client.get(f"/live/{'overview' if path == '/' else 'redis'}?{path.partition('?')[2]}", headers=HTMX).text
    assert part(live, "section", "live") == part(whole, "section", "live")


def test_history_and_full_requests_get_the_page(client: FlaskClient) -> None:
    for header in ({"HX-History-Restore-Request": "true"}, {"HX-Request-Type": "full"}):
        assert client.get("/", headers={**HTMX, **header}).text.startswith("<!doctype html>")


def test_answers_say_what_they_depend_on(client: FlaskClient) -> None:
    for path in ("/", "/live/overview", "/charts/overview.json?panel=hits"):
        vary = client.get(path, headers=HTMX).headers["Vary"]
        assert {"HX-Request", "HX-Request-Type", "HX-History-Restore-Request"} <= set(vary.split(", "))


def test_what_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/live/overview", headers=HTMX)
    again = client.get("/live/overview", headers={**HTMX, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_live_part_asked_for_as_a_page_leads_to_the_page(client: FlaskClient) -> None:
    answer = client.get("/live/redis?range=6h")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/redis?range=6h")


def test_links_and_charts_keep_the_range(client: FlaskClient) -> None:
    text = client.get("/?range=6h").text
    assert 'href="/redis?range=6h"' in text
    assert 'data-query="range=6h"' in text
    fixed = client.get("/?from=2027-01-15T07:00Z&to=2027-01-15T07:30Z").text
    assert "hx-trigger" not in fixed
    assert "from=2027-01-15T07%3A00%3A00Z" in fixed


def test_a_page_is_readable_without_scripts(client: FlaskClient) -> None:
    text = client.get("/").text
    assert text.count('<svg class="sketch"') == 8
    assert text.count('<svg class="sp ') == 14
    assert re.search(r"Redis hit rate</bdi> <b>\d+\.\d %</b>", text)


def test_csv_table_page_and_chart_agree(client: FlaskClient) -> None:
    rows = list(csv.reader(io.StringIO(client.get("/redis.csv").text)))
    number = rows[0].index('redis_hit_rate{source="cache"}')
    last = float(rows[-1][number]) * 100
    chart = client.get("/charts/redis.json?panel=redis_hit_rate").get_json()["redis_hit_rate"]
    assert chart["series"][0]["now"] == f"{last:.1f} %"
    assert f"{last:.1f} %" in client.get("/charts/redis/redis_hit_rate").text
    assert f'{last:.1f}<span class="u">%</span>' in client.get("/").text


def test_csv_is_a_file(client: FlaskClient) -> None:
    for path in ("/overview.csv", "/overview/targets.csv", "/charts/redis/memory.csv"):
        answer = client.get(path)
        assert answer.mimetype == "text/csv"
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="trivet-')


def test_every_link_of_every_page_leads_somewhere(client: FlaskClient) -> None:
    for path in PAGES:
        for link in set(re.findall(r'href="(/[^"#]*)', client.get(path).text)):
            assert client.get(link.replace("&amp;", "&")).status_code in (200, 302), link


HOSTILE = ("<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "a\nb", "{{ 7*7 }}", "=1+1", "\u202eevil")


def test_names_from_outside_are_text(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 300, NOW, dict.fromkeys(HOSTILE, (9, 10)))
    app = create_app(
        store=empty,
        catalog=declared.catalog(),
        sources=[Watched("shop", "redis", {"<b>": "</td>"})],
        clock=lambda: NOW,
        banner=lambda: "<script>banner</script>",
    )
    client = app.test_client()
    for path in ("/redis", "/charts/redis/shop_share", "/status", "/"):
        text = client.get(path).text
        assert "<script>alert" not in text
        assert "<script>banner" not in text
        assert "<img" not in text
    assert "&lt;script&gt;alert(1)" in client.get("/redis").text


class Broken:
    """A store that fails at everything but saying so."""

    def __getattr__(self, name: str) -> object:
        def fail(*args: object, **more: object) -> object:
            raise OSError("disk I/O error: secret detail")

        return fail

    def health(self) -> Health:
        return Health(0, 0, 0, None, None, problem="database disk image is malformed")


@pytest.mark.parametrize("path", ["/", "/redis", "/live/overview", "/api/v1/targets", "/metrics", "/status"])
def test_a_store_that_fails_gives_words_and_no_trace(make: Make, path: str, caplog: pytest.LogCaptureFixture) -> None:
    answer = make(Broken()).test_client().get(path, headers=HTMX)
    assert answer.status_code == 503
    assert "The store does not answer" in answer.text
    assert "database disk image is malformed" in answer.text
    assert "Traceback" not in answer.text
    assert "secret" not in answer.text
    assert "disk I/O error" in caplog.text


class Slow(Broken):
    """A store whose questions take too long, and which is well otherwise."""

    def __getattr__(self, name: str) -> object:
        def fail(*args: object, **more: object) -> object:
            raise StoreSlow("the question took longer than 30 s: ask for less at once")

        return fail

    def health(self) -> Health:
        return Health(1, 1, 1, NOW, NOW)


@pytest.mark.parametrize("path", ["/", "/redis", "/live/overview", "/api/v1/targets", "/status"])
def test_a_question_that_takes_too_long_is_told_in_words(make: Make, path: str) -> None:
    answer = make(Slow()).test_client().get(path, headers=HTMX)
    assert answer.status_code == 503
    assert "That took too long" in answer.text
    assert "The question took longer than 30 s: ask for less at once, such as a shorter range." in answer.text
    assert "Traceback" not in answer.text


def test_what_is_wrong_with_the_store_is_said_and_what_was_dropped(full: SeriesStore, make: Make) -> None:
    """The page is served all the same."""
    ill = replace(full.health(), problem="series.db-wal is 83 MiB, over 64 MiB", damaged=3, dropped={"cache": 12})

    class Ailing:
        def __getattr__(self, name: str) -> object:
            return getattr(full, name)

        def health(self) -> Health:
            return ill

    client = make(Ailing()).test_client()
    page = client.get("/status")
    assert page.status_code == 200
    for text in ("The store needs attention.", "series.db-wal is 83 MiB", "Damaged pieces", "dropped of cache"):
        assert text in page.text
    health = client.get("/healthz")
    assert (health.status_code, health.get_json()["problem"]) == (503, ill.problem)
    lines = client.get("/metrics").text.splitlines()
    assert "trivet_store_damaged_pieces 3" in lines
    assert "trivet_store_problem 1" in lines
    assert 'trivet_store_records_dropped_total{source="cache"} 12' in lines
    assert any(line.startswith("trivet_store_wal_bytes ") for line in lines)


def test_wrong_ranges_and_addresses_are_told_in_words(client: FlaskClient) -> None:
    wrong = client.get("/?range=<script>")
    assert (wrong.status_code, "<script>&" in wrong.text) == (400, False)
    assert "is no length of time" in wrong.text
    assert client.get("/nothing").status_code == 404
    assert "There is no such page" in client.get("/nothing").text


def test_what_a_source_lacks_is_said_with_the_line_that_mends_it(empty: SeriesStore, make: Make) -> None:
    told = '{"class": "forbidden", "text": "permission denied", "hint": "GRANT pg_monitor TO trivet;"}'
    records = [Record("lacking", "statements", told), Record("lacking", "tables", "")]
    for poll in Feed().polls(NOW, 10):
        empty.append(replace(poll, records=records if poll.source == "main" else ()))
    client = make(empty).test_client()
    for path in ("/postgres", "/status"):
        text = client.get(path).text
        assert "permission denied" in text
        assert "<code>GRANT pg_monitor TO trivet;</code>" in text
        assert not re.search("(lacks |>)tables:", text)
    assert "pg_monitor" not in client.get("/redis").text


def test_who_opens_the_live_part_by_itself_is_sent_to_the_page(client: FlaskClient) -> None:
    answer = client.get("/live/redis?range=6h")
    assert (answer.status_code, answer.location) == (302, "/redis?range=6h")
    # Where less follows than was promised, a server cuts the connection.
    assert answer.content_length == len(answer.get_data())
