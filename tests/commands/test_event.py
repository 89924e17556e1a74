"""`trivet event` writes what charts show, and takes it back."""

import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from metrics.poll import EventKind
from storage.state import StateStore

CONFIG = """[store]
folder = "data"
[[source]]
kind = "api"
name = "shop"
url = "http://127.0.0.1:1/metrics"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "trivet.toml"
    path.write_text(CONFIG)
    return path


def _event(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["event", *words, "--config", str(config)])


def test_an_event_is_noted_and_taken_back(config: Path, tmp_path: Path) -> None:
    said = _event(config, "deployed v42", "--source", "shop")
    assert said.exit_code == 0
    number = re.search(r"trivet event --remove (\d+)", said.output)
    assert number
    state = StateStore(tmp_path / "data")
    (event,) = state.events(0, time.time() + 5)
    assert (event.kind, event.text, event.source, event.until) == (EventKind.DEPLOY, "deployed v42", "shop", None)
    assert abs(event.at - time.time()) < 60
    gone = _event(config, "--remove", number[1])
    assert gone.exit_code == 0
    assert "deployed v42" in gone.output
    assert state.events(0, time.time() + 5) == []
    again = _event(config, "--remove", number[1])
    assert again.exit_code == 1
    assert "no event" in again.output


def test_a_span_in_the_past_of_another_kind(config: Path, tmp_path: Path) -> None:
    begun = time.time() - 3600
    said = _event(config, "soak", "--kind", "load-test", "--at", f"{begun:.0f}", "--until", f"{begun + 600:.0f}")
    assert said.exit_code == 0
    (event,) = StateStore(tmp_path / "data").events(0, time.time())
    assert (event.kind, event.until) == (EventKind.LOAD_TEST, round(begun) + 600)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Say what happened"),
        (("x", "--remove", "1"), "Say what happened"),
        ((" ",), "say what happened"),
        (("x", "--kind", "deployment"), 'did you mean "deploy"?'),
        (("x", "--source", "shopp"), 'did you mean "shop"?'),
        (("x", "--at", "noon"), "is no time"),
        (("x", "--at", "2001-01-01T00:00Z"), "400 d"),
        (("x", "--until", "2001-01-01T00:00Z"), "ends before"),
        (("x" * 501,), "at most 500"),
    ],
)
def test_wrong_usage_is_told_and_exits_with_2(config: Path, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    result = _event(config, *words)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "data" / "state.db").exists() or not StateStore(tmp_path / "data").events(0, 9e9)


def test_help_says_the_kinds(config: Path) -> None:
    said = _event(config, "--help").output
    for kind in EventKind:
        assert kind in said
