"""A cap on routes: histograms stay whole, and sums are what all routes did."""

from collections.abc import Mapping
from contextlib import closing
from math import nan

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.api.collector import ApiCollector
from collectors.api.routes import Routes
from collectors.api.source import ApiSource
from collectors.rest import REST
from metrics.model import Labels, Sample
from tests.collectors.memory import poll, values
from tests.collectors.serving_page import serving

EDGES = ("0.1", "0.2", "+Inf")
ROUTES = [f"/r{n}" for n in range(9)]
pages = st.lists(st.dictionaries(st.sampled_from(ROUTES), st.integers(0, 40)), min_size=2, max_size=10)


def _page(counts: Mapping[str, int]) -> list[Sample]:
    samples = [Sample("http_requests_in_flight", (), 1.0)]
    for route, n in counts.items():
        own: Labels = (("route", route),)
        samples.append(Sample("http_requests_total", (("code", "200"), *own), float(n)))
        for place, edge in enumerate(EDGES):
            value = float(n * (place + 1) // len(EDGES))
            samples.append(Sample("http_request_duration_seconds_bucket", (("le", edge), *own), value))
        samples.append(Sample("http_request_duration_seconds_count", own, float(n)))
        samples.append(Sample("http_request_duration_seconds_sum", own, n * 0.5))
    return samples


def _by_name(samples: list[Sample]) -> dict[tuple[str, Labels], float]:
    found = {(sample.metric, sample.labels): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


@settings(deadline=None, max_examples=300)
@given(pages, st.integers(1, 4))
def test_sums_are_what_all_routes_did_and_the_cap_holds(rises: list[dict[str, int]], fit: int) -> None:
    most = 1 + 6 * (fit + 1)
    routes = Routes(most)
    counts: dict[str, int] = {}
    before: dict[tuple[str, Labels], float] = {}
    owed = 0.0
    for look, rise in enumerate(rises):
        for route, n in rise.items():
            counts[route] = counts.get(route, 0) + n
        kept, left = routes.capped(_page(counts), 1.0)
        now = _by_name(kept)
        assert len(kept) <= most + 6
        assert left == max(0, 6 * len(counts) - sum(1 for name in now if name[1] and (("route", REST) not in name[1])))
        if look:
            done = sum(n for route, n in rise.items())
            # What appears and is shown is counted from zero by its second sample: not the cap's affair.
            risen = sum(
                value - before.get(name, 0.0) for name, value in now.items() if name[0] == "http_requests_total"
            )
            late = _late(now, before, counts)
            assert risen == done + owed - late
        owed = _late(now, before, counts) if look else 0.0
        whole: dict[str, int] = {}
        for name, labels in now:
            if name.startswith("http_request_duration"):
                whole[dict(labels)["route"]] = whole.get(dict(labels)["route"], 0) + 1
        assert set(whole.values()) <= {5}
        before = now


def _late(
    now: Mapping[tuple[str, Labels], float], before: Mapping[tuple[str, Labels], float], counts: Mapping[str, int]
) -> float:
    """What a rest that is new has counted and gives at its next look."""
    rest = ("http_requests_total", (("code", "200"), ("route", REST)))
    if rest not in now or rest in before:
        return 0.0
    shown = {dict(labels)["route"] for name, labels in now if name == "http_requests_total"}
    return float(sum(n for route, n in counts.items() if route not in shown))


def test_of_a_first_page_the_busiest_routes_are_shown() -> None:
    routes = Routes(1 + 6 * 3)
    kept, left = routes.capped(_page({f"/r{n}": n for n in range(6)}))
    shown = {dict(labels).get("route") for labels in (sample.labels for sample in kept)}
    assert shown == {None, "/r5", "/r4", REST}
    assert left == 24


def test_what_was_shown_stays_and_a_new_run_chooses_anew() -> None:
    routes = Routes(1 + 6 * 2)
    routes.capped(_page({"/a": 1}), 1.0)
    kept, _ = routes.capped(_page({"/a": 1, "/b": 50, "/c": 60}), 1.0)
    assert _shown(kept) == {"/a", REST}
    kept, _ = routes.capped(_page({"/a": 1, "/b": 5, "/c": 6}), 2.0)
    assert _shown(kept) == {"/c", REST}


def test_a_reset_of_a_hidden_route_makes_no_fall() -> None:
    routes = Routes(1 + 6 * 2)
    routes.capped(_page({"/a": 100, "/b": 50, "/c": 40}))
    assert _rest(routes.capped(_page({"/a": 100, "/b": 51, "/c": 40}))[0]) == 1
    assert _rest(routes.capped(_page({"/a": 100, "/b": 3, "/c": 40}))[0]) == 4
    assert _rest(routes.capped(_page({"/a": 100, "/c": 41}))[0]) == 5
    assert _rest(routes.capped(_page({"/a": 100}))[0]) == 5


def test_a_hidden_route_that_is_no_number_once_does_not_spoil_the_rest() -> None:
    routes = Routes(1 + 6 * 2)
    routes.capped(_page({"/a": 100, "/b": 50, "/c": 40}))
    odd = [
        sample._replace(value=nan) if ("route", "/b") in sample.labels else sample
        for sample in _page({"/a": 100, "/b": 51, "/c": 41})
    ]
    assert _rest(routes.capped(odd)[0]) == 1
    assert _rest(routes.capped(_page({"/a": 100, "/b": 52, "/c": 42}))[0]) == 2
    assert _rest(routes.capped(_page({"/a": 100, "/b": 55, "/c": 42}))[0]) == 5


def test_a_collector_tells_what_it_left_out() -> None:
    lines = [f'http_requests_total{{method="GET",route="/r{n}",code="200"}} {n}' for n in range(500)]
    with serving("\n".join(lines)) as paper:
        source = ApiSource(name="api", url=paper.url, max_series=200)
        with closing(ApiCollector(source)) as collector:
            found = poll(collector)
            assert found.left_out == 301
            assert len(values(found, "http_requests_total")) == 200
            paper.text = "\n".join(line.replace("} ", "} 1") for line in lines)
            before, after = sum(values(found, "http_requests_total").values()), poll(collector)
    hidden = sum(n for n in range(500)) - before
    assert (
        sum(values(after, "http_requests_total").values()) - before
        == sum(int(f"1{n}") for n in range(500)) - before - hidden
    )


def _shown(samples: list[Sample]) -> set[str]:
    return {route for sample in samples if (route := dict(sample.labels).get("route"))}


def _rest(samples: list[Sample]) -> float:
    return _by_name(samples)["http_requests_total", (("code", "200"), ("route", REST))]
