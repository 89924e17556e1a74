"""The traffic: k6's script against the running API, and its keeper."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.native.tools import Tool, Toolbox
from stack.traffic.runner import SCRIPT, Plan, Traffic
from tests.stack.conftest import Reach
from tests.stack.test_api_metrics import scraped, total

REQUESTS = "http_requests_total"

Keep = Callable[[Plan, Tool | None], Traffic]


def until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_script_runs_and_every_answer_is_as_expected(reach: Reach, toolbox: Toolbox, tmp_path: Path) -> None:
    k6 = toolbox.need("k6")
    summary = tmp_path / "summary.json"
    told = {"BASE_URL": reach.url, "DURATION": "10s", "RATE": "40", "DEMO_PASSWORD": reach.secret("demo")}
    before = scraped(reach)
    done = subprocess.run(
        [k6.path, "run", "-q", "--no-usage-report", "--address", "", "--summary-export", summary, SCRIPT],
        env={**os.environ, **k6.env, **told},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads(summary.read_text())["metrics"]
    assert metrics["checks"]["fails"] == 0
    assert metrics["checks"]["passes"] >= 395
    assert metrics["http_req_failed"]["value"] == 0
    after = scraped(reach)
    reads, writes, logins = (
        sum(total(after, REQUESTS, **at) - total(before, REQUESTS, **at) for at in kinds)
        for kinds in (
            [{"method": "GET"}],
            [{"method": "PUT"}, {"method": "DELETE"}, {"method": "POST", "route": "/api/blueprints"}],
            [{"route": "/api/login"}],
        )
    )
    assert reads > 300
    assert 15 < writes < 70
    assert 1 < logins < 30


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def keep(reach: Reach, toolbox: Toolbox, tmp_path: Path, said: list[str]) -> Iterator[Keep]:
    kept = []

    def make(plan: Plan, tool: Tool | None = None) -> Traffic:
        traffic = Traffic(
            tool or toolbox.need("k6"),
            tmp_path / "traffic",
            tmp_path / "traffic.json",
            base_url=reach.url,
            demo_password=reach.secret("demo"),
            say=said.append,
            plan=plan,
        )
        kept.append(traffic)
        traffic.start()
        return traffic

    yield make
    for traffic in kept:
        traffic.stop()


def state(tmp_path: Path) -> str:
    try:
        return str(json.loads((tmp_path / "traffic.json").read_text())["state"])
    except FileNotFoundError:
        return "none"


def test_it_runs_in_pieces_and_says_when_its_time_is_over(keep: Keep, said: list[str], tmp_path: Path) -> None:
    traffic = keep(Plan(seconds=3.5, piece_seconds=1), None)
    seen = set()
    while state(tmp_path) in {"none", "running"}:
        seen.add(traffic.pid)
        time.sleep(0.02)
    assert state(tmp_path) == "finished"
    assert len(seen - {None}) >= 2
    assert len(said) == 1
    assert "To go on" in said[0]


def test_a_killed_k6_is_started_again(keep: Keep, said: list[str]) -> None:
    traffic = keep(Plan(seconds=60, pause_seconds=0.1), None)
    until(lambda: traffic.pid is not None)
    first = traffic.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: traffic.pid not in {None, first})
    assert "k6 stopped with status -9" in said[0]


def test_a_k6_that_always_fails_is_given_up_with_its_last_words(keep: Keep, said: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "k6"
    broken.write_text("#!/bin/sh\necho no scenario today >&2\nexit 7\n")
    broken.chmod(0o755)
    keep(Plan(patience=2, pause_seconds=0.01), Tool("k6", broken))
    until(lambda: state(tmp_path) == "failed")
    assert len(said) == 3
    assert "status 7 for the 3" in said[-1]
    assert all("no scenario today" in line for line in said)


def test_what_k6_complains_about_is_in_its_last_words(keep: Keep, said: list[str], tmp_path: Path) -> None:
    """Its log goes to a file, errors only: a script's exception must be there."""
    keep(Plan(rate=-1, patience=0), None)
    until(lambda: state(tmp_path) == "failed")
    assert "rate" in said[-1]


def test_it_stops_at_once_and_leaves_no_process(keep: Keep, tmp_path: Path) -> None:
    traffic = keep(Plan(), None)
    until(lambda: traffic.pid is not None)
    pid = traffic.pid
    start = time.monotonic()
    traffic.stop()
    assert time.monotonic() - start < 3
    assert not Path(f"/proc/{pid}").exists()
    assert state(tmp_path) == "stopped"
