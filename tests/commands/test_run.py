"""`trivet run` as a newcomer starts it: in an empty folder, to the end and once more."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from stack.native.process import Mark, children
from tests.servers import TOOLS

URL_WITHIN = 90.0
NUMBERS_WITHIN = 60.0
STOPPED_WITHIN = 15.0
# What a shell does to background jobs.
IGNORING = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
# A user namespace in which root's files are ours but root is not: how root tests being nobody in particular.
NOT_ROOT = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]


@dataclass
class Running:
    """One `trivet run` in a folder."""

    folder: Path
    popen: subprocess.Popen[bytes]
    url: str = ""
    seen: set[Mark] = field(default_factory=set)

    @property
    def output(self) -> str:
        return (self.folder / "err").read_text()

    def wait_for_url(self) -> None:
        """Returns when the address is printed, as the last thing on stdout."""
        end = time.monotonic() + URL_WITHIN
        while not self.url:
            assert self.popen.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.1)
            self.url = (self.folder / "out").read_text().strip()
        self.seen = descendants(self.popen.pid)

    def targets(self) -> list[dict[str, Any]]:
        """Every target with its leading verdict."""
        rows = requests.get(f"{self.url}api/v1/targets?range=15m", timeout=20).json()["targets"]
        return [{**row["subjects"][0], "target": row["target"], "state": row["state"]} for row in rows]

    def interrupt(self) -> float:
        """Ctrl-C; how long it took to end."""
        begun = time.monotonic()
        self.seen |= descendants(self.popen.pid)
        self.popen.send_signal(signal.SIGINT)
        self.popen.wait(STOPPED_WITHIN)
        return time.monotonic() - begun


def descendants(pid: int) -> set[Mark]:
    """All processes below one."""
    below = set(children(pid))
    return below.union(*(descendants(mark.pid) for mark in below))


def start(folder: Path, prefix: list[str], *options: str) -> Running:
    """`trivet run` with INT inherited as ignored, as in a shell's background job."""
    (folder / "var").mkdir(exist_ok=True)
    if not (folder / "var" / "tools").exists():
        (folder / "var" / "tools").symlink_to(TOOLS)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        popen = subprocess.Popen(
            [*IGNORING, *prefix, sys.executable, "-m", "cli", "run", *options],
            cwd=folder,
            env=env,
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
        )
    return Running(folder, popen)


@pytest.fixture
def running() -> "Any":
    """Start it; whatever happens, it is ended after the test."""
    begun: list[Running] = []

    def make(folder: Path, prefix: list[str], *options: str) -> Running:
        begun.append(start(folder, prefix, *options))
        return begun[-1]

    yield make
    for one in begun:
        if one.popen.poll() is None:
            one.popen.send_signal(signal.SIGTERM)
            one.popen.wait(STOPPED_WITHIN)


Start = Callable[..., Running]


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("reference")
@pytest.mark.parametrize("prefix", [[], NOT_ROOT], ids=["as we are", "not as root"])
def test_a_newcomer_sees_numbers_and_ctrl_c_ends_it(tmp_path: Path, running: Start, prefix: list[str]) -> None:
    """From an empty folder that only its owner may enter: numbers for every target, then nothing left, then again."""
    tmp_path.chmod(0o700)
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        first = running(tmp_path, prefix)
        first.wait_for_url()
        assert "This is the reference stack" in requests.get(first.url, timeout=20).text
        see_numbers(first)
        assert first.interrupt() < STOPPED_WITHIN
        assert first.popen.returncode == 0, first.output
        assert [mark for mark in first.seen if mark.runs()] == []
        assert bystander.poll() is None
        if prefix:
            return
        second = running(tmp_path, prefix)
        second.wait_for_url()
        assert second.url == first.url
        assert "Filling the database" not in second.output
        times = [
            row[0]
            for row in csv.reader(
                io.StringIO(requests.get(f"{second.url}overview.csv?view=charts&range=15m", timeout=20).text)
            )
        ]
        assert len(times) > 3
        third = running(tmp_path, prefix)
        assert third.popen.wait(30) == 75, third.output
        assert "Stopp" not in third.output
        assert second.interrupt() < STOPPED_WITHIN
    finally:
        bystander.kill()
        bystander.wait()


def see_numbers(run: Running) -> None:
    """Within a minute every target has a live number, and numbers move."""
    end = time.monotonic() + NUMBERS_WITHIN
    while True:
        rows = run.targets()
        without = [row["target"] for row in rows if row["value"] is None]
        if len(rows) >= 14 and not without:
            break
        assert time.monotonic() < end, f"no number after a minute: {without}, of {len(rows)} targets"
        time.sleep(1)
    judged = {row["target"]: row["reason"] for row in rows if row["state"] == "unknown"}
    assert {"api_throughput", "api_concurrent_users"} <= judged.keys()
    assert judged["api_throughput"] == "judged in a load test"
    before = {row["target"]: row["value"] for row in rows}
    time.sleep(11)
    after = {row["target"]: row["value"] for row in run.targets()}
    assert sum(before[name] != after[name] for name in before) >= 2
