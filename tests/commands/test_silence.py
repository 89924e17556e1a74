"""`trivet silence` makes, shows and ends silences, and says what they cover."""

import json
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from storage.incidents import Changed, Incidents, Remembered
from storage.silences import Silences

CONFIG = """[store]
folder = "data"
[alerts]
zone = "Europe/Berlin"
[[source]]
kind = "redis"
name = "cache"
host = "127.0.0.1"
[source.tags]
team = "shop"
"""


def mind(rule: str, source: str, **labels: str) -> Remembered:
    pairs = tuple(sorted(labels.items()))
    key = json.dumps([rule, source, pairs])
    return Remembered(key=key, rule=rule, source=source, labels=pairs, phase="ok", at=1.0, body="{}")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "trivet.toml"
    path.write_text(CONFIG)
    fires = mind("source_up", "cache")
    change = Changed(mind=fires, at=9.0, old="ok", new="firing", severity="critical", began=8.0, opens=True)
    others = [mind("redis_hit_rate", "cache", db="0"), mind("redis_hit_rate", "other", db="0")]
    Incidents(tmp_path / "data").record([change], others)
    return path


def silence(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["silence", *words, "--config", str(config)])


def test_plain_as_a_cron_job_has_it_then_listed_and_ended(config: Path, tmp_path: Path) -> None:
    said = silence(config, "--source", "cache", "--for", "2h", "--reason", "backup", "--as", "cron")
    assert said.exit_code == 0, said.output
    assert "Covers now 2 rules of 1 sources:\n  cache  redis_hit_rate\n  cache  source_up\n" in said.output
    assert "Firing now, of which nobody is told while it holds: 1\n  1  cache  source_up\n" in said.output
    (made,) = Silences(tmp_path / "data").all()
    assert (made.source, made.rule, made.reason, made.author) == ("cache", "", "backup", "cron")
    assert made.ends - made.starts == pytest.approx(7200)
    assert abs(made.starts - time.time()) < 600
    (listed,) = json.loads(silence(config, "list", "--json").output)
    assert (listed["id"], listed["holds"]) == (made.id, True)
    number = re.search(r"trivet silence end (\d+)", said.output)
    assert number
    assert silence(config, "end", number[1]).exit_code == 0
    assert silence(config, "end", number[1]).exit_code == 1
    assert "No silence" in silence(config, "list").output
    assert "ended" in silence(config, "list", "--all").output


@pytest.mark.parametrize(
    ("words", "covered"),
    [
        (("--rule", "redis_*"), ["cache  redis_hit_rate", "other  redis_hit_rate"]),
        (("--label", "team=shop", "--label", "db=0"), ["cache  redis_hit_rate"]),
        (("--everything",), ["cache  redis_hit_rate", "cache  source_up", "other  redis_hit_rate"]),
        (("--rule", "redis_hit_rate", "--source", "nobody"), []),
    ],
)
def test_a_preview_makes_none(config: Path, tmp_path: Path, words: tuple[str, ...], covered: list[str]) -> None:
    said = silence(config, "preview", *words, "--for", "1h")
    assert said.exit_code == 0, said.output
    assert re.findall(r"^  (\w+  \w+)$", said.output, re.MULTILINE) == covered
    assert ("covers nothing" in said.output) == (not covered)
    assert Silences(tmp_path / "data").all() == []


def test_times_without_a_zone_are_of_the_silence_s(config: Path, tmp_path: Path) -> None:
    words = ["--rule", "source_up", "--reason", "nights", "--recurring", "mon-fri 22:00-06:00"]
    said = silence(config, "add", *words, "--starts", "2090-01-01T00:00", "--until", "2091-01-01T00:00Z")
    assert said.exit_code == 0, said.output
    (made,) = Silences(tmp_path / "data").all()
    assert (made.zone, made.recurring) == ("Europe/Berlin", "mon-fri 22:00-06:00")
    assert (made.starts, made.ends) == (3786908400.0, 3818448000.0)
    assert "waits" in silence(config, "list").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--source", "cache", "--reason", "r"), "--for 2h"),
        (("--source", "cache", "--for", "1h", "--until", "2090-01-01", "--reason", "r"), "one end"),
        (("--source", "cache", "--for", "1h"), "--reason"),
        (("--source", "cache", "--for", "2 hours", "--reason", "r"), "no length of time"),
        (("--source", "cache", "--for", "0s", "--reason", "r"), "ends after it starts"),
        (("--source", "cache", "--until", "2001-01-01", "--starts", "2000-01-01", "--reason", "r"), "over already"),
        (("--source", "cache", "--until", "noon", "--reason", "r"), "is no time"),
        (("--for", "1h", "--reason", "r"), "(--everything)"),
        (("--source", "*", "--rule", "**", "--for", "1h", "--reason", "r"), "(--everything)"),
        (("--everything", "--source", "cache", "--for", "1h", "--reason", "r"), "not both"),
        (("--label", "db", "--for", "1h", "--reason", "r"), "NAME=VALUE"),
        (("--source", "cache", "--recurring", "mox 1:00-2:00", "--for", "1h", "--reason", "r"), 'did you mean "mon"'),
        (("--source", "cache", "--zone", "Mars", "--for", "1h", "--reason", "r"), "no time zone"),
    ],
)
def test_wrong_usage_is_told_and_makes_none(config: Path, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    result = silence(config, *words)
    assert (result.exit_code, said in result.output) == (2, True), result.output
    assert Silences(tmp_path / "data").all() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--source", "cahce"), 'no source is called "cahce" (did you mean "cache"?)'),
        (("--rule", "source_upp"), 'no rule is called "source_upp" (did you mean "source_up"?)'),
        (("--label", "tem=shop"), 'has a label "tem" (did you mean "team"?)'),
        (("--label", "team=shpo"), 'no team is called "shpo" (did you mean "shop"?)'),
    ],
)
def test_what_nobody_knows_is_noted_and_made_all_the_same(
    config: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    result = silence(config, *words, "--for", "1h", "--reason", "r")
    assert (result.exit_code, said in result.output) == (0, True), result.output
    assert len(Silences(tmp_path / "data").all()) == 1
