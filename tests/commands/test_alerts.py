"""`trivet alerts`: what fires, what was, who looks after it, and what did not arrive."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from storage.deliveries import Deliveries
from storage.incidents import Incidents
from tests.alerts.receivers import Receiver, receiving
from tests.webapp.alarming import change

CONFIG = """[store]
folder = "data"
[alerts]
allow_networks = ["127.0.0.0/8"]
[[channel]]
kind = "webhook"
name = "hook"
url = "{url}"
timeout = "5s"
[[source]]
kind = "redis"
name = "cache"
host = "127.0.0.1"
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def config(tmp_path: Path, receiver: Receiver) -> Path:
    path = tmp_path / "trivet.toml"
    path.write_text(CONFIG.format(url=receiver.url))
    return path


@pytest.fixture
def incidents(config: Path) -> Incidents:
    """One that is over and one that fires."""
    made, now = Incidents(config.parent / "data"), time.time()
    made.record([change("redis_hit_rate", "cache", now - 900, value=0.42)])
    made.record([change("redis_hit_rate", "cache", now - 600, value=0.9, closes=True)])
    made.record([change("source_up", "cache", now - 60, value=0.0, bound=1.0, severity="critical")])
    return made


def alerts(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["alerts", *words, "--config", str(config)])


def test_what_fires_is_listed_and_the_exit_code_says_so(config: Path, incidents: Incidents) -> None:
    said = alerts(config, "list")
    assert said.exit_code == 1
    assert "firing  [critical]  cache: Source answers" in said.output
    (found,) = json.loads(alerts(config, "list", "--json").output)
    assert (found["rule"], found["source"], found["resolved"]) == ("source_up", "cache", None)
    assert alerts(config, "list", "--rule", "redis_hit_rate").output == "Nothing fires.\n"
    past = alerts(config, "list", "--all")
    assert past.exit_code == 0
    assert "resolved  [warning]  cache: Hit rate 42.0 %, target ≥ 80 %" in past.output
    now = time.time()
    incidents.record([change("source_up", "cache", now, value=1.0, bound=1.0, severity="critical", closes=True)])
    assert alerts(config, "list").exit_code == 0


def test_one_is_shown_with_its_history(config: Path, incidents: Incidents) -> None:
    number = incidents.open()[0].id
    said = alerts(config, "show", str(number)).output
    assert "Whether the last poll of the source got an answer." in said
    assert "Fires" in said
    assert json.loads(alerts(config, "show", str(number), "--json").output)["history"][0]["what"] == "Fires"
    missing = alerts(config, "show", "999")
    assert (missing.exit_code, "There is no alert 999" in missing.output) == (1, True)


def test_somebody_looks_after_it_and_takes_that_back(config: Path, incidents: Incidents) -> None:
    number = incidents.open()[0].id
    assert alerts(config, "ack", str(number), "--as", "ada", "--note", "on it").output.startswith("ada looks after")
    assert (incidents.open()[0].acked_by, incidents.open()[0].ack_note) == ("ada", "on it")
    assert alerts(config, "ack", str(number), "--undo").exit_code == 0
    assert incidents.open()[0].acked is None
    assert alerts(config, "ack", "999").exit_code == 1


def test_what_was_given_up_is_seen_and_sent_again(config: Path) -> None:
    deliveries = Deliveries(config.parent / "data")
    number = deliveries.queue("hook", "test", '{"kind": "test", "at": 0}', time.time())
    deliveries.dead(number, "connection refused")
    assert "connection refused" in alerts(config, "deliveries", "--dead").output
    assert alerts(config, "resend", number).exit_code == 0
    assert alerts(config, "resend", number).exit_code == 1
    assert alerts(config, "deliveries", "--dead").output == "No message.\n"


def test_a_test_is_sent_and_the_receivers_own_words_are_told(config: Path, receiver: Receiver) -> None:
    good = alerts(config, "test", "hook")
    assert good.exit_code == 0, good.output
    assert good.output.startswith("hook took it")
    assert json.loads(receiver.got[0].body)
    receiver.answers = [(503, {})]
    bad = alerts(config, "test", "hook")
    assert bad.exit_code == 1
    assert "hook did not take it: HTTP 503" in bad.output
    unknown = alerts(config, "test", "hok")
    assert unknown.exit_code == 2
    assert 'did you mean "hook"' in unknown.output
