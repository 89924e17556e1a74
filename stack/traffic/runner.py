"""Keeps the reference stack busy with k6 for two hours, in pieces.

In pieces because k6 keeps every duration it measures until its end: 30 minutes at 20 requests a second are a few MB.
Two hours because a stack that was started to be looked at should not load a forgotten machine for ever.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.native import process
from stack.native.identity import Identity
from stack.native.process import Child
from stack.native.tools import Tool

SCRIPT = Path(__file__).parent / "steady.js"
TAIL_LINES = 5


@dataclass(frozen=True)
class Plan:
    """Requests a second, for how long in all, and the length of a piece; k6 may fail `patience` times."""

    rate: int = 20
    seconds: float = 2 * 3600.0
    piece_seconds: int = 30 * 60
    patience: int = 3
    # Doubled after each failure.
    pause_seconds: float = 5.0


class Traffic:
    """start() returns at once; stop() when k6 is gone. `state_file` says {state, until, rate} at any time.

    States: running, finished (its time is over), failed (k6 ended too often), stopped (by stop()).
    """

    def __init__(
        self,
        tool: Tool,
        folder: Path,
        state_file: Path,
        *,
        base_url: str,
        demo_password: str,
        say: Callable[[str], None],
        plan: Plan | None = None,
    ) -> None:
        self._tool = tool
        self._folder = folder
        self._state_file = state_file
        self._environment = {"BASE_URL": base_url, "DEMO_PASSWORD": demo_password}
        self._say = say
        self._plan = plan or Plan()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._child: Child | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        child = self._child
        return child.pid if child is not None and child.is_alive() else None

    @property
    def log(self) -> Path:
        return self._folder / "log"

    def start(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="traffic", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread is None:
            return
        self._ended.set()
        with self._lock:
            if self._child is not None:
                self._child.stop(2.0)
        self._thread.join()
        self._thread = None

    def _work(self) -> None:
        end = time.monotonic() + self._plan.seconds
        until = time.time() + self._plan.seconds
        self._note("running", until)
        failures = 0
        while not self._ended.is_set() and end - time.monotonic() >= 1:
            status = self._piece(int(min(self._plan.piece_seconds, end - time.monotonic())))
            if status == 0 or self._ended.is_set():
                continue
            failures += 1
            if failures > self._plan.patience:
                self._say(
                    f"Traffic ended: k6 stopped with status {status} for the {failures}th time. {self._last_words()}"
                )
                return self._note("failed", time.time())
            self._say(f"k6 stopped with status {status}, starting it again. {self._last_words()}")
            self._ended.wait(self._plan.pause_seconds * 2 ** (failures - 1))
        if self._ended.is_set():
            return self._note("stopped", time.time())
        self._say(
            f"The reference stack's traffic ended after {_said(self._plan.seconds)}, so as not to load this machine "
            "for ever. Its rates now read unknown: nobody asks. To go on, stop and start Trivet."
        )
        return self._note("finished", until)

    def _piece(self, seconds: int) -> int:
        """Runs k6 once; its exit status."""
        self.log.unlink(missing_ok=True)
        with self._lock:
            if self._ended.is_set():
                return 0
            self._child = process.start(
                "k6",
                self._command(),
                log=self.log,
                identity=Identity.ourselves(),
                env=self._env(seconds),
                cwd=self._folder,
                # It has nothing to save, and would finish what it has begun for half a minute.
                death=signal.SIGKILL,
            )
        return self._child.popen.wait()

    def _command(self) -> list[str]:
        # No REST port, no news to k6's makers, no summary; errors only, or a dead API writes 20 lines a second.
        return [
            *(str(self._tool.path), "run", "--quiet", "--no-usage-report", "--no-summary", "--address", ""),
            # A path with a comma would end the option: the log is named from the working folder.
            *("--no-color", f"--log-output=file={self.log.name},level=error", str(SCRIPT)),
        ]

    def _env(self, seconds: int) -> dict[str, str]:
        """The password goes by the environment: argv is for everybody to read."""
        kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        told = {"RATE": str(self._plan.rate), "DURATION": f"{seconds}s", "HOME": str(self._folder)}
        # One processor is plenty for 20 requests a second, and leaves the other to what is being watched.
        return {**kept, **self._tool.env, **self._environment, **told, "GOMAXPROCS": "1"}

    def _last_words(self) -> str:
        words = process.tail(self.log, TAIL_LINES).strip()
        return f"Its log ends:\n{words}" if words else "Its log is empty."

    def _note(self, state: str, until: float) -> None:
        written = self._state_file.with_suffix(".new")
        written.write_text(json.dumps({"state": state, "until": round(until), "rate": self._plan.rate}) + "\n")
        written.replace(self._state_file)


def _said(seconds: float) -> str:
    """
    >>> _said(7200), _said(90)
    ('2 hours', '90 seconds')
    """
    return f"{seconds / 3600:g} hours" if seconds >= 3600 else f"{seconds:g} seconds"
