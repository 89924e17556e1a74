"""`trivet run`: starts collect, alert and web, keeps them running, and stops what it started."""

import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from commands.say import Busy, Stop
from stack.native import process
from stack.native.identity import Identity
from stack.native.process import Child

Say = Callable[[str], None]
TICK = 0.25
RESTARTS = 5
"""A process that dies this often within ten minutes is not started again: the reason is in its log."""
GRACE = 8.0
READY_WITHIN = 60.0


@dataclass(slots=True)
class Part:
    """One supervised process: how it is started, and how often it has been."""

    name: str
    words: list[str]
    child: Child | None = None
    due: float = 0.0
    deaths: list[float] = field(default_factory=list)


class Supervisor:
    """The processes of Trivet itself; each logs to its own file below ``logs``."""

    def __init__(self, config: Path, logs: Path, env: dict[str, str], say: Say) -> None:
        """Nothing is started yet. ``env`` is given to every child."""
        self._logs = logs
        self._env = env
        self._say = say
        command = [sys.executable, "-m", "cli"]
        self._parts = [Part(name, [*command, name, "--config", str(config)]) for name in ("collect", "alert", "web")]

    def start(self) -> None:
        """Start all parts."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for part in self._parts:
            self._launch(part)

    def pids(self) -> dict[str, list[int]]:
        """The processes of each part, with what they started."""
        running = {part.name: part.child.pid for part in self._parts if part.child}
        return {name: [pid, *(mark.pid for mark in process.children(pid))] for name, pid in running.items()}

    def wait_ready(self, url: str, stopping: threading.Event) -> None:
        """Return when the pages answer and the collector has written; Stop when a part ends or time runs out."""
        end = time.monotonic() + READY_WITHIN
        while not stopping.wait(TICK):
            self.tend()
            if _answers(f"{url}/healthz"):
                return
            if time.monotonic() > end:
                web = self._parts[-1]
                raise Stop(f"Trivet was not ready after {READY_WITHIN:.0f} s.\n{self._last_words(web)}")

    def tend(self) -> None:
        """Start again what ended; Stop when that does not help."""
        for part in self._parts:
            if part.child is None:
                if part.deaths and time.monotonic() >= part.due:
                    self._launch(part)
                continue
            if part.child.is_alive():
                continue
            status = part.child.popen.returncode
            if status == Busy.exit_code:
                raise Busy(self._last_words(part, 1))
            now = time.monotonic()
            part.deaths = [at for at in part.deaths if now - at < 600] + [now]
            if len(part.deaths) >= RESTARTS:
                raise Stop(
                    f"{part.name} ended {RESTARTS} times in ten minutes, last with status {status}.\n"
                    f"{self._last_words(part)}"
                )
            pause = float(2 ** (len(part.deaths) - 1))
            words = self._last_words(part, 1)
            self._say(f"{part.name} ended with status {status} and is started again in {pause:.0f} s. {words}")
            part.child, part.due = None, now + pause

    def stop(self) -> None:
        """Stop all parts at once, within GRACE seconds."""
        running = [part.child for part in self._parts if part.child]
        stoppers = [threading.Thread(target=child.stop, args=(GRACE,)) for child in running]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()
        for part in self._parts:
            part.child = None

    def _launch(self, part: Part) -> None:
        part.child = process.start(
            part.name,
            part.words,
            log=self._logs / f"{part.name}.log",
            identity=Identity.ourselves(),
            env=self._env,
            cwd=Path.cwd(),
        )

    def _last_words(self, part: Part, lines: int = 8) -> str:
        return process.tail(self._logs / f"{part.name}.log", lines)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own loopback address
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
