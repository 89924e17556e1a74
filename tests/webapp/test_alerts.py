"""The pages of alerts: what they show, and what they take from whom."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from alerts.board import Board
from metrics.catalog import Catalog
from storage.series import SeriesStore
from tests.webapp.alarming import board, change, filled, pulse
from tests.webapp.conftest import HTMX, NOW, Make

HERE = {"Origin": "http://localhost"}


@pytest.fixture
def here(tmp_path: Path, catalog: Catalog) -> Board:
    return filled(board(tmp_path, catalog, NOW), NOW)


@pytest.fixture
def client(make: Make, full: SeriesStore, here: Board) -> FlaskClient:
    return make(full, board=here).test_client()


def text(response: TestResponse) -> str:
    """What is read, without tags and with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.get_data(as_text=True)))


def token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found
    return found[1]


def send(client: FlaskClient, path: str, page: str, **values: str) -> TestResponse:
    answer = client.post(path, data={"csrf": token(client, page), **values}, headers=HERE)
    # A server cuts the connection where less follows than was promised.
    assert answer.content_length == len(answer.get_data())
    return answer


def firing(here: Board, rule: str) -> int:
    return next(each.id for each in here.incidents.open() if each.rule == rule)


def test_what_fires_is_first_the_gravest_and_the_value_is_as_elsewhere(client: FlaskClient) -> None:
    said = text(client.get("/alerts"))
    assert "2 alerts firing" in said
    assert said.index("Source answers") < said.index("61.3 %")
    assert "≥ 80 %" in said
    assert "Pending" in said
    # The channel that could not be reached has been told nothing.
    assert "on-call" not in said
    fragment = client.get("/alerts", headers=HTMX).get_data(as_text=True)
    assert fragment.lstrip().startswith("<section")


def test_every_page_says_that_something_fires_and_a_layer_only_of_its_own(client: FlaskClient) -> None:
    overview, redis, api = (text(client.get(path)) for path in ("/", "/redis", "/api"))
    assert "2 alerts firing" in overview
    assert "1 alert firing" in redis
    assert "hit rate 61.3 %" in redis
    assert "alert firing" not in api.replace("firing Alerts", "")
    for path in ("/status", "/events", "/api"):
        assert re.search(r"Alerts 2 firing", text(client.get(path))), path


def test_an_incident_has_its_numbers_its_chart_and_its_history(client: FlaskClient, here: Board) -> None:
    number = firing(here, "redis_hit_rate")
    response = client.get(f"/alerts/{number}")
    said = text(response)
    for part in ("61.3 %", "target ≥ 80 %", "Firing was sent to chat", "200 OK", "Missed since", "Acknowledge"):
        assert part in said
    assert 'data-chart="redis_hit_rate"' in response.get_data(as_text=True)
    assert client.get("/alerts/999").status_code == 404


def test_an_alert_is_drawn_on_the_charts_as_a_span(client: FlaskClient) -> None:
    chart = client.get("/charts/redis.json?panel=redis_hit_rate&range=6h").get_json()["redis_hit_rate"]
    spans = [event for event in chart["events"] if event["kind"] == "alert"]
    assert [(span["at"], span["until"]) for span in spans][:2] == [(NOW - 5300, NOW - 4000), (NOW - 900, NOW)]


def test_history_goes_back_page_by_page_and_by_rule(client: FlaskClient, here: Board) -> None:
    assert "Hit rate" in text(client.get("/alerts/history"))
    assert "42" in text(client.get("/alerts/history?rule=redis_hit_rate&source=cache"))
    assert "No alert has ended that fits" in text(client.get("/alerts/history?rule=source_up"))
    for at in range(120):
        here.incidents.record([change("redis_hit_rate", "other", NOW - 9000 + at)])
        here.incidents.record([change("redis_hit_rate", "other", NOW - 9000 + at, closes=True)])
    seen, path = 0, "/alerts/history?source=other"
    while path:
        page = client.get(path).get_data(as_text=True)
        seen += page.count('<th scope="row">')
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == 120


def test_somebody_looks_after_it_and_takes_that_back(client: FlaskClient, here: Board) -> None:
    number = firing(here, "redis_hit_rate")
    page = f"/alerts/{number}"
    assert send(client, f"{page}/ack", page, name="Ada", note="keys expire").status_code == 303
    said = text(client.get(page))
    assert "Ada looks after it" in said
    assert "keys expire" in said
    assert "Ada looks after it" in text(client.get("/alerts"))
    assert send(client, f"{page}/unack", page).status_code == 303
    assert here.incidents.one(number).acked is None  # type: ignore[union-attr]
    refused = send(client, f"{page}/ack", page, name=" ", note="kept")
    assert refused.status_code == 400
    assert "Say who you are" in text(refused)
    assert 'value="kept"' in refused.get_data(as_text=True)


