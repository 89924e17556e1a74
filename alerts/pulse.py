"""Who watches the watcher: when each stage was last through, in a small file, and a heartbeat for somebody outside."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from alerts.channel import ChannelError
from alerts.post import post

FILE = "alert.json"
STAGES = ("collected", "judged", "dispatched", "recorded", "sender")
LATE = 3.0
"""Intervals after which a stage is stuck."""

PATIENCE = 10.0


class Pulse:
    """Kept by the alert process, read by the pages. Times are seconds of the epoch, and of the machine's clock."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """No stage was through yet."""
        self._path, self._clock = folder / FILE, clock
        self._walls: dict[str, float] = {}
        self._clocks: dict[str, float] = {}
        self._broken: list[tuple[str, str, str]] = []
        self._trouble = ""
        self._config = ""
        self._written = ""
        self._lock = threading.Lock()

    def passed(self, stage: str, wall: float) -> None:
        """A stage was through."""
        with self._lock:
            self._walls[stage], self._clocks[stage] = wall, self._clock()
        if stage == "dispatched":
            self._write()

    def broken(self, rules: Sequence[tuple[str, str, str]]) -> None:
        """Rules that cannot be judged: name, source, why."""
        self._broken = list(rules)

    def trouble(self, text: str) -> None:
        """What is wrong with Trivet itself; empty when nothing is."""
        changed, self._trouble = text != self._trouble, text
        if changed:
            self._write()

    def config(self, text: str) -> None:
        """Why the newest config file is not in force; empty when it is."""
        self._config = text
        self._write()

    def stuck(self, interval: float) -> list[str]:
        """The stages that were not through for too long."""
        now = self._clock()
        with self._lock:
            return [stage for stage in STAGES if now - self._clocks.get(stage, -1e9) > LATE * max(interval, 5.0)]

    def _write(self) -> None:
        with self._lock:
            body = json.dumps(
                {
                    "pid": os.getpid(),
                    "stages": self._walls,
                    "broken": self._broken,
                    "trouble": self._trouble,
                    "config": self._config,
                }
            )
            fresh = self._path.with_suffix(".new")
            with suppress(OSError):
                fresh.write_text(body, encoding="utf-8")
                fresh.replace(self._path)


def read(folder: Path) -> Mapping[str, object]:
    """What the alert process last wrote; empty when it never ran."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class Heartbeat:
    """Asks an address outside, only while every stage is through: when the asking stops, somebody there notices."""

    def __init__(
        self,
        url: str,
        every: float,
        pulse: Pulse,
        interval: float,
        say: Callable[[str], None],
        networks: Sequence[str] = (),
    ) -> None:
        """Nothing is asked yet."""
        self._url, self._every, self._pulse, self._interval = url, every, pulse, interval
        self._say, self._networks, self._told = say, networks, ""
        self.sent = 0

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop."""
        while not stopping.wait(self._every):
            self.once()

    def once(self) -> bool:
        """Whether it was asked."""
        stuck = self._pulse.stuck(self._interval)
        text = f"no heartbeat: {', '.join(stuck)} stuck" if stuck else ""
        if not stuck:
            try:
                end = time.monotonic() + PATIENCE
                post(self._url, b"", {}, deadline=end, networks=self._networks, secrets=[self._url], method="GET")
                self.sent += 1
            except ChannelError as error:
                text = f"heartbeat not taken: {error}"
        if text != self._told:
            self._say(text or "heartbeat goes out")
        self._told = text
        return not text
