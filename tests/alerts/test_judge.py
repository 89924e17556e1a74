"""Polls and clock in, judgements and changes out: as evaluate() says, over gaps, resets, restarts and silence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.judge import Judge, Now, Pass, Subjects, key_of
from alerts.machine import Phase
from alerts.rule import Rules, rules_of
from metrics import watch
from metrics.alerting import Tuning
from metrics.catalog import Catalog
from metrics.evaluate import evaluate
from metrics.forms import Form, Level, Ratio
from metrics.judge import against
from metrics.model import Kind, Matcher, Metric, Sample, Selector, Unit, labelled
from metrics.points import Points
from metrics.poll import Poll, Tier
from metrics.target import Severity, State, at_least, at_most
from storage.incidents import Incidents
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.tail import Tail

HITS = Metric(name="hits_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="H.", labels=("db",), epoch="run")
MISSES = Metric(name="misses_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="M.", labels=("db",), epoch="run")
WAITING = Metric(name="waiting", kind=Kind.GAUGE, unit=Unit.COUNT, help="W.")
HIT_RATE = Ratio(
    name="hit_rate",
    title="Hit rate",
    help="H.",
    part=[HITS],
    whole=[HITS, MISSES],
    by=("db",),
    target=at_least(0.8, window="1m", hold="30s", recover=0.85, keep="20s", traffic=10),
)
QUEUE = Level(
    name="queue",
    title="Queue",
    help="Q.",
    of=[WAITING],
    alert=at_most(0, hold="0s", keep="0s", severity=Severity.CRITICAL),
)
FORMS: tuple[Form, ...] = (HIT_RATE, QUEUE, watch.source_up)


def rules(*tunings: Tuning) -> Rules:
    layers = {form.name: "trivet" if form.name.startswith("source") else "cache" for form in FORMS}
    return rules_of(Catalog({}, {form.name: form for form in FORMS}, {}, layers, {}), tunings)


@dataclass
class World:
    """A store that is polled and judged by a clock of its own."""

    folder: Path
    wall: float = 1_000_000.0
    clock: float = 0.0
    boot: str = "b"
    counts: dict[str, float] = field(default_factory=lambda: {"hits": 0.0, "misses": 0.0})
    all: list[Pass] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = SeriesStore(self.folder)
        self.incidents = Incidents(self.folder)
        self.start()

    def start(self, back: float = 0.0) -> None:
        self.tail = Tail(self.folder, back)
        if not back:
            self.tail.new()
        self.judge = Judge(rules(), [Subjects(name="cache", kind="cache")], self.incidents.minds())

    def pass_time(self, seconds: float = 10.0) -> None:
        self.wall += seconds
        self.clock += seconds

    def poll(
        self, hits: float = 90, misses: float = 10, waiting: float = 0, *, up: bool = True, judge: bool = True
    ) -> None:
        """Ten seconds later."""
        self.pass_time()
        self.counts = {"hits": self.counts["hits"] + hits, "misses": self.counts["misses"] + misses}
        samples = [
            Sample(watch.UP.name, (), float(up)),
            Sample(watch.POLL_INTERVAL.name, labelled({"tier": "fast"}), 10.0),
        ]
        if up:
            samples += [
                Sample("hits_total", labelled({"db": "0"}), self.counts["hits"]),
                Sample("misses_total", labelled({"db": "0"}), self.counts["misses"]),
                Sample("waiting", (), waiting),
            ]
        epochs = {"run": 1.0} if up else {}
        self.store.append(
            Poll(source="cache", tier=Tier.FAST, at=self.wall, duration=0.0, up=up, epochs=epochs, samples=samples)
        )
        if judge:
            self.look()

    def look(self) -> Pass:
        found = self.judge.look(self.tail.new(), Now(self.wall, self.boot, self.clock))
        self.incidents.record(found.changes, found.minds, found.gone)
        self.all.append(found)
        return found

    def open(self) -> list[str]:
        return sorted(incident.rule for incident in self.incidents.open())

    def close(self) -> None:
        self.store.close()
        self.tail.close()


@pytest.fixture
def world(tmp_path: Path):  # type: ignore[no-untyped-def]  # a generator of World
    made = World(tmp_path)
    yield made
    made.close()


def test_a_miss_that_lasts_opens_an_incident_and_a_good_value_ends_it(world: World) -> None:
    for _ in range(8):
        world.poll()
    assert world.open() == []
    for _ in range(5):
        world.poll(hits=20, misses=80)
    (incident,) = world.incidents.open()
    assert (incident.rule, incident.source, incident.labels, incident.severity) == (
        "hit_rate",
        "cache",
        (("db", "0"),),
        "warning",
    )
    assert incident.value is not None
    assert incident.value < 0.8
    assert incident.fired - incident.began == 30.0
    for _ in range(12):
        world.poll()
    assert world.open() == []
    (ended,) = world.incidents.past(1)
    assert ended.ended_value is not None
    assert ended.ended_value >= 0.85
    assert [alert.new for alert in world.incidents.alerts(ended.id)] == ["firing", "recovering", "ok"]


def test_what_was_judged_is_what_evaluate_says_of_the_same_windows(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(40):
        world.poll(hits=(number * 37) % 100, misses=(number * 17) % 60, waiting=number % 3)
        if number == 20:
            world.counts = {"hits": 0.0, "misses": 0.0}
        if number == 30:
            world.pass_time(25)
    reader, seen = SeriesReader(tmp_path), 0
    for judgement in (each for found in world.all for each in found.judgements if each.rule == "hit_rate"):
        (line,) = evaluate(HIT_RATE, reader.raw, np.array([judgement.judged.at]), 60)
        verdict = against(HIT_RATE, line, reader.raw, HIT_RATE.target, judgement.judged.at)  # type: ignore[arg-type]
        assert (verdict.value, verdict.part, verdict.whole, verdict.state) == (
            judgement.judged.value,
            judgement.judged.part,
            judgement.judged.whole,
            judgement.judged.state,
        )
        seen += 1
    assert seen == 40
    world.close()
    reader.close()


def test_a_source_that_is_not_polled_is_one_alert_and_ends_no_other(world: World) -> None:
    for _ in range(4):
        world.poll()
    for _ in range(3):
        world.poll(waiting=5)
    assert world.open() == ["queue"]
    for _ in range(40):
        world.pass_time(1)
        world.look()
    assert world.open() == ["queue", "source_stale"]
    assert [incident.lost for incident in world.incidents.open() if incident.rule == "queue"] == [True]
    for _ in range(3):
        world.poll(waiting=5)
    assert world.open() == ["queue"]
    assert [incident.lost for incident in world.incidents.open()] == [False]
    assert len(world.incidents.past(10, rule="queue")) == 0
    world.poll()
    world.poll()
    assert world.open() == []


def test_a_source_that_does_not_answer_is_down(world: World) -> None:
    for _ in range(3):
        world.poll()
    for _ in range(6):
        world.poll(up=False)
    assert world.open() == ["source_up"]
    for _ in range(5):
        world.poll()
    assert world.open() == []


def test_a_restart_keeps_everything_and_catches_up_on_what_it_missed(world: World) -> None:
    for _ in range(8):
        world.poll()
    for _ in range(2):
        world.poll(hits=0, misses=100)
    # The judge is away, and its tail with it; polls go on.
    for _ in range(6):
        world.poll(hits=0, misses=100, judge=False)
    world.look()
    assert world.open() == ["hit_rate"]
    first = world.incidents.open()[0]
    assert first.fired < world.wall, "it is of the moment at which the miss had lasted, not of the look"
    world.start()
    world.poll(hits=0, misses=100)
    assert [(each.id, each.fired) for each in world.incidents.open()] == [(first.id, first.fired)]


def test_a_rule_that_is_switched_off_ends_its_incident_without_a_word_of_health(world: World) -> None:
    for _ in range(3):
        world.poll()
    for _ in range(2):
        world.poll(waiting=9)
    assert world.open() == ["queue"]
    off = rules(Tuning(rule="queue", off=True))
    found = world.judge.retune(off, [Subjects(name="cache", kind="cache")], Now(world.wall, "b", world.clock))
    world.incidents.record(found.changes, found.minds, found.gone)
    assert world.open() == []
    (ended,) = world.incidents.past(1)
    assert "switched off" in world.incidents.alerts(ended.id)[-1].reason
    world.poll(waiting=9)
    assert world.open() == []


def test_a_bound_of_ones_own_counts_and_unchanged_rules_keep_their_state(world: World) -> None:
    for _ in range(3):
        world.poll()
    for _ in range(2):
        world.poll(waiting=9)
    before = world.incidents.open()[0]
    tuned = rules(Tuning(rule="hit_rate", bound=0.99, hold="0s"))
    found = world.judge.retune(tuned, [Subjects(name="cache", kind="cache")], Now(world.wall, "b", world.clock))
    assert found.changes == []
    world.poll(waiting=9)
    assert world.open() == ["hit_rate", "queue"]
    assert before in world.incidents.open()


def test_a_metric_that_was_never_seen_is_a_broken_rule(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.judge.retune(rules(), [Subjects(name="cache", kind="cache")], Now(0, "b", 0))
    world.pass_time()
    world.store.append(
        Poll(
            source="cache", tier=Tier.FAST, at=world.wall, duration=0, up=True, samples=[Sample(watch.UP.name, (), 1.0)]
        )
    )
    world.look()
    assert {rule for rule, _, _ in world.judge.broken()} == {"hit_rate", "queue"}
    world.poll()
    assert list(world.judge.broken()) == []
    world.close()


def test_two_subjects_with_empty_labels_are_two_keys() -> None:
    assert len({key_of("r", "a", (("db", ""),)), key_of("r", "b", (("db", ""),)), key_of("r", "a", ())}) == 3
    with pytest.raises(ValueError, match="names"):
        key_of("", "a", ())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 2)),
            st.sampled_from(["down", "gap", "reset", "restart", "clock back", "clock forward"]),
        ),
        min_size=5,
        max_size=60,
    )
)
def test_whatever_happens_an_incident_ends_with_a_good_value_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, steps: Sequence[tuple[int, int, int] | str]
) -> None:
    world = World(tmp_path_factory.mktemp("world"))
    for each in steps:
        if isinstance(each, tuple):
            world.poll(*each)
        elif each == "down":
            world.poll(up=False)
        elif each == "gap":
            for _ in range(5):
                world.pass_time(20)
                world.look()
        elif each == "reset":
            world.counts = {"hits": 0.0, "misses": 0.0}
        elif each == "restart":
            world.tail.close()
            world.start()
        else:
            world.wall += 3600.0 if each == "clock forward" else -3600.0
    for incident in world.incidents.past(1000):
        if incident.rule == "hit_rate":
            assert incident.ended_value is not None
            assert incident.ended_value >= 0.85
        news = [alert.new for alert in world.incidents.alerts(incident.id)]
        assert news[0] == Phase.FIRING
        assert news[-1] == Phase.OK
        assert Phase.OK not in news[:-1]
    judged = [each for found in world.all for each in found.judgements]
    assert all(each.judged.state is not State.MET or each.judged.value is not None for each in judged)
    world.close()


def test_what_is_read_is_of_the_source_alone(world: World) -> None:
    world.poll()
    world.store.append(
        Poll(source="other", tier=Tier.FAST, at=world.wall, duration=0, up=True, samples=[Sample("waiting", (), 99.0)])
    )
    world.look()
    world.poll()
    points: Sequence[Points] = world.judge.recent.read("cache")(
        Selector("waiting", (Matcher("source", "cache"),)), 0, 1e9
    )
    assert [p.source for p in points] == ["cache"]
    assert world.open() == []


def test_a_clock_that_is_set_back_before_a_restart_blinds_nobody(world: World) -> None:
    for _ in range(6):
        world.poll()
    world.wall -= 7200.0
    world.tail.close()
    world.start(back=86_400.0)
    world.look()
    for _ in range(4):
        world.poll(waiting=5)
    assert world.open() == ["queue"]


def test_what_an_earlier_judge_saw_ends_nothing_after_a_reboot(world: World) -> None:
    for _ in range(4):
        world.poll()
    for _ in range(3):
        world.poll(waiting=5)
    assert world.open() == ["queue"]
    world.tail.close()
    world.boot, world.clock = "another", 3.0
    world.start(back=86_400.0)
    world.pass_time()
    world.look()
    assert world.open() == ["queue"]
    assert world.incidents.past(10) == []


def test_a_value_that_did_not_come_ends_nothing(world: World) -> None:
    for good in (True, True, False, False, False):
        world.poll(hits=90 if good else 0, misses=0 if good else 90)
    for _ in range(5):
        world.poll(hits=0, misses=90)
    assert world.open() == ["hit_rate"]
    world.poll(hits=90_000, misses=0)
    for _ in range(30):
        world.poll(up=False)
    assert "hit_rate" in world.open()
