"""When all sources are lost at once, that is said once and nothing else; when only some are, they are told of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.causes import explained
from alerts.judge import Judge, Now, Subjects
from alerts.sight import Sight
from alerts.stale import trivet_cannot_see
from metrics import watch
from metrics.alerting import Tuning
from metrics.model import Sample, labelled
from metrics.poll import Poll, Tier
from storage.incidents import Incidents
from storage.series import SeriesStore
from storage.tail import Tail
from tests.alerts.test_judge import rules

SOURCES = ("a", "b", "c")
CANNOT_SEE = trivet_cannot_see.name


class World:
    """Three sources that are polled every ten seconds, three seconds apart, and judged every second."""

    def __init__(self, folder: Path, *tunings: Tuning) -> None:
        self.store, self.tail, self.incidents = SeriesStore(folder), Tail(folder), Incidents(folder)
        self.tail.new()
        self.second = 0
        self.told: set[str] = set()
        self.judge = Judge(rules(*tunings), self.subjects(), self.incidents.minds())

    def subjects(self) -> list[Subjects]:
        return [Subjects(name=name, kind="cache", interval=10.0) for name in SOURCES]

    def go_on(self, seconds: int, up: str = "abc", down: str = "") -> None:
        for _ in range(seconds):
            self.second += 1
            for place, name in enumerate(SOURCES):
                if self.second % 10 == 3 * place and name in up + down:
                    self.poll(name, up=name in up)
            found = self.judge.look(self.tail.new(), Now(1e6 + self.second, "b", float(self.second)))
            self.incidents.record(found.changes, found.minds, found.gone)
            if found.changes:
                there = self.incidents.open()
                hidden = explained(there, {})
                self.told |= {f"{each.rule} {each.source}" for each in there if each.id not in hidden}

    def poll(self, name: str, *, up: bool) -> None:
        samples = [
            Sample(watch.UP.name, (), float(up)),
            Sample(watch.POLL_INTERVAL.name, labelled({"tier": "fast"}), 10.0),
        ]
        self.store.append(Poll(source=name, tier=Tier.FAST, at=1e6 + self.second, duration=0.0, up=up, samples=samples))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.tail.close()
    made.store.close()


@pytest.mark.parametrize("down", ["", "abc"], ids=["no polls", "polls that fail"])
def test_all_that_is_lost_at_once_is_one_alert(world: World, down: str) -> None:
    world.go_on(60)
    assert world.told == set()
    world.go_on(150, up="", down=down)
    assert world.told == {f"{CANNOT_SEE} trivet"}
    assert len(world.incidents.open()) == 4, "they are known, and explained"
    world.go_on(110)
    assert world.incidents.open() == []
    assert world.told == {f"{CANNOT_SEE} trivet"}, "also while they come back one by one"


def test_what_stays_away_when_the_others_are_back_is_told(world: World) -> None:
    world.go_on(60)
    world.go_on(120, up="", down="abc")
    world.go_on(120, up="ab", down="c")
    assert [each.rule for each in world.incidents.open()] == ["source_up"]
    assert world.told == {f"{CANNOT_SEE} trivet", "source_up c"}


def test_when_only_some_are_lost_they_are_told(world: World) -> None:
    world.go_on(60)
    world.go_on(100, up="c", down="a")
    assert world.told == {"source_up a", "source_stale b"}


def test_one_that_was_lost_before_is_no_matter_and_the_last_one_is_told_itself(world: World) -> None:
    world.go_on(60)
    world.go_on(100, up="bc")
    world.go_on(100, up="c")
    world.go_on(100, up="")
    assert world.told == {"source_stale a", "source_stale b", "source_stale c"}
    world.go_on(100)
    world.go_on(100, up="bc")
    world.told.clear()
    world.go_on(100, up="")
    assert world.told == {f"{CANNOT_SEE} trivet"}


def test_nobody_who_ever_answered_is_said_once_too(world: World) -> None:
    world.go_on(60, up="")
    assert world.told == {f"{CANNOT_SEE} trivet"}


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    world = World(tmp_path, Tuning(rule=CANNOT_SEE, off=True))
    world.go_on(60)
    world.go_on(100, up="")
    assert world.told == {f"source_stale {name}" for name in SOURCES}
    world.tail.close()
    world.store.close()


def test_a_restart_while_nothing_can_be_seen_says_nothing_anew(world: World) -> None:
    world.go_on(60)
    world.go_on(100, up="")
    (number,) = {each.id for each in world.incidents.open() if each.rule == CANNOT_SEE}
    world.judge = Judge(rules(), world.subjects(), world.incidents.minds())
    world.go_on(100, up="")
    assert {each.id for each in world.incidents.open() if each.rule == CANNOT_SEE} == {number}
    assert world.told == {f"{CANNOT_SEE} trivet"}


def test_one_source_alone_and_slow_ones_say_nothing_of_sight() -> None:
    alone = Sight({"a": 10.0})
    assert alone.seen(0.0) == alone.seen(1000.0) == 1
    mixed = Sight({"a": 10.0, "b": 10.0, "slow": 300.0})
    assert mixed.interval == 10.0
    mixed.seen(0.0)
    assert mixed.seen(20.0) == 0, "the slow one is not waited for"
