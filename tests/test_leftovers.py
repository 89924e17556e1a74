"""A test run leaves no process behind: one that would says so and fails, and what a killed one had started is ended."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stack.native.process import Mark
from tests.guard import PATIENCE as ALLOWED
from tests.guard import RUN, Watch
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[1]
LEAVES = """
import subprocess

def test_it():
    subprocess.Popen(["sh", "-c", "sleep {seconds} & exec sleep 0.01"], start_new_session=True).wait()
"""
HANGS = """
import json, os, signal, subprocess, threading
from pathlib import Path

def test_it():
    words = [["sleep", "600"], ["sleep", "601"], ["sh", "-c", "sleep 602 & wait"]]
    started = [subprocess.Popen(each, start_new_session=True).pid for each in words]
    os.kill(started[0], signal.SIGSTOP)
    Path("{folder}/started.new").write_text(json.dumps([os.getpid(), *started]))
    os.rename("{folder}/started.new", "{folder}/started")
    threading.Event().wait()
"""


def words(folder: Path, test: str, *more: str) -> list[str]:
    (folder / "test_it.py").write_text(test)
    words = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "tests.conftest", "-p", "no:cacheprovider"]
    return [*words, "--rootdir", str(folder), *more, str(folder / "test_it.py")]


def run(folder: Path, test: str, patience: float) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, ALLOWED: str(patience)}
    return subprocess.run(words(folder, test), cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_a_process_that_outlives_the_run_fails_it_and_is_ended(tmp_path: Path) -> None:
    done = run(tmp_path, LEAVES.format(seconds=600), patience=0.5)
    assert done.returncode == 1, done.stdout + done.stderr
    (said,) = [line for line in done.stderr.splitlines() if "left behind" in line]
    assert "sleep 600" in said
    assert Mark.of(int(said.split("process ")[1].split(":")[0])) is None


def test_one_that_ends_by_itself_does_not(tmp_path: Path) -> None:
    assert run(tmp_path, LEAVES.format(seconds=0.2), patience=PATIENCE).returncode == 0


@pytest.mark.parametrize("workers", ["0", "1"])
def test_what_a_killed_run_had_started_is_ended(tmp_path: Path, workers: str) -> None:
    test = HANGS.format(folder=tmp_path)
    with subprocess.Popen(words(tmp_path, test, "-n", workers), cwd=ROOT, stdout=subprocess.DEVNULL) as controller:
        try:
            until((tmp_path / "started").exists)
        finally:
            controller.kill()
    marks = [Mark.of(pid) for pid in json.loads((tmp_path / "started").read_text())]
    assert all(mark is None or mark.wait(PATIENCE) for mark in marks)


def test_what_no_longer_says_whose_it_is_is_known_from_before() -> None:
    """Servers write over their environment, and the orphans of a killed process are nobody's."""
    words = ["sh", "-c", "sleep 600 & echo $!; wait"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env={}) as controller:
        assert controller.stdout is not None
        orphan = Mark.of(int(controller.stdout.readline()))
        watch = Watch("a run", controller.pid)
        watch.look()
        controller.kill()
    assert orphan is not None
    assert watch.left() == [orphan]
    orphan.end(signal.SIGKILL, PATIENCE)
    assert watch.left() == []


def test_a_run_inside_another_belongs_to_it_and_not_the_other_way_round() -> None:
    with subprocess.Popen(["sleep", "600"], env={RUN: "outer/inner"}) as inside:
        mark, nobody = Mark.of(inside.pid), 1 << 30
        runs = ("outer", "outer/inner", "outer/inner/more", "out", "inner")
        assert [run for run in runs if mark in Watch(run, nobody).left()] == ["outer", "outer/inner"]
        inside.kill()
