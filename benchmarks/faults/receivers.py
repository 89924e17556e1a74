"""Fault 24: a receiver that is down, refuses, is slow, hangs or sends elsewhere, and works again or does not.

The sender's clock is moved to when a message is due, so that hours pass at once; its limits for one try are real.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from alerts.channels.email import Email
from alerts.channels.webhook import Webhook
from alerts.message import Message
from alerts.sender import Sender, Settings
from benchmarks.faults.fault import Outcome
from storage.deliveries import DEAD, SENT, Deliveries, Delivery
from tests.alerts.receivers import Receiver, mailbox, receiving

MESSAGES = 6
TRIES = 60
"""At most, of one message: an hour of tries five minutes apart takes fewer."""

LONG, GIVE_UP = 3000.0, "1h"
WAIT = 900.0
TIMEOUT = "0.3s"
LOOPBACK = Settings(networks=("127.0.0.0/8",))


@dataclass
class Clock:
    """Set by hand."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        """Seconds of the epoch."""
        return self.now


@dataclass
class Case:
    """One receiver and what is on its way to it."""

    folder: Path
    receiver: Receiver
    other: Receiver
    clock: Clock = field(default_factory=Clock)
    tried: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = Deliveries(self.folder)
        channels = [self.hook("hook", self.receiver.url, "other"), self.hook("other", self.other.url, "")]
        self.sender = Sender(channels, self.queue, LOOPBACK, lambda line: None, self.clock)
        self.numbers = [self._queued(place) for place in range(MESSAGES)]

    @staticmethod
    def hook(name: str, url: str, fallback: str) -> Webhook:
        """With a short limit."""
        return Webhook(name=name, url=url, fallback=fallback, timeout=TIMEOUT, give_up=GIVE_UP)

    def _queued(self, place: int) -> str:
        body = msgspec.json.encode(Message(kind="test", at=0.0, note=f"{place}")).decode()
        return self.queue.queue("hook", "test", body, self.clock.now)

    def next(self) -> Delivery | None:
        """The message that is tried next."""
        waiting = [each for each in self.queue.newest(100, channel="hook") if each.state not in (SENT, DEAD)]
        return waiting[-1] if waiting else None

    def go_on(self, until: float = 1e12) -> None:
        """Try what is due, and move the clock to what is due next, until nothing waits or that time has come."""
        for _ in range(TRIES * MESSAGES):
            first = self.next()
            if first is None:
                return
            if first.due > until:
                self.clock.now = until
                return
            self.clock.now = max(self.clock.now, first.due)
            self.tried.append(self.clock.now)
            self.sender.one("hook")

    def sent(self) -> list[str]:
        """The numbers of what the receiver has, in the order in which it came."""
        return [got.headers["Trivet-Delivery"] for got in self.receiver.got]

    def delivered(self) -> list[str]:
        """Wrong unless all is there, in order, and marked so."""
        there = list(dict.fromkeys(self.taken()))
        states = {each.state for each in self.queue.newest(100, channel="hook")}
        lines = [] if there == self.numbers else [f"{len(there)} of {MESSAGES} in order: {there}"]
        return lines + ([] if states == {SENT} else [f"states {states}"])

    def taken(self) -> list[str]:
        """Of what came, what was answered well: the last try of each."""
        last = {number: place for place, number in enumerate(self.sent())}
        return sorted(last, key=lambda number: last[number])

    def dead(self) -> list[str]:
        """Wrong unless all was given up, and is elsewhere."""
        while self.sender.one("other"):
            pass
        states = {each.state for each in self.queue.newest(100, channel="hook")}
        instead = [each.instead_of for each in self.queue.newest(100, SENT, "other")][::-1]
        lines = [] if states == {DEAD} else [f"states {states}"]
        return lines + ([] if instead == self.numbers else [f"{len(instead)} of {MESSAGES} went elsewhere in order"])


def answers(case: Case, status: int, **headers: str) -> list[str]:
    """It refuses for long, and then takes everything."""
    case.receiver.answers = [(status, {name.replace("_", "-"): value for name, value in headers.items()})]
    case.go_on(case.clock.now + LONG)
    case.receiver.got.clear()
    case.receiver.answers = [(200, {})]
    case.go_on()
    return case.delivered()


def too_many(case: Case) -> list[str]:
    """It asks to be left alone: no try comes before."""
    lines = answers(case, 429, Retry_After=f"{WAIT:.0f}")
    early = [b - a for a, b in zip(case.tried[:3], case.tried[1:4], strict=True) if b - a < WAIT]
    return lines + [f"tried again after {gap:.0f} s" for gap in early]


def down(case: Case) -> list[str]:
    """Nobody listens for long."""
    port = int(case.receiver.url.rsplit(":")[-1].split("/")[0])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    hook = case.hook("hook", case.receiver.url.replace(str(port), str(nobody)), "other")
    case.sender = Sender([hook], case.queue, LOOPBACK, lambda line: None, case.clock)
    case.go_on(case.clock.now + LONG)
    hook = case.hook("hook", case.receiver.url, "other")
    case.sender = Sender([hook], case.queue, LOOPBACK, lambda line: None, case.clock)
    case.go_on()
    return case.delivered()


def hangs(case: Case) -> list[str]:
    """It takes the message and never answers: each try is cut off."""
    case.receiver.hang = threading.Event()
    case.go_on(case.clock.now + 10)
    case.receiver.hang.set()
    case.receiver.hang = None
    case.go_on()
    return case.delivered()


def slow(case: Case) -> list[str]:
    """It answers within the limit, but only just."""
    pause = threading.Event()
    case.receiver.judge = lambda got: (pause.wait(0.1), None)[1]
    case.go_on()
    return case.delivered() + ([f"{len(case.tried)} tries"] if len(case.tried) != MESSAGES else [])


def redirects(case: Case) -> list[str]:
    """It sends elsewhere, where nothing goes; the message is given up at once."""
    case.receiver.answers = [(302, {"Location": case.other.url})]
    case.go_on()
    before = len(case.other.got)
    return case.dead() + (["a redirect was followed"] if before else [])


def gone(case: Case) -> list[str]:
    """It knows no such address: given up at the first try."""
    case.receiver.answers = [(404, {})]
    case.go_on()
    return case.dead() + ([f"{len(case.tried)} tries"] if len(case.tried) != MESSAGES else [])


def never_again(case: Case) -> list[str]:
    """It fails for longer than messages are kept."""
    case.receiver.answers = [(503, {})]
    case.go_on()
    first = case.queue.one(case.numbers[0])
    passed = case.clock.now - 1_000_000.0
    lines = [] if first and first.tries > 5 else ["it was hardly tried"]
    return case.dead() + lines + ([] if 3600 <= passed < 3600 + 400 else [f"given up after {passed:.0f} s"])


CASES: dict[str, Callable[[Case], list[str]]] = {
    "down for long": down,
    "500": lambda case: answers(case, 500),
    "503": lambda case: answers(case, 503),
    "429 with Retry-After": too_many,
    "slow": slow,
    "hanging": hangs,
    "redirecting": redirects,
    "404": gone,
    "503 for ever": never_again,
}


def misbehaving(ground: Path, times: int) -> Outcome:
    """Each kind of receiver: all in order after it works again, or given up as the rule says; so by mail."""
    outcome = Outcome()
    for i in range(times):
        for name, act in CASES.items():
            with receiving() as receiver, receiving() as other:
                outcome.count(act(Case(ground / f"{name}{i}", receiver, other)), name)
        outcome.count(_mail(ground / f"mail{i}"), "mail server down for long")
    outcome.note = f"{times} times {len(CASES) + 1} kinds, {MESSAGES} messages each"
    return outcome


def _mail(folder: Path) -> list[str]:
    clock, queue = Clock(), Deliveries(folder)
    body = msgspec.json.encode(Message(kind="test", at=0.0, note="A test.")).decode()
    numbers = [queue.queue("mail", "test", body, clock.now) for _ in range(MESSAGES)]
    with _refusing() as nobody:
        sender = _mailer(queue, nobody, clock)
        for _ in range(5):
            clock.now = max(clock.now, queue.newest(100)[-1].due)
            sender.one("mail")
    with mailbox() as box:
        sender = _mailer(queue, box.port, clock)
        clock.now += 600
        while sender.one("mail"):
            pass
        came = [str(mail["X-Trivet-Delivery"]) for mail in box.mails]
    return [] if came == numbers else [f"{len(came)} of {MESSAGES} mails in order"]


def _mailer(queue: Deliveries, port: int, clock: Clock) -> Sender:
    to = ("you@example.com",)
    mail = Email(name="mail", host="127.0.0.1", port=port, encryption="none", sender="t@example.com", to=to)
    return Sender([mail], queue, LOOPBACK, lambda line: None, clock)


@contextlib.contextmanager
def _refusing() -> Iterator[int]:
    """A port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
