"""`trivet web` by itself: it ends when told to, at whatever moment, and shares its port with nobody."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stack.native.ports import free_port
from stack.native.process import Mark, children

ROOT = Path(__file__).parents[2]
LOADING = "Spawning worker"


class Web:
    """One `trivet web`, and what it printed."""

    def __init__(self, folder: Path, port: int) -> None:
        """Started, not yet awaited."""
        self.url = f"http://127.0.0.1:{port}/"
        self.log = folder / f"web-{time.monotonic_ns()}.log"
        config = folder / "trivet.toml"
        config.write_text(f'[store]\nfolder = "data"\n[web]\nlisten = "127.0.0.1:{port}"\n')
        with self.log.open("wb") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "cli", "web", "--config", str(config)],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    def workers(self, *, serving: bool) -> list[Mark]:
        """Its workers once they are there, and still load, or once they answer."""
        end = time.monotonic() + 30
        while not (self._answers() if serving else LOADING in self.log.read_text()):
            assert self.popen.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)
        return children(self.popen.pid)

    def _answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=10).status_code == 200
        except requests.ConnectionError:
            return False


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def web(tmp_path: Path, port: int) -> Iterator[Web]:
    """Started; gone after the test."""
    one = Web(tmp_path, port)
    yield one
    one.popen.kill()
    one.popen.wait()


@pytest.mark.parametrize("serving", [False, True], ids=["loading", "serving"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_promptly_with_its_worker(web: Web, serving: bool, number: signal.Signals) -> None:
    """A worker that is still loading would not have heard it, and been killed after 5 s; HUP would have reloaded it."""
    workers = web.workers(serving=serving)
    web.popen.send_signal(number)
    assert web.popen.wait(4) == 0, web.log.read_text()
    assert not any(worker.runs() for worker in workers)


def test_a_killed_granian_takes_its_worker_with_it(web: Web) -> None:
    """It would hold the port for ever otherwise."""
    workers = web.workers(serving=True)
    os.kill(web.popen.pid, signal.SIGKILL)
    assert workers
    assert all(worker.wait(5) for worker in workers)


def test_a_port_that_is_taken_is_not_shared(web: Web, tmp_path: Path, port: int) -> None:
    """The second says so, and the first goes on."""
    web.workers(serving=True)
    second = Web(tmp_path, port)
    try:
        assert second.popen.wait(20) == 1
    finally:
        second.popen.kill()
        second.popen.wait()
    assert f"Another process listens on port {port}" in second.log.read_text()
    assert requests.get(web.url, timeout=10).status_code == 200