def test_a_silence_is_looked_at_made_and_ended(client: FlaskClient, here: Board) -> None:
    looked = client.get("/alerts/silences?rule=redis_hit_rate&source=cache&for=2h&preview=1")
    assert "Now it covers 1 of what is judged" in text(looked)
    assert "1 of it fires now" in text(looked)
    made = send(
        client, "/alerts/silences", "/alerts/silences",
        rule="redis_hit_rate", source="cache", reason="backup", name="Ada", **{"for": "2h"},
    )  # fmt: skip
    assert made.status_code == 303
    (silence,) = here.silences.lasting(NOW)
    assert (silence.ends, silence.author, silence.reason) == (NOW + 7200, "Ada", "backup")
    assert "Silenced: backup" in text(client.get("/alerts"))
    ended = send(client, f"/alerts/silences/{silence.id}/end", "/alerts/silences")
    assert ended.status_code == 303
    assert here.silences.lasting(NOW) == []


def test_quiet_for_everything_has_to_be_typed(client: FlaskClient, here: Board) -> None:
    given = {"reason": "maintenance", "name": "Ada", "for": "1h"}
    refused = send(client, "/alerts/silences", "/alerts/silences", **given)
    assert refused.status_code == 400
    assert "This covers everything: name a rule" in text(refused)
    assert 'name="confirm"' in refused.get_data(as_text=True)
    assert here.silences.lasting(NOW) == []
    assert send(client, "/alerts/silences", "/alerts/silences", confirm="everything", **given).status_code == 303
    assert here.silences.lasting(NOW)[0].everything


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reason": "", "source": "cache"}, "A silence has a reason"),
        ({"reason": "x", "source": "cache", "labels": "database"}, "is no label: expected name=value"),
        ({"reason": "x", "source": "cache", "recurring": "mon 9-10"}, "is no window"),
        ({"reason": "x", "source": "cache", "zone": "Europe/Berlni"}, "is no time zone"),
        ({"reason": "x", "source": "cache", "for": "soon"}, "soon"),
        ({"reason": "x", "source": "cache", "until": "2001-01-01T00:00"}, "ends after it starts"),
    ],
)
def test_a_silence_that_cannot_be_says_what_was_expected(
    client: FlaskClient, here: Board, given: dict[str, str], said: str
) -> None:
    refused = send(client, "/alerts/silences", "/alerts/silences", name="Ada", **given)
    assert refused.status_code == 400
    assert said in text(refused)
    assert here.silences.all() == []


def test_a_message_that_was_given_up_is_seen_and_tried_again(client: FlaskClient, here: Board) -> None:
    said = text(client.get("/alerts/deliveries"))
    assert "Connection refused" in said
    assert "1 message could not be delivered" in text(client.get("/alerts"))
    (dead,) = here.deliveries.newest(9, state="dead")
    again = send(client, f"/alerts/deliveries/{dead.id}/again", "/alerts/deliveries")
    assert again.status_code == 303
    assert here.deliveries.newest(9, state="dead") == []


def test_a_test_goes_the_way_of_every_message(client: FlaskClient, here: Board) -> None:
    assert send(client, "/alerts/channels/chat/test", "/alerts/deliveries").status_code == 303
    assert here.deliveries.newest(1)[0].kind == "test"
    assert send(client, "/alerts/channels/nobody/test", "/alerts/deliveries").status_code == 404


@pytest.mark.parametrize(
    ("headers", "csrf"),
    [
        ({"Origin": "http://elsewhere"}, True),
        ({}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}, True),
        (HERE, False),
    ],
    ids=["another site", "no origin", "null", "cross-site", "no token"],
)
def test_forms_of_other_sites_change_nothing(
    client: FlaskClient, here: Board, headers: dict[str, str], csrf: bool
) -> None:
    number = firing(here, "redis_hit_rate")
    given = {"name": "Eve", **({"csrf": token(client, f"/alerts/{number}")} if csrf else {})}
    refused = client.post(f"/alerts/{number}/ack", data=given, headers=headers)
    assert refused.status_code == 403
    assert here.incidents.one(number).acked is None  # type: ignore[union-attr]


def test_names_from_elsewhere_are_text(make: Make, full: SeriesStore, here: Board) -> None:
    bad = "<img src=x onerror=alert(1)>"
    here.incidents.record([change("redis_hit_rate", "cache", NOW, labels=(("db", bad),), reason=bad)])
    client = make(full, board=here).test_client()
    number = max(each.id for each in here.incidents.open())
    for path in ("/alerts", f"/alerts/{number}", "/", "/redis"):
        assert bad not in client.get(path).get_data(as_text=True), path


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"at": NOW - 300}, "Nobody is told of alerts: nothing has been judged for 5 min"),
        ({"at": NOW, "trouble": "OperationalError: disk full"}, "Alerting has trouble of its own. OperationalError"),
        ({"at": NOW, "config": "alert[0].rule: is no rule"}, "does not use the newest config file"),
    ],
    ids=["stuck", "trouble", "config"],
)
def test_every_page_says_what_is_wrong_with_alerting(
    make: Make, full: SeriesStore, here: Board, more: dict[str, object], said: str
) -> None:
    pulse(here.folder, **more)  # type: ignore[arg-type]
    client = make(full, board=here).test_client()
    for path in ("/", "/redis", "/status", "/alerts"):
        assert said in text(client.get(path)), path


