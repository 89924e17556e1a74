"""The scorecard claims what is known and says why the rest is not."""

from collections.abc import Callable

import pytest

from dashboards.drawing import drawing
from dashboards.page import alone
from dashboards.scorecard import Row, scorecard
from dashboards.survey import Survey
from metrics.catalog import Catalog
from metrics.model import Sample
from metrics.poll import Poll, Record, Tier
from metrics.target import Bounds, State
from storage.series import SeriesStore
from tests.dashboards import declared
from tests.dashboards.conftest import NOW
from tests.dashboards.feed import SOURCES, Feed

LAYERS = ("api", "pgbouncer", "redis", "postgres")


def row(survey: Survey, name: str) -> Row:
    return next(row for row in scorecard(survey, LAYERS).rows if row.form.name == name)


def test_every_target_of_every_layer_has_one_row(survey: Callable[..., Survey], catalog: Catalog) -> None:
    card = scorecard(survey(), LAYERS)
    assert sorted(row.form.name for row in card.rows) == sorted(form.name for form in catalog.targets())
    assert sum(card.count(state) for state in State) == len(card.rows)
    assert card.headline == f"{card.count(State.MET)} of {len(card.rows)} targets met"


def test_what_is_judged_in_a_load_test_is_unknown_and_shows_its_value(survey: Callable[..., Survey]) -> None:
    throughput = row(survey(), "api_throughput")
    assert throughput.state is State.UNKNOWN
    assert throughput.lead.note == "judged in a load test"
    assert str(throughput.lead.value).endswith("/s")


def test_now_is_the_last_point_of_the_chart(survey: Callable[..., Survey], catalog: Catalog) -> None:
    seen = survey()
    for found in scorecard(seen, LAYERS).rows:
        strokes = drawing(seen, alone(found.form)).strokes
        assert found.lead.verdict.value == pytest.approx(strokes[0].values[-1])


def test_one_missed_subject_makes_a_missed_target_and_leads(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 300, NOW, {"a": (9, 10), "b": (5, 10), "c": (0, 0)})
    found = row(declared.survey(empty, NOW), "shop_share")
    assert (found.state, found.lead.subject, str(found.lead.value)) == (State.MISSED, "shop b", "50.0 %")
    assert found.idle == ("shop c",)
    assert found.inside == 0
    assert found.lead.evidence.startswith("30 of 60 in 1 min")


def test_idle_subjects_are_listed_and_not_folded_in(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 300, NOW, {"a": (9, 10), "c": (0, 0)})
    found = row(declared.survey(empty, NOW), "shop_share")
    assert found.state is State.MET
    assert [standing.note for standing in found.others] == ["no traffic in 1 min"]


def test_only_idle_subjects_are_unknown_never_met(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 300, NOW, {"c": (0, 0)})
    found = row(declared.survey(empty, NOW), "shop_share")
    assert (found.state, found.lead.note, str(found.lead.value)) == (State.UNKNOWN, "no traffic in 1 min", "–")


def test_short_history_says_of_how_much(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 30, NOW, {"a": (9, 10)})
    assert row(declared.survey(empty, NOW), "shop_share").lead.note == "of 30 s"


def test_a_miss_says_how_long_it_has_lasted(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 300, NOW, {"a": (5, 10)})
    assert row(declared.survey(empty, NOW), "shop_share").lead.lasting.startswith("for over")


def test_a_source_without_any_data_has_a_row_with_its_reason(empty: SeriesStore) -> None:
    found = row(declared.survey(empty, NOW), "shop_share")
    assert (found.state, found.lead.note) == (State.UNKNOWN, "first sample awaited")


def test_a_source_that_is_down_keeps_its_last_value_and_says_since_when(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 900, NOW - 410, {"a": (9, 10)})
    for at in range(400, -1, -10):
        samples = [Sample("trivet_source_up", (), 0.0)]
        error = Record("error", "last", '{"text": "connection refused", "hint": "start it"}')
        poll = Poll(source="shop", tier=Tier.FAST, at=NOW - at, duration=1, up=False, samples=samples, records=[error])
        empty.append(poll)
    found = row(declared.survey(empty, NOW, "15m"), "shop_share")
    assert found.state is State.UNKNOWN
    assert found.lead.note == "down since 07:53: connection refused"
    assert found.lead.last.startswith("90.0 % at 07:5")


def test_a_collector_that_stopped_is_no_stalled_pool(empty: SeriesStore, survey: Callable[..., Survey]) -> None:
    Feed().fill(empty, NOW - 900, NOW - 150)
    states = {found.form.name: found.state for found in scorecard(survey(empty), LAYERS).rows}
    assert states["pgbouncer_pool_efficiency"] is State.UNKNOWN
    assert State.MET not in states.values()


def test_bounds_of_the_config_are_the_ones_that_judge(survey: Callable[..., Survey]) -> None:
    strict = survey(bounds=Bounds({"cache": {"redis_hit_rate": 0.999}}))
    found = row(strict, "redis_hit_rate")
    assert (found.state, found.lead.bound) == (State.MISSED, "≥ 99.9 %")


def test_change_needs_the_time_before(empty: SeriesStore, survey: Callable[..., Survey]) -> None:
    Feed().fill(empty, NOW - 1200, NOW)
    assert str(row(survey(empty), "redis_hit_rate").lead.change) == "–"
    assert str(row(survey(), "redis_hit_rate").lead.change).endswith("pp")


def test_layers_without_a_source_have_no_rows(full: SeriesStore, catalog: Catalog) -> None:
    alone = Survey(full, catalog, SOURCES[2:3], Bounds({}), declared.survey(full, NOW).span)
    assert {found.layer for found in scorecard(alone, LAYERS).rows} == {"redis"}
