"""A value that cannot be true is unknown wherever a number is shown, with its reason."""

from collections.abc import Callable, Iterator, Mapping
from csv import DictReader
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import collectors
from collectors.collector import Capabilities, Collector
from collectors.redis.source import RedisSource
from collectors.round import Round
from collectors.sieve import Sieve
from collectors.station import Station
from dashboards.watched import Watched
from metrics.catalog import Catalog, discover
from metrics.forms import Level
from metrics.model import Kind, Metric, Unit
from metrics.poll import Tier
from metrics.reading import Reading
from metrics.target import at_most
from storage.series import SeriesStore
from tests.webapp.conftest import HTMX, NOW
from webapp.app import create_app

FULL = Metric(name="made_up_full_ratio", kind=Kind.GAUGE, unit=Unit.RATIO, help="Made up.", labels=("part",))
BESIDE = Metric(name="made_up_parts", kind=Kind.GAUGE, unit=Unit.COUNT, help="Made up.", labels=("part",))
FORM = Level(
    name="made_up_full", title="Made up", help="Made up.", of=[FULL], by=("part",), target=at_most(0.9, window="1m")
)
READING = Reading("MADE UP", {"full": FULL, "parts": BESIDE}, labels={"part": "part"})
REASON = "made_up_full_ratio{part=&#34;left&#34;} was 1.7, which cannot be."


class MadeUp(Collector[RedisSource]):
    """Says what it is told to."""

    says: list[Mapping[str, object]] = []

    def __init__(self, source: RedisSource) -> None:
        super().__init__(source)
        self.sieve = Sieve({metric.name: metric for metric in (FULL, BESIDE)})

    def connect(self, deadline: float) -> None:
        """Nothing to connect to."""

    def disconnect(self) -> None:
        """Nothing to close."""

    def read(self, round_: Round, deadline: float) -> None:
        round_.take(READING, self.says)

    def examine(self, deadline: float) -> Capabilities:
        return Capabilities(version="", epochs={})


@pytest.fixture
def catalog() -> Catalog:
    found = discover(collectors)
    found.metrics.update({metric.name: metric for metric in (FULL, BESIDE)})
    found.forms[FORM.name] = FORM
    found.layers.update(dict.fromkeys((FULL.name, BESIDE.name, FORM.name), "redis"))
    return found


@pytest.fixture
def client(tmp_path: Path, catalog: Catalog) -> Iterator[Callable[..., FlaskClient]]:
    store = SeriesStore(tmp_path)
    station = Station(MadeUp(RedisSource(name="cache")))

    def made(full: float, now: float = NOW, polls: int = 4) -> FlaskClient:
        MadeUp.says = [
            {"part": "left", "full": full, "parts": 3},
            {"part": "right", "full": 0.5, "parts": 4},
        ]
        for number in range(polls):
            store.append(replace(station.one(Tier.FAST, 5.0), at=now - 10 * (polls - 1 - number)))
        app = create_app(store=store, catalog=catalog, sources=[Watched("cache", "redis")], clock=lambda: now)
        return app.test_client()

    yield made
    store.close()


def standing(browser: FlaskClient, part: str) -> Mapping[str, object]:
    targets = browser.get("/api/v1/targets").get_json()["targets"]
    (found,) = [row for row in targets if row["target"] == FORM.name]
    return next((each for each in found["subjects"] if each["labels"].get("part") == part), {})


def test_it_is_unknown_on_page_csv_api_and_exposition(client: Callable[..., FlaskClient]) -> None:
    browser = client(1.7)
    assert standing(browser, "left") == {}, "no series was ever stored of it"
    assert standing(browser, "right")["value"] == 0.5
    exposed = browser.get("/metrics/redis").text
    assert 'made_up_full_ratio{part="right",source="cache"} 0.5' in exposed
    assert 'made_up_full_ratio{part="left"' not in exposed
    assert 'made_up_parts{part="left",source="cache"} 3' in exposed
    csv = browser.get("/redis/targets.csv").text
    assert "1.7" not in csv
    status = browser.get("/status").text
    assert REASON in status
    refused = browser.get("/metrics").text
    assert 'trivet_values_refused_total{reason="impossible",source="cache"} 4' in refused


def test_a_series_that_was_well_says_why_it_is_unknown(client: Callable[..., FlaskClient]) -> None:
    assert standing(client(0.4), "left")["value"] == 0.4
    browser = client(1.7, NOW + 120, 12)
    found = standing(browser, "left")
    assert (found["value"], found["state"]) == (None, "unknown")
    assert found["reason"] == 'made_up_full_ratio{part="left"} was 1.7, which cannot be.'
    page = browser.get("/redis", headers=HTMX).text
    assert REASON in page
    rows = list(DictReader(StringIO(browser.get("/redis/targets.csv").text)))
    (left,) = [row for row in rows if row["target"] == FORM.name and "left" in row["subject"]]
    assert left["value"] == ""
    assert "which cannot be" in left["reason"]
