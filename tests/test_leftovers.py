"""A test run that leaves a process behind says so and fails."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEAVES = """
import subprocess

def test_it():
    subprocess.Popen(["sh", "-c", "sleep {seconds} & exec sleep 0.01"], start_new_session=True).wait()
"""


def run(folder: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(LEAVES.format(seconds=seconds))
    words = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "tests.conftest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*words, "--rootdir", str(folder), str(folder / "test_it.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "TRIVET_TEST_PATIENCE": "1"},
    )


def test_a_process_that_outlives_the_run_fails_it(tmp_path: Path) -> None:
    done = run(tmp_path, 600)
    said = [line for line in done.stderr.splitlines() if "left behind" in line]
    pids = [int(line.split("process ")[1].split(":")[0]) for line in said]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "sleep 600" in said[0]


def test_one_that_ends_by_itself_does_not(tmp_path: Path) -> None:
    assert run(tmp_path, 0.2).returncode == 0
