"""Charts: gaps stay gaps, five lines at most, sums only where they are honest."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dashboards.amounts import amount, measure
from dashboards.chart import chart
from dashboards.drawing import drawing
from dashboards.figure import CONFIG, template
from dashboards.layers import PICKED
from dashboards.page import LIMIT, Panel, Subjects, alone, layer_panels, mixed
from dashboards.pages import OVERVIEW, shipped
from dashboards.scorecard import scorecard
from dashboards.sketch import sketch
from dashboards.survey import Survey
from metrics.catalog import Catalog
from metrics.forms import Level, Rate
from metrics.model import Kind, Metric, Unit
from metrics.poll import Event, EventKind, Record
from storage.series import SeriesStore
from tests.dashboards import declared
from tests.dashboards.conftest import NOW
from tests.dashboards.feed import Feed


def test_a_gap_is_null_and_not_a_line(survey: Callable[..., Survey], catalog: Catalog) -> None:
    seen = survey()
    values = chart(seen, drawing(seen, alone(catalog.forms["redis_commands"])))["series"][0]["y"]
    assert len(values) == 360
    assert 20 <= values.count(None) <= 60
    assert values[0] is not None
    assert values[-1] is not None


def test_the_last_value_of_a_line_is_what_its_legend_says(survey: Callable[..., Survey], catalog: Catalog) -> None:
    seen = survey()
    line = chart(seen, drawing(seen, alone(catalog.forms["redis_hit_rate"])))["series"][0]
    assert line["now"] == f"{line['y'][-1]:.1f} %"


def test_more_subjects_than_room_are_the_worst_and_a_count(survey: Callable[..., Survey]) -> None:
    panel = Panel(name="x", title="X", forms=("pg_index_scan_ratio_by_table",), lowest=True)
    drawn = drawing(survey(), panel)
    assert (len(drawn.strokes), drawn.more) == (LIMIT, 2)
    assert "users" not in {stroke.title for stroke in drawn.strokes}


def test_where_a_sum_is_honest_the_rest_is_summed(survey: Callable[..., Survey]) -> None:
    drawn = drawing(survey(), Panel(name="x", title="X", forms=("pg_seq_rows_read_by_table",)))
    assert (drawn.strokes[-1].title, drawn.more) == ("3 others", 0)


def test_a_row_that_is_the_sum_of_others_is_none_of_the_worst(empty: SeriesStore) -> None:
    shelves = {f"shelf {n}": (9.0 - n, 10.0) for n in range(4)}
    declared.sell(empty, NOW - 300, NOW, {**shelves, "(rest)": (1, 50), "(rest, small)": (1, 90)})
    rate = Rate(name="shop_sold", title="Sold", help="Sold.", by=("shelf",), of=[declared.every])
    seen = declared.survey(empty, NOW, forms=[declared.share, rate])
    few = drawing(seen, Panel(name="x", title="X", forms=("shop_share",), lowest=True))
    assert [stroke.title for stroke in few.strokes] == [*shelves, "all other small ones"]
    assert few.more == 1
    summed = drawing(seen, Panel(name="x", title="X", forms=("shop_sold",)))
    assert [stroke.title for stroke in summed.strokes] == [*shelves, "all others"]
    assert summed.strokes[-1].values[-1] == pytest.approx(14.0)


def test_where_the_busiest_are_asked_for_what_hardly_happens_takes_no_room(empty: SeriesStore) -> None:
    shelves = {f"shelf {n}": (5.0, 10.0 + n) for n in range(LIMIT)}
    declared.sell(empty, NOW - 300, NOW, {**shelves, "rare": (1, 1)})
    seen = declared.survey(empty, NOW)
    panel = Panel(name="x", title="X", forms=("shop_share",), busiest=True)
    assert [stroke.title for stroke in drawing(seen, panel).strokes] == list(shelves)
    assert "rare" in {stroke.title for stroke in drawing(seen, replace(panel, busiest=False)).strokes}


def test_a_row_of_the_rest_leads_no_target_while_another_row_does_as_badly(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 300, NOW, {"top": (7, 10), "low": (9, 10), "(rest)": (1, 50)})
    row = scorecard(declared.survey(empty, NOW), ["redis"]).rows[0]
    assert [item.subject for item in row.standings] == ["shop top", "shop all others", "shop low"]


def test_time_spent_per_second_reads_as_that(empty: SeriesStore) -> None:
    spent = Metric(name="shop_busy_seconds_total", kind=Kind.COUNTER, unit=Unit.SECONDS, help="Busy.")
    form = Rate(name="shop_busy", title="Busy", help="Busy.", of=[spent])
    assert str(amount(0.000011, measure(form))) == "11 µs/s"
    assert str(amount(0.37, measure(form))) == "370 ms/s"


def test_sums_are_for_amounts_and_never_for_quotients(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 300, NOW, {"a": (9, 10), "b": (5, 10)})
    rate = Rate(name="shop_sold", title="Sold", help="Sold.", by=("shelf",), of=[declared.every])
    seen = declared.survey(empty, NOW, forms=[declared.share, rate])
    panel = Panel(name="x", title="X", forms=("shop_sold",), subjects=Subjects.SUM)
    assert drawing(seen, panel).strokes[0].values[-1] == pytest.approx(2.0)
    assert len(drawing(seen, replace(panel, forms=("shop_share",))).strokes) == 2


def test_a_quantile_shows_the_bound_of_the_share_that_says_the_same(survey: Callable[..., Survey]) -> None:
    drawn = drawing(survey(), Panel(name="x", title="X", forms=("api_p95_seconds", "api_p99_seconds")))
    assert [(mark.value, mark.text) for mark in drawn.marks] == [
        (0.1, "p95 target ≤ 100 ms"),
        (0.2, "p99 target ≤ 200 ms"),
    ]


def test_every_form_of_a_layer_is_on_its_page_once_those_with_targets_first(catalog: Catalog) -> None:
    for page in shipped(catalog)[1:]:
        shown = [name for panel in page.panels for name in panel.forms]
        mine = {form.name for form in catalog.forms.values() if catalog.layer_of(form) == page.name}
        assert mine <= set(shown)
        targeted = [any(catalog.forms[name].target for name in panel.forms) for panel in page.panels]
        assert targeted == sorted(targeted, reverse=True)


def test_a_form_declared_tomorrow_has_its_panel_without_an_edit(catalog: Catalog) -> None:
    new = Level(name="redis_new", title="New", help="New.", of=[catalog.metrics["redis_connected_clients"]])
    later = replace(catalog, forms={**catalog.forms, "redis_new": new}, layers={**catalog.layers, "redis_new": "redis"})
    assert layer_panels("redis", PICKED["redis"], later)[-1].name == "redis_new"


def test_hand_picked_panels_name_declared_forms_of_one_measure(catalog: Catalog) -> None:
    for panel in (*OVERVIEW, *(panel for picked in PICKED.values() for panel in picked)):
        assert {*panel.forms, *panel.marks} <= set(catalog.forms), panel.name
        assert not mixed(panel, catalog), panel.name
    assert len(OVERVIEW) <= 8


def test_events_are_on_every_chart(survey: Callable[..., Survey], catalog: Catalog) -> None:
    seen = survey()
    seen.events_of = lambda start, end: [Event(EventKind.DEPLOY, NOW - 60, "Deploy <b>")]
    found = chart(seen, drawing(seen, alone(catalog.forms["redis_keys"])))["events"]
    assert found == [{"kind": "deploy", "at": NOW - 60, "until": None, "text": "Deploy <b>"}]


def test_plotly_accepts_what_all_charts_have_in_common() -> None:
    common = template()
    assert common["trace"]["connectgaps"] is False
    assert common["layout"]["yaxis"]["fixedrange"] is True
    assert CONFIG["showSendToCloud"] is False


def test_a_sketch_breaks_at_gaps() -> None:
    drawn = sketch(np.array([1.0, 2.0, np.nan, 2.0, 1.0]), None)
    assert len(drawn.strokes) == 2
    assert sketch(np.array([np.nan]), 1.0).strokes == ()


def test_a_statement_is_called_by_its_text_where_that_is_kept(
    empty: SeriesStore, survey: Callable[..., Survey]
) -> None:
    Feed().fill(empty, NOW - 300, NOW - 10)
    texts = [Record("query", "42", "SELECT  a\nFROM b"), Record("query", "-713", "SELECT " + "x, " * 90)]
    [last] = [poll for poll in Feed().polls(NOW, 10) if poll.source == "main"]
    empty.append(replace(last, records=texts))
    drawn = drawing(survey(empty), Panel(name="x", title="X", forms=("pg_query_time",)))
    titles = {stroke.title for stroke in drawn.strokes}
    assert "SELECT a FROM b" in titles
    assert "915" in titles
    assert max(map(len, titles)) < 60
