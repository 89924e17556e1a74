"""Faults 22 and 23: whoever judges and sends is killed around a send, or restarted again and again."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.fault import NotHere, Outcome
from benchmarks.faults.teller import POINTS
from metrics import watch
from metrics.model import Sample, labelled
from metrics.poll import Poll, Tier
from stack.native.alertmanager import Alertmanager
from stack.native.tools import Toolbox, ToolMissing
from storage.deliveries import SENDING, SENT, Deliveries
from storage.series import SeriesStore
from tests.alerts.receivers import Box, Receiver, mailbox, receiving

TOOLS = Path(__file__).parents[2] / "var" / "tools"
PATIENCE = 30.0
CHANNELS = ("hook", "mail", "manager")


class Teller:
    """The process, and what it said."""

    def __init__(self, folder: Path, channels: str) -> None:
        """Start it; it is ready when it has judged all there is."""
        words = [sys.executable, "-m", "benchmarks.faults.teller", str(folder), channels]
        self.complaints = (folder / "teller.log").open("ab")
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.hears("ready")

    def arm(self, point: str, channel: str) -> None:
        """Let it stand still there."""
        if self.process.stdin is not None:
            self.process.stdin.write(f"{point}|{channel}\n")
            self.process.stdin.flush()
        self.hears("armed")

    def hears(self, line: str) -> None:
        """Wait until it has said that."""
        until(lambda: line in self.lines, f"{line!r} was not said")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout, self.complaints):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.strip())


@dataclass
class World:
    """A folder, receivers of three kinds, and a source that dies and comes back."""

    folder: Path
    hook: Receiver
    box: Box
    manager: Alertmanager
    up: bool = True
    at: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.store, self.queue = SeriesStore(self.folder), Deliveries(self.folder)
        self.polls()

    @property
    def channels(self) -> str:
        """As the process is told of them."""
        return json.dumps(
            [
                {"kind": "webhook", "name": "hook", "url": self.hook.url},
                {
                    **{"kind": "email", "name": "mail", "host": "127.0.0.1", "port": self.box.port},
                    **{"encryption": "none", "sender": "t@example.com", "to": ["you@example.com"]},
                },
                {"kind": "alertmanager", "name": "manager", "url": self.manager.url},
            ]
        )

    def polls(self) -> None:
        """Two that say the same."""
        for _ in range(2):
            self.at = max(self.at + 0.01, time.time())
            samples = [
                Sample(watch.UP.name, (), float(self.up)),
                Sample(watch.POLL_INTERVAL.name, labelled({"tier": "fast"}), 10.0),
            ]
            self.store.append(
                Poll(source="cache", tier=Tier.FAST, at=self.at, duration=0.0, up=self.up, samples=samples)
            )

    def turn(self) -> None:
        """It dies, or comes back."""
        self.up = not self.up
        self.polls()

    def numbers(self, channel: str) -> list[str]:
        """What was queued for a channel, in order."""
        return [each.id for each in self.queue.newest(100_000, channel=channel)][::-1]

    def came(self, channel: str) -> list[str]:
        """The numbers of what came, each as often as it came."""
        if channel == "hook":
            return [got.headers["Trivet-Delivery"] for got in self.hook.got]
        return [str(mail["X-Trivet-Delivery"]) for mail in self.box.mails]

    def settled(self, turns: int) -> bool:
        """Whether all of so many turns was handed over to everybody."""
        return all(
            len(numbers := [each.id for each in self.queue.newest(100_000, SENT, channel)]) == turns and numbers
            for channel in CHANNELS
        )

    def wrong(self, turns: int) -> list[str]:
        """What was lost, doubled without its number, or told in another order."""
        lines = []
        for channel in CHANNELS:
            queued = self.numbers(channel)
            lines += [f"{channel}: {len(queued)} messages of {turns} turns"] if len(queued) != turns else []
            if channel != "manager":
                first = list(dict.fromkeys(self.came(channel)))
                lines += (
                    [f"{channel}: {len(first)} of {len(queued)} came, or in another order"] if first != queued else []
                )
        there = [labels["alertname"] for labels in self.manager.active()]
        expected = [] if self.up else ["source_up"]
        return lines + ([f"manager: {there} fire, {expected} should"] if there != expected else [])

    def again(self) -> int:
        """How many came twice, under their own number."""
        return sum(len(came) - len(set(came)) for came in (self.came("hook"), self.came("mail")))


@contextlib.contextmanager
def world(ground: Path) -> Iterator[World]:
    """With real receivers: HTTP, SMTP and an Alertmanager."""
    try:
        tool = Toolbox(TOOLS).need("alertmanager")
    except ToolMissing as error:
        raise NotHere(str(error)) from None
    with receiving() as hook, mailbox() as box, Alertmanager(tool, ground / "manager") as manager:
        made = World(ground / "data", hook, box, manager)
        try:
            yield made
        finally:
            made.store.close()


def around_a_send(ground: Path, times: int) -> Outcome:
    """SIGKILL at six points around a send to each kind of receiver; whoever comes next sends what was not."""
    outcome = Outcome()
    with world(ground) as there:
        teller = Teller(there.folder, there.channels)
        try:
            for i in range(times):
                point, channel = POINTS[i % len(POINTS)], CHANNELS[(i // len(POINTS) + i) % len(CHANNELS)]
                teller.arm(point, channel)
                there.turn()
                teller.hears("at")
                until(lambda i=i: len(there.numbers("manager")) > i, "the change was not told")  # type: ignore[misc]
                teller.kill()
                # Nobody knows of what was only claimed whether it came.
                held = [each.channel for each in there.queue.newest(3, SENDING)]
                teller = Teller(there.folder, there.channels)
                until(lambda i=i: there.settled(i + 1), "not all was handed over")  # type: ignore[misc]
                lines = there.wrong(i + 1)
                lines += [] if point == POINTS[0] or channel in held else [f"{channel} was not in hand: {held}"]
                outcome.count(lines, f"kill {i}, {channel}, {point}")
        finally:
            teller.kill()
        outcome.note = f"{times} kills, 0 lost, {there.again()} came twice under one number" if outcome.good else ""
    return outcome


def restarts(ground: Path, times: int) -> Outcome:
    """Killed and started again and again while an alert goes on: nobody hears of it twice."""
    outcome = Outcome()
    with world(ground) as there:
        teller = Teller(there.folder, there.channels)
        try:
            there.turn()
            until(lambda: there.settled(1), "it was not told")
            for i in range(times):
                teller.kill()
                there.polls()
                teller = Teller(there.folder, there.channels)
                counts = [len(there.came("hook")), len(there.came("mail"))]
                outcome.count([*there.wrong(1), *([f"{counts} messages"] if counts != [1, 1] else [])], f"restart {i}")
        finally:
            teller.kill()
    return outcome


def until(true: Callable[[], object], wrong: str, within: float = PATIENCE) -> None:
    """Wait for something that has to come about."""
    end = time.monotonic() + within
    while not true():
        if time.monotonic() > end:
            raise AssertionError(wrong)
        time.sleep(0.005)
