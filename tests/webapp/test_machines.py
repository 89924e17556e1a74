"""JSON, health and Prometheus text."""

import math

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from metrics import watch
from metrics.alias import Alias
from metrics.catalog import Catalog
from metrics.model import Sample
from metrics.poll import Poll, Tier
from metrics.target import Bounds
from storage.series import SeriesStore
from tests.dashboards import declared
from tests.dashboards.feed import Feed
from tests.webapp.conftest import NOW, Make
from webapp.app import create_app


def test_any_series_as_json(client: FlaskClient) -> None:
    asked = {"select": 'pg_connections{state=~"active|idle"}', "range": "15m", "step": "1m", "fold": "max"}
    found = client.get("/api/v1/series", query_string=asked).get_json()
    assert (found["n"], found["step"]) == (15, 60)
    assert [series["labels"]["state"] for series in found["series"]] == ["active", "idle"]
    assert all(value >= 1 for series in found["series"] for value in series["values"])


@pytest.mark.parametrize(
    "query",
    ["", "select=a b", "select=x&range=6", "select=x&step=0", "select=x&step=z", "select=x&fold=median", "select=x{y"],
)
def test_wrong_questions_are_answered_with_400_and_a_sentence(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/v1/series?{query}")
    assert answer.status_code == 400
    assert len(answer.get_json()["error"]) > 10


def test_forms_are_given_in_base_units(client: FlaskClient) -> None:
    found = client.get("/api/v1/forms/redis_hit_rate?range=1h").get_json()
    values = found["series"][0]["values"]
    assert len(values) == found["n"] == 360
    assert None in values
    assert 0 < values[-1] < 1
    assert found["target"] == {"direction": "at least", "bound": 0.8, "window": 300.0}
    assert client.get("/api/v1/forms/nothing").status_code == 404
    assert "error" in client.get("/api/v1/forms/nothing").get_json()


def test_verdicts_and_catalog(client: FlaskClient, catalog: Catalog) -> None:
    targets = client.get("/api/v1/targets").get_json()
    assert len(targets["targets"]) == 14
    assert {subject["state"] for row in targets["targets"] for subject in row["subjects"]} >= {"met", "unknown"}
    names = {metric["name"] for metric in client.get("/api/v1/catalog").get_json()["metrics"]}
    assert names == set(catalog.metrics)


def test_health_is_200_while_samples_arrive_and_503_with_the_reason_when_not(empty: SeriesStore, make: Make) -> None:
    client = make(empty).test_client()
    assert client.get("/healthz").get_json()["problem"] == "no sample yet"
    Feed().fill(empty, NOW - 100, NOW - 31)
    old = client.get("/healthz")
    assert (old.status_code, old.get_json()["problem"]) == (503, "no sample for 40 s")
    Feed().fill(empty, NOW - 20, NOW)
    assert client.get("/healthz").status_code == 200


def test_prometheus_reads_what_we_write(client: FlaskClient) -> None:
    client.get("/")
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    histogram = families["http_request_duration_seconds"]
    assert histogram.type == "histogram"
    assert histogram.documentation
    assert math.inf in {float(s.labels["le"]) for s in histogram.samples if s.name.endswith("_bucket")}
    assert families["trivet_source_up"].samples[0].value == 1
    assert families["redis_keyspace_hits"].type == "counter"
    assert families["trivet_web_requests"].samples
    met = {sample.labels["target"]: sample.value for sample in families["trivet_target_met"].samples}
    assert met["redis_hit_rate"] == 1
    assert "api_throughput" not in met


def test_hostile_label_values_survive_the_round_trip(empty: SeriesStore) -> None:
    names = ['a"b\\c\nd', "x\r\ny", "plain}"]
    declared.sell(empty, NOW - 60, NOW, dict.fromkeys(names, (9, 10)))
    app = create_app(store=empty, catalog=declared.catalog(), sources=[declared.SHOP], clock=lambda: NOW)
    text = app.test_client().get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    shelves = {sample.labels["shelf"] for sample in families["shop_good"].samples}
    assert shelves == {'a"b\\c\nd', "x \ny", "plain}"}


def test_one_layer_under_the_names_of_its_exporter(empty: SeriesStore) -> None:
    known = declared.catalog()
    alias = Alias(name="exporter_good", kind="counter", help="Good.", of=declared.good)
    known.aliases["redis"] = (alias,)
    samples = [Sample(declared.good.name, (), 3.0)]
    for source in ("a", "b"):
        empty.append(Poll(source=source, tier=Tier.FAST, at=NOW, duration=0, up=True, samples=samples))
    client = create_app(store=empty, catalog=known, sources=[], bounds=Bounds({}), clock=lambda: NOW).test_client()
    page = client.get("/metrics/redis").text
    assert 'exporter_good{source="a"} 3' in page
    assert f'{declared.good.name}{{source="b"}} 3' in page
    assert "exporter_good 3" in client.get("/metrics/redis?source=b").text
    assert "exporter_good" not in client.get("/metrics/redis?source=c").text
    assert client.get("/metrics/nothing").status_code == 404


def test_what_every_source_has_is_given_to_an_alias_for_the_sources_of_its_layer(empty: SeriesStore) -> None:
    known = declared.catalog()
    known.aliases["redis"] = (Alias(name="redis_up", kind="gauge", help="Up.", of=watch.UP),)
    known.layers.update({watch.UP.name: "trivet"})
    for source in (declared.SHOP.name, "other"):
        samples = [Sample(watch.UP.name, (), 1.0), Sample(watch.POLLS_MISSED.name, (), 0.0)]
        empty.append(Poll(source=source, tier=Tier.FAST, at=NOW, duration=0, up=True, samples=samples))
    app = create_app(store=empty, catalog=known, sources=[declared.SHOP], bounds=Bounds({}), clock=lambda: NOW)
    page = app.test_client().get("/metrics/redis").text
    assert f'redis_up{{source="{declared.SHOP.name}"}} 1' in page
    assert "other" not in page
    assert watch.POLLS_MISSED.name not in page


@pytest.mark.parametrize(("up", "age", "ours", "theirs"), [(1, 0, 1, 1), (0, 0, 1, 0), (1, 31, 0, 0), (0, 31, 0, 0)])
def test_what_a_source_said_before_it_went_down_is_not_told_as_if_it_were_now(
    empty: SeriesStore, up: float, age: float, ours: int, theirs: int
) -> None:
    """The minute's samples are of a poll of their own, which stays the newest of its kind when the source is down."""
    source = declared.SHOP.name
    every = Sample(watch.POLL_INTERVAL.name, (("tier", "fast"),), 10.0)
    told = [Sample(declared.good.name, (), 3.0)]
    empty.append(Poll(source=source, tier=Tier.MEDIUM, at=NOW - age - 60, duration=0, up=True, samples=told))
    own = [Sample(watch.UP.name, (), up), every]
    empty.append(Poll(source=source, tier=Tier.FAST, at=NOW - age, duration=0, up=bool(up), samples=own))
    known = declared.catalog()
    app = create_app(store=empty, catalog=known, sources=[declared.SHOP], bounds=Bounds({}), clock=lambda: NOW)
    page = app.test_client().get("/metrics").text
    layer = app.test_client().get("/metrics/redis").text
    assert page.count(f'trivet_source_up{{source="{source}"}}') == ours
    assert page.count(f'{declared.good.name}{{source="{source}"}} 3') == theirs
    assert layer.count(f'{declared.good.name}{{source="{source}"}} 3') == theirs
