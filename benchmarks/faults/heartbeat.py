"""Fault 26: one stage after another is stuck, and each time the heartbeat stops until it goes on."""

import contextlib
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import alerts.sender
from alerts.pulse import Heartbeat
from benchmarks.faults.fault import Outcome
from benchmarks.faults.judging import INTERVAL, LOOPBACK, Judging, judging
from tests.alerts.receivers import receiving

TURNS = 12
"""Turns of ten seconds: a stage is stuck after three."""

PATIENCE = 5.0
TIMEOUT = "0.2s"


class Beating:
    """Passes as the command makes them, in a thread of their own, and a heartbeat after each."""

    def __init__(self, there: Judging, url: str) -> None:
        """Nothing has passed."""
        self.there = there
        self.heart = Heartbeat(url, 0.0, there.pulse, INTERVAL, there.said.append, LOOPBACK.networks)
        self.collects = True
        self._pass: threading.Thread | None = None

    def turn(self, patience: float = 0.3) -> bool:
        """Ten seconds; whether the heart beats after them."""
        self.there.passes(INTERVAL)
        if self.collects:
            with contextlib.suppress(sqlite3.Error, OSError):
                for source in ("cache", "other"):
                    self.there.poll(source)
        if self._pass is None or not self._pass.is_alive():
            self._pass = threading.Thread(target=self._once, daemon=True)
            self._pass.start()
        self._pass.join(patience)
        return self.heart.once()

    def _once(self) -> None:
        with contextlib.suppress(ValueError):
            self.there.engine.once()
            if not self.there.sender.stuck():
                self.there.pulse.passed("sender", self.there.wall)

    def ended(self) -> None:
        """The pass that was under way has ended."""
        if self._pass is not None:
            self._pass.join(PATIENCE)


Stage = Callable[[Beating], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def collector(beating: Beating) -> Iterator[None]:
    """No polls come."""
    beating.collects = False
    yield
    beating.collects = True


@contextlib.contextmanager
def _gone(path: Path) -> Iterator[None]:
    aside = path.parent / "aside"
    aside.mkdir()
    for each in path.parent.glob(f"{path.name}*"):
        each.rename(aside / each.name)
    path.mkdir()
    yield
    path.rmdir()
    for each in aside.iterdir():
        each.rename(path.parent / each.name)
    aside.rmdir()


@contextlib.contextmanager
def _raising(owner: Any, name: str, error: Exception) -> Iterator[None]:
    with patch.object(owner, name, side_effect=error):
        yield


@contextlib.contextmanager
def series(beating: Beating) -> Iterator[None]:
    """What was polled cannot be read: damaged, gone, or another's."""
    with _raising(beating.there.engine._tail, "new", sqlite3.OperationalError("disk I/O error")):
        yield


@contextlib.contextmanager
def state(beating: Beating) -> Iterator[None]:
    """state.db is gone: a folder is where it was."""
    with _gone(beating.there.folder / "state.db"):
        yield


@contextlib.contextmanager
def judge(beating: Beating) -> Iterator[None]:
    """The judge does not come back."""
    goes_on, look = threading.Event(), beating.there.engine._judge.look

    def hangs(*given: Any) -> Any:
        goes_on.wait(60)
        return look(*given)

    with patch.object(beating.there.engine._judge, "look", hangs):
        yield
        goes_on.set()
        beating.ended()


@contextlib.contextmanager
def dispatcher(beating: Beating) -> Iterator[None]:
    """What has to be told cannot be worked out."""
    with _raising(beating.there.engine, "_dispatch", ValueError("a mistake")):
        yield


@contextlib.contextmanager
def sender_hung(beating: Beating) -> Iterator[None]:
    """A channel does not come back from a send, whatever its limit."""
    goes_on, there = threading.Event(), beating.there

    def hangs(*_: Any) -> str:
        goes_on.wait(60)
        return "at last"

    with patch.object(type(there.channel), "send", hangs):
        there.queue.queue("hook", "test", '{"kind": "test", "at": 0}', 0.0)
        there.sender.wake()
        yield
        goes_on.set()
        while there.queue.newest(1)[0].state != "sent":
            threading.Event().wait(0.01)


@contextlib.contextmanager
def sender_dead(beating: Beating) -> Iterator[None]:
    """The thread of a channel has ended."""
    there = beating.there
    there.sender.stop()
    yield
    there.sender = alerts.sender.Sender([there.channel], there.queue, LOOPBACK, there.said.append)
    there.sender.start()


@contextlib.contextmanager
def disk(beating: Beating) -> Iterator[None]:
    """Full: no file may grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


STAGES: dict[str, Stage] = {
    "collector dead": collector,
    "series file unreadable": series,
    "state file gone": state,
    "judge hung": judge,
    "dispatcher failing": dispatcher,
    "sender hung": sender_hung,
    "sender dead": sender_dead,
    "disk full": disk,
}


def stops(ground: Path, times: int) -> Outcome:
    """It beats, stops while a stage is stuck, and beats again."""
    outcome = Outcome()
    with patch.object(alerts.sender, "HANGS", 0.0):
        for i in range(times):
            for name, stage in STAGES.items():
                with judging(ground / f"{name}{i}", TIMEOUT) as there, receiving() as outside:
                    there.sender.start()
                    outcome.count(_stuck(Beating(there, outside.url), stage), name)
    outcome.note = f"{len(STAGES)} stages"
    return outcome


def _stuck(beating: Beating, stage: Stage) -> list[str]:
    lines = [] if [beating.turn(PATIENCE) for _ in range(4)][-1] else [f"it did not beat: {beating.there.said}"]
    with stage(beating):
        beats = [beating.turn() for _ in range(TURNS)]
        # What is late by the sender's own clock needs a moment of it.
        while any(beats[-2:]) and len(beats) < 3 * TURNS:
            threading.Event().wait(0.05)
            beats.append(beating.turn())
    lines += [f"it beat on, {sum(beats)} times"] if any(beats[-2:]) else []
    again = [beating.turn(PATIENCE) for _ in range(TURNS)]
    return lines + ([] if again[-1] else [f"it does not beat again: {beating.there.said[-2:]}"])
