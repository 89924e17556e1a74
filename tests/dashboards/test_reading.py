"""Ranges, selectors and memories: what comes from an address, and what many share."""

import threading
import time
from pathlib import Path

import pytest

import collectors
from dashboards.memory import Memory
from dashboards.selecting import SelectorError, selector
from dashboards.span import MOST, Span, SpanError, parse
from dashboards.survey import Survey
from metrics.catalog import discover
from metrics.target import Bounds
from storage.reading import SeriesReader


@pytest.mark.parametrize("given", [{"range": "1s"}, {"range": "-1h"}, {"range": "9999d"}, {"from": "x"}, {"from": "2"}])
def test_ranges_that_are_none_say_so(given: dict[str, str]) -> None:
    with pytest.raises(SpanError):
        parse(given, 1.0)


@pytest.mark.parametrize("length", [10, 59, 900, 3600, 86400, 86400 * 30, 86400 * 399])
def test_a_grid_ends_with_its_range_and_has_few_windows(length: float) -> None:
    span = Span(1e9, 1e9 + length)
    assert span.end - (span.step if span.thin else 0) <= span.ends[-1] <= span.end
    assert 1 <= len(span.ends) <= MOST
    assert span.ends[0] >= span.start


def test_a_custom_range_without_an_end_ends_now() -> None:
    assert parse({"from": "1970-01-01T00:00"}, 100.0) == Span(0.0, 100.0)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "a{b}", 'a{b="c"', 'a{b="c"}}', 'a{b=~"(x+)+y"}', 'a{b=~"' + "x" * 300 + '"}', 'a{b=~"["}', "a b"],
)
def test_selectors_that_are_none_say_so(text: str) -> None:
    with pytest.raises(SelectorError):
        selector(text)


def test_selectors_keep_quotes_and_line_ends() -> None:
    found = selector(r'a{b="x\"y\\z\n",c!~"u|v.*"}')
    assert [matcher.value for matcher in found.matchers] == ['x"y\\z\n', "u|v.*"]


def test_many_viewers_cost_one_computation() -> None:
    memory: Memory[int] = Memory(time.monotonic)
    made: list[int] = []

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return 7

    threads = [threading.Thread(target=lambda: memory.get("k", 60, make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_a_memory_forgets_in_time_and_in_number() -> None:
    now = [0.0]
    memory: Memory[float] = Memory(lambda: now[0], most=2)
    assert memory.get("a", 2.0, lambda: 1.0) == 1.0
    now[0] = 1.9
    assert memory.get("a", 2.0, lambda: 2.0) == 1.0
    now[0] = 2.1
    assert memory.get("a", 2.0, lambda: 3.0) == 3.0
    memory.get("b", 2.0, lambda: 1.0)
    memory.get("c", 2.0, lambda: 1.0)
    assert memory.get("a", 2.0, lambda: 4.0) == 4.0


def test_a_quantile_looks_as_far_back_as_the_target_it_stands_beside(tmp_path: Path) -> None:
    """Its line must not cross a bound that the judged share does not."""
    catalog = discover(collectors)
    survey = Survey(
        store=SeriesReader(tmp_path), catalog=catalog, sources=(), bounds=Bounds({}), span=Span(0.0, 900.0, "15m")
    )
    p99, shown = catalog.forms["api_p99"], catalog.forms["api_p99_seconds"]
    assert p99.target is not None
    assert survey.window(shown) == survey.window(p99) == p99.target.window
