"""What cannot be handed over is tried again, given up, sent elsewhere; one dead channel holds up no other."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from alerts.channels.webhook import Webhook
from alerts.message import Message
from alerts.sender import Sender, Settings
from storage.deliveries import DEAD, QUEUED, SENT, Deliveries
from tests.alerts.receivers import Receiver, receiving

LOOPBACK = Settings(networks=("127.0.0.0/8",))
BODY = msgspec.json.encode(Message(kind="test", at=0.0, note="A test.")).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def other() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def hook(name: str, url: str, fallback: str = "", timeout: str = "5s") -> Webhook:
    return Webhook(name=name, url=url, secret="a-secret-of-some-length", fallback=fallback, timeout=timeout)


def until(true: Callable[[], bool], within: float = 20.0) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_fails_is_tried_later_and_under_the_same_number(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [(503, {}), (429, {"Retry-After": "120"}), (200, {})]
    queue, clock, said = Deliveries(tmp_path), Clock(), list[str]()
    number = queue.queue("hook", "test", BODY, clock.now)
    sender = Sender([hook("hook", receiver.url)], queue, LOOPBACK, said.append, clock)
    assert sender.one("hook")
    assert not sender.one("hook"), "it is not due yet"
    first = queue.one(number)
    assert first is not None
    assert (first.state, first.tries) == (QUEUED, 1)
    assert 1001.0 < first.due < 1003.0
    clock.now = first.due
    assert sender.one("hook")
    second = queue.one(number)
    assert second is not None
    assert second.due == clock.now + 120
    clock.now = second.due
    assert sender.one("hook")
    third = queue.one(number)
    assert third is not None
    assert (third.state, third.tries, third.error) == (SENT, 3, "")
    assert len({got.headers["Trivet-Delivery"] for got in receiver.got}) == 1
    assert said == ["channel hook: not yet: HTTP 503 Service Unavailable: no",
                    "channel hook: not yet: HTTP 429 Too Many Requests: no", "channel hook: works again"]  # fmt: skip


def test_what_is_given_up_goes_elsewhere_once(tmp_path: Path, receiver: Receiver, other: Receiver) -> None:
    receiver.answers = [(404, {})]
    other.answers = [(410, {})]
    queue, clock, said = Deliveries(tmp_path), Clock(), list[str]()
    number = queue.queue("one", "test", BODY, clock.now)
    channels = [hook("one", receiver.url, fallback="two"), hook("two", other.url, fallback="one")]
    sender = Sender(channels, queue, LOOPBACK, said.append, clock)
    assert sender.one("one")
    assert sender.one("two")
    assert not sender.one("one"), "what comes from elsewhere goes nowhere further"
    dead = queue.newest(10, DEAD)
    assert [each.channel for each in dead] == ["two", "one"]
    assert dead[0].instead_of == number
    assert [len(receiver.got), len(other.got)] == [1, 1]
    assert queue.again(number, clock.now)
    receiver.answers = [(200, {})]
    assert sender.one("one")
    assert [each.id for each in queue.newest(10, SENT)] == [number]


def test_a_channel_that_hangs_holds_up_no_other(tmp_path: Path, receiver: Receiver, other: Receiver) -> None:
    receiver.hang = threading.Event()
    queue = Deliveries(tmp_path)
    stuck = queue.queue("one", "test", BODY, time.time())
    told = queue.queue("two", "test", BODY, time.time())
    sender = Sender([hook("one", receiver.url, timeout="20s"), hook("two", other.url)], queue, LOOPBACK, lambda _: None)
    sender.start()
    try:
        other.wait(1)
        until(lambda: [each.id for each in queue.newest(10, SENT)] == [told])
        waiting = queue.one(stuck)
        assert waiting is not None
        assert waiting.state == "sending"
        assert sender.stuck() == []
    finally:
        receiver.hang.set()
        sender.stop()


def test_what_a_dead_sender_had_in_hand_is_sent(tmp_path: Path, receiver: Receiver) -> None:
    queue = Deliveries(tmp_path)
    number = queue.queue("hook", "test", BODY, time.time())
    assert queue.claim("hook", "4711-dead", time.time()) is not None
    sender = Sender([hook("hook", receiver.url)], queue, LOOPBACK, lambda _: None)
    sender.start()
    try:
        (got,) = receiver.wait(1)
        assert got.headers["Trivet-Delivery"] == number
        until(lambda: [each.id for each in queue.newest(10, SENT)] == [number])
    finally:
        sender.stop()


def test_an_address_of_a_private_network_is_given_up_with_its_cure(tmp_path: Path, receiver: Receiver) -> None:
    queue, said = Deliveries(tmp_path), list[str]()
    queue.queue("hook", "test", BODY, time.time())
    assert Sender([hook("hook", receiver.url)], queue, Settings(), said.append).one("hook")
    assert receiver.got == []
    assert "allow_networks" in queue.newest(1, DEAD)[0].error
    assert "allow_networks" in said[0]
