"""A judge and a sender that stand still where they are told to: `python -m benchmarks.faults.teller FOLDER CHANNELS`.

The product's own engine and sender over a folder that somebody else polls into. On stdin: `POINT CHANNEL`, the place
at which the sender of a channel has to stand still from now on. On stdout: `ready`, `armed`, `at` when it stands there.
"""

import json
import smtplib
import socket
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import alerts.post
from alerts.channel import Channel, channel_types
from alerts.engine import Engine, Setup
from alerts.facts import Teller
from alerts.judge import Subjects
from alerts.pulse import Pulse
from alerts.rule import rules_of
from alerts.sender import Sender, Settings
from metrics import watch
from metrics.alerting import Alerting, Tuning
from metrics.catalog import Catalog
from storage.deliveries import Deliveries
from storage.series import SeriesStore

POINTS = (
    "before the claim",
    "after the claim",
    "before the connection",
    "after the bytes",
    "after the answer",
    "before it is sent",
)
PASS = 0.02
INTERVAL = 600.0
NETWORKS = ("127.0.0.0/8",)


class Stand:
    """Where to stand still."""

    def __init__(self) -> None:
        self.at = ("", "")

    def here(self, point: str) -> None:
        """For ever, if this is the place."""
        if self.at == (point, threading.current_thread().name.removeprefix("send-")):
            say("at")
            threading.Event().wait()


STAND = Stand()
GIVEN: dict[str, Any] = {}


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def before(point: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Stand there, then go on."""

    def wrapped(*given: Any, **named: Any) -> Any:
        STAND.here(point)
        return call(*given, **named)

    return wrapped


def after(point: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Go on, then stand there."""

    def wrapped(*given: Any, **named: Any) -> Any:
        found = call(*given, **named)
        if found is not None:
            STAND.here(point)
        return found

    return wrapped


class Mailing(smtplib.SMTP):
    """Stands still between the last byte of a mail and the answer to it."""

    _sending = False

    def data(self, msg: Any) -> Any:
        """The mail itself."""
        self._sending = True
        return super().data(msg)

    def send(self, s: Any) -> None:
        """Bytes, of a command or of the mail."""
        super().send(s)
        if self._sending and len(s) > len("data\r\n"):
            STAND.here(POINTS[3])


def prepare() -> None:
    """The places, in the product's own functions and in the standard library's."""
    swapped: list[tuple[Any, str, Callable[..., Any]]] = [
        (Deliveries, "claim", after(POINTS[1], before(POINTS[0], Deliveries.claim))),
        (socket, "create_connection", before(POINTS[2], socket.create_connection)),
        (
            HTTPConnection,
            "getresponse",
            before(POINTS[3], HTTPConnection.getresponse),
        ),
        (smtplib, "SMTP", Mailing),
        (alerts.post, "_judged", after(POINTS[4], alerts.post._judged)),
        (Mailing, "send_message", after(POINTS[4], Mailing.send_message)),
        (Deliveries, "sent", before(POINTS[5], Deliveries.sent)),
    ]
    for owner, name, call in swapped:
        setattr(owner, name, call)


def channels(text: str) -> list[Channel]:
    """As JSON: kind and keys of each."""
    return [channel_types()[each.pop("kind")](**each) for each in json.loads(text)]


def setup(there: list[Channel], **settings: Any) -> Setup:
    """One source, of which only is judged whether it answers, at once."""
    forms = {watch.source_up.name: watch.source_up}
    tuning = Tuning(rule="source_up", hold="0s", keep="0s")
    made = rules_of(Catalog({}, dict(forms), {}, {"source_up": "trivet"}, {}), [tuning])
    return Setup(
        rules=made,
        sources=[Subjects(name="cache", kind="cache", interval=INTERVAL)],
        channels=there,
        settings=Alerting(group="0s", **settings),
        teller=Teller(rules=made, form_value=lambda _, value: f"{value}", form_bound=lambda *_: "1"),
        tags={},
        behind={},
    )


def main() -> None:
    """Until killed."""
    folder, there = Path(sys.argv[1]), channels(sys.argv[2])
    prepare()
    sender = Sender(there, Deliveries(folder), Settings(networks=NETWORKS), lambda line: None)
    sender.start()
    engine = Engine(
        folder,
        SeriesStore(folder / "judged"),
        setup(there),
        lambda line: print(line, file=sys.stderr, flush=True),
        pulse=Pulse(folder),
        wake=sender.wake,
    )
    threading.Thread(target=listen, daemon=True).start()
    engine.once()
    say("ready")
    while True:
        engine.once()
        time.sleep(PASS)


def listen() -> None:
    """What stdin says."""
    for line in sys.stdin:
        point, _, channel = line.strip().partition("|")
        STAND.at = (point, channel)
        say("armed")


if __name__ == "__main__":
    main()
