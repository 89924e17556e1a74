"""The pages of alerts in a real Chromium."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from metrics.catalog import Catalog
from stack.native.tools import Toolbox
from storage.series import SeriesStore
from tests.dashboards.feed import Feed
from tests.webapp.alarming import board, filled
from tests.webapp.browser import chromium, served, visit

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Iterator[Path]:
    made, now = tmp_path_factory.mktemp("alerts"), time.time()
    store = SeriesStore(made)
    Feed().fill(store, now - 1500, now)
    filled(board(made, catalog), now)
    yield made
    store.close()


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as found:
        yield found


@pytest.fixture(scope="module")
def browser(toolbox: Toolbox) -> Iterator[Browser]:
    with chromium(toolbox.need("chromium")) as found:
        yield found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/alerts", "/alerts/2", "/alerts/history", "/alerts/silences", "/alerts/deliveries"])
def test_a_phone_shows_alerts_without_scrolling_sideways(browser: Browser, address: str, path: str, theme: str) -> None:
    with visit(browser, width=390, theme=theme) as tab:
        tab.page.goto(address + path)
        tab.page.wait_for_selector("main h2")
        assert tab.overflow() <= 0
        assert (tab.complaints, tab.violations()) == ([], [])


def test_from_the_overview_to_who_looks_after_it_by_keyboard_and_the_name_is_remembered(
    browser: Browser, address: str
) -> None:
    with visit(browser) as tab:
        page = tab.page
        page.goto(address)
        page.click(".alarm a >> nth=1")
        page.wait_for_selector("h1:has-text('Hit rate')")
        page.wait_for_selector("#p-redis_hit_rate .main-svg")
        page.fill("input[name=name]", "Ada")
        page.fill("input[name=note]", "keys expire")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Ada looks after it")
        page.click("text=Take that back")
        page.wait_for_selector("input[name=name]")
        assert page.input_value("input[name=name]") == "Ada"
        assert (tab.complaints, tab.violations()) == ([], [])