def test_a_state_file_that_cannot_be_read_costs_no_page(make: Make, full: SeriesStore, here: Board) -> None:
    app = make(full, board=here)
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (here.folder / name).unlink(missing_ok=True)
    (here.folder / "state.db").write_bytes(b"no database at all" * 100)
    response = app.test_client().get("/redis")
    assert response.status_code == 200
    assert "What fires is not known" in text(response)


def test_where_nothing_fired_and_nothing_judges(
    make: Make, full: SeriesStore, tmp_path: Path, catalog: Catalog
) -> None:
    client = make(full, board=board(tmp_path, catalog, NOW)).test_client()
    said = text(client.get("/alerts"))
    assert "Nothing fires" in said
    assert "Nothing judges yet" in said
    for path in ("/alerts/history", "/alerts/silences", "/alerts/deliveries"):
        assert client.get(path).status_code == 200


def test_a_form_that_is_too_large_is_refused(client: FlaskClient) -> None:
    refused = send(client, "/alerts/silences", "/alerts/silences", reason="x" * 40_000)
    assert refused.status_code == 413


TOKEN = "a-token-of-many-characters-0123"
AUTH = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def api(make: Make, full: SeriesStore, here: Board) -> FlaskClient:
    return make(full, board=here, token=TOKEN).test_client()


def test_programs_see_what_fires_and_what_was(api: FlaskClient) -> None:
    now = api.get("/api/v1/alerts").get_json()["alerts"]
    assert [(each["rule"], each["value"], each["resolved"]) for each in now] == [
        ("source_up", 0.0, None),
        ("redis_hit_rate", 0.613, None),
    ]
    (past,) = api.get("/api/v1/alerts?state=past&limit=5").get_json()["alerts"]
    assert (past["rule"], past["value"]) == ("redis_hit_rate", 0.42)


def test_a_program_keeps_something_quiet_and_takes_it_back(api: FlaskClient, here: Board) -> None:
    given = {"source": "cache", "lasts": "2h", "reason": "backup", "author": "cron"}
    assert api.post("/api/v1/silences", json=given).status_code == 401
    made = api.post("/api/v1/silences", json=given, headers=AUTH)
    assert made.status_code == 201
    assert (made.get_json()["covers"], made.get_json()["firing"]) == (1, 1)
    (kept,) = api.get("/api/v1/silences").get_json()["silences"]
    assert (kept["source"], kept["quiet_now"]) == ("cache", True)
    assert [each["quiet"] for each in api.get("/api/v1/alerts").get_json()["alerts"]] == ["", "silenced: backup"]
    path = f"/api/v1/silences/{kept['id']}"
    assert api.delete(path).status_code == 401
    assert api.delete(path, headers=AUTH).status_code == 200
    assert api.delete(path, headers=AUTH).status_code == 404
    assert here.silences.lasting(NOW) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source": "cache", "reason": "x", "author": "a"}, "say how long"),
        ({"reason": "x", "author": "a", "lasts": "1h"}, "this covers everything"),
        ({"source": "cache", "reason": " ", "author": "a", "lasts": "1h"}, "a silence has a reason"),
        ({"sorce": "cache", "reason": "x", "author": "a", "lasts": "1h"}, 'did you mean "source"'),
        ({"source": "cache", "reason": "x", "author": "a", "lasts": "1h", "zone": "Mars"}, "no time zone"),
    ],
)
def test_a_program_is_told_what_was_expected(
    api: FlaskClient, here: Board, given: dict[str, object], said: str
) -> None:
    answer = api.post("/api/v1/silences", json=given, headers=AUTH)
    assert answer.status_code == 422
    assert said in answer.get_json()["error"]
    assert here.silences.all() == []


def test_a_program_acknowledges(api: FlaskClient, here: Board) -> None:
    path = f"/api/v1/alerts/{firing(here, 'redis_hit_rate')}/ack"
    assert api.post(path, json={"author": "ada", "note": "on it"}, headers=AUTH).status_code == 200
    assert api.post(path, json={"author": " "}, headers=AUTH).status_code == 422
    assert api.post("/api/v1/alerts/999/ack", json={"author": "ada"}, headers=AUTH).status_code == 404
    assert {each.acked_by for each in here.incidents.open()} == {"ada", ""}


def test_machines_are_told_what_fires_and_whether_anybody_judges(
    make: Make, full: SeriesStore, here: Board, client: FlaskClient
) -> None:
    said = client.get("/metrics").get_data(as_text=True)
    for line in (
        'trivet_alerts_firing{severity="critical"} 1',
        'trivet_alert_deliveries{channel="on-call",state="dead"} 1',
        'trivet_alert_stage_age_seconds{stage="judged"} 0',
        "trivet_alert_config_problem 0",
    ):
        assert line in said
    assert client.get("/healthz").status_code == 200
    pulse(here.folder, NOW - 300)
    stuck = make(full, board=here).test_client().get("/healthz")
    assert stuck.status_code == 503
    assert "Nobody is told of alerts" in stuck.get_json()["problem"]
