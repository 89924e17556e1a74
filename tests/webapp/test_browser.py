"""The pages in a real Chromium, served by granian, over a store that grows while they are open."""

import csv
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboards.amounts import BYTES_PER_SECOND, SECONDS_PER_SECOND, amount
from metrics.model import Unit
from stack.native.tools import Toolbox
from storage.series import SeriesStore
from tests.dashboards.feed import Feed
from tests.webapp.browser import chromium, served, visit

QUICK = 2.0
"""Seconds between the polls of the rehearsal: faster than life, so that a test sees several."""

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    store, feed, over = SeriesStore(folder), Feed(), threading.Event()
    now = time.time()
    feed.fill(store, now - 4500, now, pause=(now - 1500, now - 1200))

    def go_on() -> None:
        last = now
        while not over.wait(QUICK):
            at = time.time()
            for poll in feed.polls(at, at - last):
                store.append(poll)
            last = at

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        with served(folder) as found:
            yield found
    finally:
        over.set()
        thread.join()
        store.close()


@pytest.fixture(scope="module")
def browser(toolbox: Toolbox) -> Iterator[Browser]:
    with chromium(toolbox.need("chromium")) as found:
        yield found


def test_the_overview_draws_and_moves_without_reloading(browser: Browser, address: str) -> None:
    with visit(browser) as tab:
        page = tab.page
        page.goto(address)
        assert tab.drawn("latency")
        assert page.locator("#p-latency .sketch").count() == 0
        page.evaluate("window.same = document.getElementById('p-latency').firstElementChild")
        shown = page.locator(".sctab .v, .sctab .bs")
        values, moved, deadline = shown.all_inner_texts(), 0, time.monotonic() + 20
        while moved < 2:
            assert time.monotonic() < deadline, "fewer than two values moved"
            page.evaluate("htmx.trigger(document.getElementById('live'), 'every')")
            page.wait_for_timeout(1000)
            moved = sum(a != b for a, b in zip(values, shown.all_inner_texts(), strict=True))
        page.wait_for_timeout(500)
        assert page.evaluate("window.same.isConnected")
        beside = page.locator("tr:has(a[href*='#within']) .bs").first.inner_text()
        assert beside == f"p95 {page.locator('#lg-latency b').first.inner_text()}"
        assert (tab.complaints, tab.violations(), tab.elsewhere) == ([], [], [])


def test_a_range_changes_the_address_and_the_data_and_back_goes_back(browser: Browser, address: str) -> None:
    with visit(browser) as tab:
        page = tab.page
        page.goto(address)
        assert tab.drawn("latency")
        with page.expect_response(re.compile(r"/charts/overview\.json\?range=15m")):
            page.click("text=15m")
        page.wait_for_url("**/?range=15m")
        tab.until("document.getElementById('p-latency').data[0].x.length === 90")
        assert page.locator(".seg [aria-current]").inner_text() == "15m"
        assert str(page.locator(".side a:has-text('Redis')").get_attribute("href")).endswith("/redis?range=15m")
        page.go_back()
        tab.until("document.getElementById('p-latency').data?.[0].x.length === 360")
        assert page.locator(".seg [aria-current]").inner_text() == "1h"
        assert (tab.complaints, tab.violations()) == ([], [])


def test_dragging_over_a_chart_sets_the_range_of_the_page(browser: Browser, address: str) -> None:
    with visit(browser) as tab:
        page = tab.page
        page.goto(f"{address}/redis")
        assert tab.drawn("redis_hit_rate")
        box = page.locator("#p-redis_hit_rate .nsewdrag").first.bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=6)
        page.mouse.up()
        page.wait_for_url("**/redis?from=*&to=*")
        assert tab.drawn("redis_hit_rate")
        assert page.locator("#live-switch").count() == 0
        assert (tab.complaints, tab.violations()) == ([], [])


def test_the_cursor_reads_all_charts_at_one_time(browser: Browser, address: str) -> None:
    with visit(browser) as tab:
        page = tab.page
        page.goto(f"{address}/redis")
        assert tab.drawn("redis_hit_rate")
        assert tab.drawn("memory")
        before = page.locator("#lg-redis_hit_rate b").inner_text()
        box = page.locator("#p-redis_hit_rate .nsewdrag").first.bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 60)
        page.mouse.move(box["x"] + box["width"] * 0.21, box["y"] + 62)
        tab.until("document.getElementById('at').textContent.endsWith('UTC')")
        assert page.locator("#p-memory .xh").is_visible()
        assert re.fullmatch(r"\d\d\.\d %", page.locator("#lg-redis_hit_rate b").inner_text())
        page.mouse.move(10, 10)
        tab.until("document.getElementById('at').textContent === ''")
        assert page.locator("#lg-redis_hit_rate b").inner_text()[:2] == before[:2]


