"""When Trivet's own files cannot be used, that is told from memory, once, and so is its end; nothing judged is lost."""

import json
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alerts.channels.webhook import Webhook
from alerts.engine import Engine, Setup
from alerts.facts import Teller
from alerts.judge import Now, Subjects
from alerts.pulse import Pulse, read
from alerts.sender import Sender, Settings
from metrics import watch
from metrics.alerting import Alerting, Tuning
from metrics.model import Sample, labelled
from metrics.poll import Poll, Tier
from storage.deliveries import SENT, Deliveries
from storage.incidents import Incidents
from storage.series import SeriesStore
from tests.alerts.receivers import Got, Receiver, receiving
from tests.alerts.test_judge import rules
from tests.waiting import until

LOOPBACK = Settings(networks=("127.0.0.0/8",))
Break = Callable[[Path], Callable[[], None]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


class World:
    """A judge and a sender with one source, whose clock moves when it is told to."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.folder, self.said = folder, list[str]()
        self.polls, self.judged = SeriesStore(folder), SeriesStore(folder / "judged")
        channel = Webhook(name="hook", url=receiver.url)
        made = rules(Tuning(rule="source_up", hold="0s", keep="0s"))
        setup = Setup(
            rules=made,
            sources=[Subjects(name="cache", kind="cache")],
            channels=[channel],
            settings=Alerting(group="0s"),
            teller=Teller(rules=made, form_value=lambda _, value: f"{value}", form_bound=lambda *_: ""),
            tags={},
            behind={},
        )
        self.sender = Sender([channel], Deliveries(folder), LOOPBACK, self.said.append)
        self.now = time.time()
        self.engine = Engine(
            folder,
            self.judged,
            setup,
            self.said.append,
            pulse=Pulse(folder),
            wake=self.sender.wake,
            impaired=self.sender.impaired,
            clock=lambda: Now(self.now, "b", self.now),
            lasts=0.0,
        )
        self.sender.start()

    def poll(self, *, up: bool) -> None:
        self.now += 10.0
        samples = [
            Sample(watch.UP.name, (), float(up)),
            Sample(watch.POLL_INTERVAL.name, labelled({"tier": "fast"}), 10.0),
        ]
        self.polls.append(Poll(source="cache", tier=Tier.FAST, at=self.now, duration=0.0, up=up, samples=samples))

    def close(self) -> None:
        self.sender.stop()
        self.engine.close()
        self.polls.close()
        self.judged.close()


@contextmanager
def world(folder: Path, receiver: Receiver) -> Iterator[World]:
    made = World(folder, receiver)
    try:
        yield made
    finally:
        made.close()


def replaced(folder: Path) -> Callable[[], None]:
    """A folder where the file was."""
    path, aside = folder / "state.db", folder / "aside"
    aside.mkdir()
    for each in folder.glob("state.db*"):
        each.rename(aside / each.name)
    path.mkdir()

    def mend() -> None:
        path.rmdir()
        for each in aside.iterdir():
            each.rename(folder / each.name)

    return mend


def full(folder: Path) -> Callable[[], None]:
    """No file of this process may grow, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)


def told(got: Got) -> tuple[str, str]:
    (alert,) = json.loads(got.body)["alerts"]
    return alert["status"], alert["labels"]["alertname"]


@pytest.mark.parametrize("harm", [replaced, full])
def test_trouble_of_its_own_is_told_once_from_memory_and_so_is_its_end(
    tmp_path: Path, receiver: Receiver, harm: Break
) -> None:
    with world(tmp_path, receiver) as trivet:
        for _ in range(2):
            trivet.poll(up=True)
            assert trivet.engine.once()
        trivet.poll(up=False)
        mend = harm(tmp_path)
        try:
            assert not trivet.engine.once(), "a change cannot be written"
            assert told(receiver.wait(1)[0]) == ("firing", "trivet_impaired")
            assert not trivet.engine.once()
            assert not trivet.engine.once()
        finally:
            mend()
        assert trivet.engine.once()
        got = receiver.wait(3)
        assert sorted(told(each) for each in got) == [
            ("firing", "source_up"),
            ("firing", "trivet_impaired"),
            ("resolved", "trivet_impaired"),
        ], "what was judged meanwhile is not forgotten"
        assert [each.rule for each in Incidents(tmp_path).open()] == ["source_up"]
        until(lambda: Deliveries(tmp_path).newest(1, SENT))
        assert len({each.headers["Trivet-Delivery"] for each in got}) == 3
    assert read(tmp_path)["trouble"] == ""


def test_a_trouble_that_nobody_could_be_told_of_has_no_end_to_tell(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [(503, {"Retry-After": "3600"}), (200, {})]
    with world(tmp_path, receiver) as trivet:
        trivet.sender.impaired("no disk")
        receiver.wait(1)
        trivet.sender.impaired("")
        number = Deliveries(tmp_path).queue("hook", "test", '{"kind": "test", "at": 0}', time.time())
        until(lambda: [each.id for each in Deliveries(tmp_path).newest(1, SENT)] == [number])
        assert len(receiver.got) == 2


def test_what_ends_while_it_is_being_told_is_told_to_be_over(tmp_path: Path, receiver: Receiver) -> None:
    arrived, goes_on = threading.Event(), threading.Event()

    def wait(_: Got) -> None:
        arrived.set()
        assert goes_on.wait(20)

    receiver.judge = wait
    with world(tmp_path, receiver) as trivet:
        trivet.sender.impaired("no disk")
        assert arrived.wait(20)
        trivet.sender.impaired("")
        goes_on.set()
        assert [told(each)[0] for each in receiver.wait(2)] == ["firing", "resolved"]


def test_what_was_handed_over_while_nothing_could_be_written_is_not_sent_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    queue, mend = Deliveries(tmp_path), list[Callable[[], None]]()
    receiver.judge = lambda _: mend.append(replaced(tmp_path)) if not mend else None
    number = queue.queue("hook", "test", '{"kind": "test", "at": 0}', time.time())
    sender = Sender([Webhook(name="hook", url=receiver.url)], queue, LOOPBACK, lambda _: None)
    with pytest.raises(sqlite3.Error):
        sender.one("hook")
    mend[0]()
    assert not sender.one("hook"), "it is settled, and nothing else is due"
    assert [each.id for each in queue.newest(1, SENT)] == [number]
    assert len(receiver.got) == 1
