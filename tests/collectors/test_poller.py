import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Any

import pytest
from apscheduler.schedulers import base as scheduler_module

from collectors.backoff import Backoff
from collectors.collector import Capabilities, Collector
from collectors.failed import Disconnected
from collectors.poller import MOST_WORKERS, Poller, spread
from collectors.probe import probe
from collectors.redis.source import RedisSource
from collectors.round import Round
from collectors.source import Source
from collectors.station import ERROR, LAST, Station
from metrics.poll import ErrorClass, Poll, Tier
from metrics.watch import EPOCH
from tests.collectors.memory import value, values
from tests.servers import Hole, RedisServer


class Kept:
    """What a poller wrote and said."""

    def __init__(self) -> None:
        self.polls: list[Poll] = []
        self.said: list[str] = []
        self._changed = threading.Condition()

    def write(self, found: Poll) -> None:
        with self._changed:
            self.polls.append(found)
            self._changed.notify_all()

    def of(self, source: str) -> list[Poll]:
        """Those of every interval; what is asked by the minute or the hour comes beside them."""
        return [found for found in self.polls if found.source == source and found.tier is Tier.FAST]

    def wait(self, source: str, count: int, within: float = 5.0) -> list[Poll]:
        """The polls of a source, as soon as there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.of(source)) >= count, within)
        return self.of(source)


@contextmanager
def polling(
    sources: Sequence[Source], kept: Kept, write: Callable[[Poll], None] | None = None, **more: Any
) -> Iterator[Poller]:
    poller = Poller(sources, write or kept.write, kept.said.append, **more)
    poller.start()
    try:
        yield poller
    finally:
        poller.stop()


def test_a_hung_source_delays_only_itself(redis: RedisServer, hole: Hole) -> None:
    kept = Kept()
    hung = [RedisSource(name=f"hung {n}", port=hole.port, interval="1s") for n in range(10)]
    healthy = [RedisSource(name=f"cache {n}", port=redis.port, interval="1s") for n in range(3)]
    with polling([*hung, *healthy], kept):
        kept.wait("cache 0", 4, within=8)
    for source in healthy:
        polls = kept.of(source.name)
        assert all(found.up for found in polls)
        assert max(value(found, "trivet_poll_lag_seconds", tier="fast") for found in polls) < 0.5
        assert polls[-1].duration < 0.5
        assert value(polls[-1], "trivet_polls_missed_total") == 0
        gaps = [later.at - earlier.at for earlier, later in zip(polls, polls[1:], strict=False)]
        assert gaps == pytest.approx([1.0] * len(gaps), abs=0.5)
    for source in hung:
        first = kept.of(source.name)[0]
        assert first.error is not None
        assert first.error.kind is ErrorClass.TIMEOUT
        assert 0.7 < first.duration < 1.1
        assert values(first, "trivet_source_up") == {(): 0}
    assert sum(line.startswith("hung 0: timeout") for line in kept.said) == 1


def test_a_failed_poll_explains_itself_and_a_good_one_ends_it(
    new_redis: Callable[..., RedisServer],
) -> None:
    server, kept = new_redis(), Kept()
    server.stop()
    with polling([RedisSource(name="cache", port=server.port, interval="1s")], kept):
        (failed, *_) = kept.wait("cache", 1)
        server.start()
        end = time.monotonic() + 8
        while not (found := kept.of("cache")[-1]).up:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert value(failed, "trivet_source_up") == 0
    assert value(failed, "trivet_poll_errors_total", error="unreachable") == 1
    assert value(failed, "trivet_poll_duration_seconds", tier="fast") == failed.duration
    ((kind, key, body),) = [(record.kind, record.key, record.body) for record in failed.records]
    assert (kind, key) == (ERROR, LAST)
    assert '"class": "unreachable"' in body
    assert '"hint": "Check host' in body
    assert (found.records[-1].key, found.records[-1].body) == (LAST, "")
    assert found.epochs["redis_run"] > 0
    # A name that is there twice costs the store all names again, at every poll.
    names = [(sample.metric, sample.labels) for sample in found.samples]
    assert len(names) == len(set(names))
    assert EPOCH.name not in {metric for metric, _ in names}
    assert kept.said[0].startswith("cache: unreachable:")
    assert kept.said[-1] == "cache: answers again"


def test_what_cannot_be_written_ends_nothing_and_is_said_once(redis: RedisServer) -> None:
    kept, tried = Kept(), []

    def full(found: Poll) -> None:
        tried.append(found)
        raise OSError("no space left")

    with polling([RedisSource(name="cache", port=redis.port, interval="1s")], kept, full):
        end = time.monotonic() + 6
        while len(tried) < 3 and time.monotonic() < end:
            time.sleep(0.05)
    assert len(tried) >= 3
    assert [line for line in kept.said if "no space left" in line] == ["cannot write: OSError: no space left"]


def test_stop_cuts_what_hangs(hole: Hole) -> None:
    kept = Kept()
    source = RedisSource(name="hung", port=hole.port, interval="60s", deadline="60s")
    poller = Poller([source], kept.write, kept.said.append)
    poller._stations["hung"].source = source
    poller.start()
    poller._scheduler.get_job("hung").modify(next_run_time=datetime.now(UTC))
    end = time.monotonic() + 5
    while hole.taken == 0 and time.monotonic() < end:
        time.sleep(0.02)
    begun = time.monotonic()
    poller.stop()
    assert time.monotonic() - begun < 2
    assert kept.polls == []
    assert not poller._running


def test_told_to_stop_what_still_waits_for_a_thread_is_not_begun(hole: Hole) -> None:
    kept = Kept()
    sources = [RedisSource(name=f"hung {n}", port=hole.port, interval="30s") for n in range(MOST_WORKERS + 30)]
    with polling(sources, kept) as poller:
        for source in sources:
            poller._scheduler.get_job(source.name).modify(next_run_time=datetime.now(UTC))
        end = time.monotonic() + 6
        while hole.taken < MOST_WORKERS:
            assert time.monotonic() < end
            time.sleep(0.01)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    time.sleep(0.5)
    assert hole.taken == MOST_WORKERS


class Wall:
    """A wall clock that can be set, and the one that APScheduler sees."""

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self) -> float:
        return time.time() + self.shift

    def now(self, zone: tzinfo | None = None) -> datetime:
        return datetime.fromtimestamp(self(), zone)


@pytest.mark.parametrize("hours", [-1, 1])
def test_polling_goes_on_when_the_clock_is_set(redis: RedisServer, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    wall, kept = Wall(), Kept()
    monkeypatch.setattr(scheduler_module, "datetime", wall)
    with polling([RedisSource(name="cache", port=redis.port, interval="1s")], kept, clock=wall):
        before = len(kept.wait("cache", 2))
        wall.shift = hours * 3600.0
        begun = time.monotonic()
        after = kept.wait("cache", before + 3, within=8)
        took = time.monotonic() - begun
    assert took < 6
    assert max(value(found, "trivet_poll_lag_seconds", tier="fast") for found in after[before:]) <= 1


class Slow(Collector[Source]):
    """Takes its time, and has a tier that is due at every third turn."""

    tiers = {Tier.FAST: 0.0, Tier.MEDIUM: 3.0}

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.asked: list[Tier] = []
        self.trouble: ErrorClass | None = None

    def connect(self, deadline: float) -> None:
        if self.trouble is not None:
            raise Disconnected(self.trouble, "trouble")

    def disconnect(self) -> None:
        """Nothing to close."""

    def read(self, round_: Round, deadline: float) -> None:
        self.asked.append(round_.tier)
        round_.heard()

    def examine(self, deadline: float) -> Capabilities:
        return Capabilities(version="", epochs={})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_tiers_come_when_they_are_due_over_the_one_connection(clock: list[float]) -> None:
    collector = Slow(RedisSource(name="x", interval="1s"))
    station = Station(collector)
    for _ in range(7):
        list(station.run(0.0))
        clock[0] += 1.0
    three = [Tier.FAST, Tier.FAST, Tier.FAST]
    assert collector.asked == [Tier.FAST, Tier.MEDIUM, *three, Tier.MEDIUM, *three, Tier.MEDIUM]


class Minutely(Slow):
    """Has the tiers of a real one."""

    tiers = {Tier.FAST: 0.0, Tier.MEDIUM: 60.0, Tier.SLOW: 3600.0}


@pytest.mark.parametrize(
    ("interval", "moments"), [("10s", [0, 20, 80, 140]), ("60s", [0, 60, 120]), ("25s", [0, 25, 75])]
)
def test_a_newcomer_need_not_wait_two_minutes_for_a_change(
    clock: list[float], interval: str, moments: list[float]
) -> None:
    station = Station(Minutely(RedisSource(name="x", interval=interval)))
    found: dict[Tier, list[float]] = {tier: [] for tier in Tier}
    begun = clock[0]
    while clock[0] - begun < 150:
        for each in station.run(0.0):
            found[each.tier].append(clock[0] - begun)
        clock[0] += station.source.every
    assert found[Tier.MEDIUM][: len(moments)] == moments
    assert found[Tier.SLOW] == [0]


def test_turns_that_did_not_happen_are_counted(clock: list[float]) -> None:
    station = Station(Slow(RedisSource(name="x", interval="1s")))
    list(station.run(0.0))
    clock[0] += 4.1
    (found, *_) = station.run(0.0)
    assert value(found, "trivet_polls_missed_total") == 3


def test_a_source_that_is_down_is_asked_less_and_less_and_is_seen_to_be_down(clock: list[float]) -> None:
    collector = Slow(RedisSource(name="x", interval="1s"))
    collector.trouble = ErrorClass.UNREACHABLE
    station = Station(collector)
    tried = []
    for _ in range(200):
        (found,) = station.run(0.0)
        assert not found.up
        assert value(found, "trivet_source_up") == 0
        tried.append(bool(values(found, "trivet_poll_duration_seconds")))
        clock[0] += 1.0
    assert 6 <= sum(tried) <= 12
    collector.trouble = None
    clock[0] += 80
    (found, *_) = station.run(0.0)
    assert found.up


def test_backoff_doubles_up_to_a_minute_and_is_patient_with_passwords() -> None:
    backoff = Backoff(random.Random(1))
    now = 0.0
    steps = []
    for _ in range(9):
        backoff.failed(ErrorClass.TIMEOUT, now)
        step = next(step for step in range(1, 1000) if not backoff.waits(now + step / 10)) / 10
        steps.append(step)
        now += step
    assert steps[0] <= 1.3
    assert 48 <= steps[-1] <= 72.1
    assert sorted(steps[:6]) == steps[:6]
    backoff.answered()
    assert not backoff.waits(now)
    backoff.failed(ErrorClass.AUTH, now)
    assert backoff.waits(now + 59.9)
    backoff.answered()
    backoff.failed(ErrorClass.NOT_READY, now)
    assert not backoff.waits(now)


def test_sources_are_spread_over_the_interval() -> None:
    places = sorted(spread(f"source {n}") for n in range(100))
    assert places[0] < 0.1
    assert places[-1] > 0.9
    assert max(later - earlier for earlier, later in zip(places, places[1:], strict=False)) < 0.2


def test_a_probe_waits_for_no_source_longer_than_its_deadline(redis: RedisServer, hole: Hole) -> None:
    begun = time.monotonic()
    hung, healthy = probe(
        [
            RedisSource(name="hung", port=hole.port, deadline="500ms"),
            RedisSource(name="cache", port=redis.port),
        ]
    )
    assert time.monotonic() - begun < 1.5
    assert (hung.name, hung.reachable) == ("hung", False)
    assert hung.failure is not None
    assert (healthy.kind, healthy.reachable, healthy.role) == ("redis", True, "master")
    assert healthy.version.startswith(("Redis ", "Valkey "))
    assert [lack.mend for lack in healthy.lacking] == ["maxmemory 2gb"]


def test_a_probe_of_nothing_is_nothing() -> None:
    assert probe([]) == []