def test_a_phone_shows_the_state_of_every_source_without_a_swipe(browser: Browser, address: str) -> None:
    with visit(browser, 390) as tab:
        tab.page.goto(f"{address}/status")
        states = tab.page.locator(".srctab td.state")
        assert states.count() > 0
        for state in states.all():
            box = state.bounding_box()
            assert box
            assert box["x"] + box["width"] <= 390


def test_scripts_and_server_round_alike(browser: Browser, address: str) -> None:
    units = [
        *map(str, (Unit.RATIO, Unit.SECONDS, Unit.COUNT, Unit.PER_SECOND, Unit.BYTES)),
        BYTES_PER_SECOND,
        SECONDS_PER_SECOND,
    ]
    values = [0.0, 0.5, 2.5, 14.25, 25.0, 0.999, 0.9995, 0.99996, 1.0, 999.5, 1234.5, 5240.0, 1e6, 0.004, -3.25, -1e-9]
    values += [round(7e-7 * 1.37**i, 12) for i in range(110)]
    with visit(browser) as tab:
        tab.page.goto(address)
        for unit in units:
            said = tab.page.evaluate("([values, unit]) => values.map(v => trivetAmount(v, unit))", [values, unit])
            assert said == [str(amount(value, unit)) for value in values]


def test_a_csv_is_downloaded_and_has_the_values(browser: Browser, address: str, tmp_path: Path) -> None:
    with visit(browser) as tab:
        tab.page.goto(f"{address}/?range=15m")
        with tab.page.expect_download() as started:
            tab.page.click("text=All values of these charts as CSV")
        started.value.save_as(tmp_path / "a.csv")
        with (tmp_path / "a.csv").open(newline="") as file:
            names, units, *rows = list(csv.reader(file))
        assert len(rows) == 90
        assert {len(row) for row in rows} == {len(names)} == {len(units)}
        assert abs(datetime.fromisoformat(rows[-1][0]).timestamp() - time.time()) < 30
        number = names.index('redis_hit_rate{source="cache"}')
        assert 0.5 < float(rows[-1][number]) <= 1


@pytest.mark.parametrize(
    ("path", "theme"),
    [("/", "light"), ("/", "dark"), ("/postgres", "dark"), ("/status", "light"), ("/charts/overview/latency", "light")],
)
def test_a_phone_shows_every_page_without_scrolling_sideways(
    browser: Browser, address: str, path: str, theme: str
) -> None:
    with visit(browser, width=390, theme=theme) as tab:
        tab.page.goto(address + path)
        tab.page.wait_for_timeout(400)
        assert tab.overflow() <= 0
        assert (tab.complaints, tab.violations()) == ([], [])


def test_a_chosen_theme_is_kept(browser: Browser, address: str) -> None:
    with visit(browser) as tab:
        page = tab.page
        page.goto(address)
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.click("#theme")
        page.click("#theme")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        page.goto(f"{address}/redis")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
        assert tab.violations() == []


def test_polling_pauses_on_request_and_errors_keep_the_last_values(browser: Browser, address: str) -> None:
    with visit(browser) as tab:
        page = tab.page
        page.goto(address)
        page.click("#live-switch")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.evaluate("htmx.trigger(document.getElementById('live'), 'every')")
        page.wait_for_timeout(500)
        assert asked == []
        page.route("**/live/**", lambda route: route.fulfill(status=503, body="no"))
        page.click("#live-switch")
        page.wait_for_selector("#trouble:visible")
        assert "503" in page.locator("#trouble").inner_text()
        assert page.locator(".sctab .v").count() == 14
        page.unroute("**/live/**")
        page.evaluate("htmx.trigger(document.getElementById('live'), 'every')")
        page.wait_for_selector("#trouble", state="hidden")


def test_the_first_tab_stop_skips_to_the_content(browser: Browser, address: str) -> None:
    with visit(browser) as tab:
        tab.page.goto(address)
        tab.page.keyboard.press("Tab")
        assert tab.page.evaluate("document.activeElement.textContent") == "Skip to content"
        tab.page.keyboard.press("Enter")
        assert tab.page.evaluate("document.activeElement.id") == "main"
