"""`trivet event` writes what charts show, and takes it back."""

import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from commands.house import CONFIG_VARIABLE, STACK_CONFIG
from dashboards.events import TOLD
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
    for kind in TOLD:
        assert kind in said


def test_without_a_config_file_the_running_stack_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    STACK_CONFIG.parent.mkdir(parents=True)
    STACK_CONFIG.write_text(CONFIG)
    assert CliRunner().invoke(main, ["event", "deployed v42"]).exit_code == 0
    (event,) = StateStore(STACK_CONFIG.parent / "data").events(0, time.time() + 5)
    assert event.text == "deployed v42"
    Path("trivet.toml").write_text(CONFIG.replace("data", "own"))
    assert CliRunner().invoke(main, ["event", "of the own servers"]).exit_code == 0
    (event,) = StateStore(tmp_path / "own").events(0, time.time() + 5)
    assert event.text == "of the own servers"


@pytest.mark.parametrize("words", [["event", "v42"], ["check"], ["web"], ["collect"], ["store", "stats"], ["export"]])
def test_without_any_config_file_it_is_told_where_was_looked(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 2
    for place in (str(tmp_path), "trivet.toml", str(STACK_CONFIG), CONFIG_VARIABLE, "trivet init", "--config"):
        assert place in said.output


def test_the_environment_names_a_config_file(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    assert CliRunner().invoke(main, ["event", "deployed v42"]).exit_code == 0
    assert len(StateStore(tmp_path / "data").events(0, time.time() + 5)) == 1
