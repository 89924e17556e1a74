"""Whatever happens in whatever order, each channel hears of an alert: firing, perhaps again, and that it is over.

The real judge, engine, sender and files, with a clock and a config file that chance turns. What ought to come of it is
worked out beside, from the incidents alone.
"""

import os
import re
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from alerts.channel import Channel, ChannelError, Context
from alerts.engine import Engine, Setup
from alerts.facts import Teller
from alerts.judge import Now, Subjects
from alerts.message import Message
from alerts.pulse import Pulse
from alerts.rule import Rules, rules_of
from alerts.sender import Sender, Settings
from metrics import watch
from metrics.alerting import Alerting, Tuning
from metrics.catalog import Catalog
from metrics.forms import Level
from metrics.model import Kind, Metric, Sample, Unit, labelled
from metrics.poll import Poll, Tier
from metrics.target import at_most
from storage.deliveries import Deliveries
from storage.incidents import Incident, Incidents
from storage.series import SeriesStore
from storage.silences import Silence, Silences

EXAMPLES, STEPS = (int(number) for number in os.environ.get("TRIVET_MODEL", "8 30").split())
"""A few in the gate; TRIVET_MODEL="2000 60" for a night."""

START = 1_767_225_600.0 + 12 * 3600
INTERVAL, REPEAT, ESCALATES = 10.0, 600.0, 300.0
QUIET = (18, 20)
WAITING = Metric(name="waiting", kind=Kind.GAUGE, unit=Unit.COUNT, help="W.")
QUEUE = Level(name="queue", title="Queue", help="Q.", of=[WAITING], alert=at_most(0, hold="0s", keep="0s"))
FORMS = (QUEUE, watch.source_up)
TUNINGS = (
    Tuning(rule="queue", source="pooler", severity="critical"),
    Tuning(rule="source_up", hold="0s", keep="0s"),
)
SOURCES = ("cache", "pooler", "store")
BEHIND = {"pooler": ("store",)}
ALERTING = Alerting(
    group="0s", repeat=f"{REPEAT:g}s", quiet="18:00-20:00", escalate_after=f"{ESCALATES:g}s", escalate_to="boss"
)
LOST = ("source_up", "source_stale")
ORDER = re.compile(r"(?:FR*D)*(?:FR*)?")


@dataclass
class Outside:
    """What the receivers have, and whether they take more."""

    down: set[str] = field(default_factory=set)
    heard: dict[str, list[tuple[str, Message]]] = field(default_factory=lambda: defaultdict(list))


class Bell(Channel, frozen=True, kw_only=True, tag="bell"):
    """Rings in this process."""

    outside: ClassVar[Outside] = Outside()

    def send(self, message: Message, context: Context) -> str:
        """Refuse while it is down."""
        if self.name in self.outside.down:
            raise ChannelError("down", retry_after=5.0)
        self.outside.heard[self.name].append((context.delivery, message))
        return "heard"


# None of them gives up: what is given up is another test's.
CHANNELS = {
    "all": Bell(name="all", severities=("info", "warning", "critical"), give_up="2000d"),
    "grave": Bell(name="grave", severities=("critical",), give_up="2000d"),
    "boss": Bell(name="boss", severities=(), give_up="2000d"),
}


def rules() -> Rules:
    layers = {form.name: "trivet" if form.name.startswith("source") else "cache" for form in FORMS}
    return rules_of(Catalog({}, {form.name: form for form in FORMS}, {}, layers, {}), TUNINGS)


class Alerts(RuleBasedStateMachine):
    """One Trivet, and its world."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="trivet-model-"))
        self.wall, self.clock, self.boot = START, 0.0, 1
        self.polls = SeriesStore(self.folder)
        self.judged = SeriesStore(self.folder / "judged")
        self.incidents, self.queue = Incidents(self.folder), Deliveries(self.folder)
        self.silences = Silences(self.folder)
        self.outside = Outside()
        Bell.outside = self.outside
        self.there = dict(CHANNELS)
        self.known: dict[tuple[int, str], tuple[str, float]] = {}
        self.log: dict[tuple[str, str], str] = defaultdict(str)
        self.last: dict[tuple[str, str], str] = {}
        self.open_before: set[int] = set()
        self.seen: set[str] = set()
        self.silent = 0.0
        self.said: list[str] = []
        self.sender: Sender
        self.engine: Engine

    @initialize()
    def begin(self) -> None:
        self.start()

    # What happens.

    @rule(
        now=st.lists(
            st.sampled_from(["met", "met", "missed", "missed", "unknown", "down", "none"]), min_size=3, max_size=3
        ),
        turns=st.integers(1, 3),
    )
    def goes_on(self, now: list[str], turns: int) -> None:
        """Some turns of polls that say the same."""
        for _ in range(turns):
            self.passes(INTERVAL)
            for source, state in zip(SOURCES, now, strict=True):
                self.poll(source, state)
            self.look()

    @rule(seconds=st.sampled_from([40.0, ESCALATES + 1, REPEAT + 1, 5 * 3600.0, 30 * 3600.0]))
    def nobody_polls(self, seconds: float) -> None:
        self.passes(seconds)
        self.look()

    @rule(seconds=st.sampled_from([-7200.0, -3600.0, -61.0, -1.0, 1.0, 61.0, 3600.0, 90_000.0]))
    def clock_is_set(self, seconds: float) -> None:
        self.wall += seconds
        self.look()

    @rule(away=st.sampled_from([0.0, 20.0, 400.0, 3 * 3600.0]), boots=st.booleans())
    def restarts(self, away: float, boots: bool) -> None:
        """Killed between two passes: nothing is said to the next one but what is in the files."""
        self.engine.close()
        self.passes(away)
        if boots:
            self.boot, self.clock = self.boot + 1, 5.0
        self.start()
        self.look()

    @rule(
        source=st.sampled_from(SOURCES), name=st.sampled_from(["queue", "source_*"]), length=st.sampled_from([30, 4000])
    )
    def silenced(self, source: str, name: str, length: int) -> None:
        ends = self.wall + length
        self.silences.add(
            Silence(
                rule=name, source=source, labels={}, starts=self.wall, ends=ends, reason="r", author="a", made=self.wall
            )
        )
        self.look()

    @rule()
    def silences_end(self) -> None:
        for each in self.silences.lasting(self.wall):
            self.silences.end(each.id, self.wall, "a")
        self.look()

    @rule()
    def acknowledged(self) -> None:
        for each in self.incidents.open()[:1]:
            self.incidents.acknowledge(each.id, self.wall, "somebody", "")
        self.look()

    @rule(name=st.sampled_from(sorted(CHANNELS)))
    def config_file_changes(self, name: str) -> None:
        """A channel goes, or comes back."""
        if self.there.pop(name, None) is None:
            self.there = {each: CHANNELS[each] for each in CHANNELS if each in self.there or each == name}
        self.engine.retune(self.setup())
        self.sender = self.sending()
        self.look()

    @rule(name=st.sampled_from(sorted(CHANNELS)))
    def receiver_fails_or_works(self, name: str) -> None:
        self.outside.down ^= {name}
        self.look()

    @precondition(lambda self: self.wall < START + 100 * 86_400)
    @rule(hour=st.integers(0, 23))
    def becomes(self, hour: int) -> None:
        self.passes(3600.0 * ((hour - self.wall // 3600) % 24))
        self.look()

    def teardown(self) -> None:
        """In the end all is well: whoever was told that something fires is told that it is over."""
        try:
            self.heals()
        finally:
            self.engine.close()
            self.polls.close()
            self.judged.close()
            shutil.rmtree(self.folder)

    def heals(self) -> None:
        self.there, self.outside.down = dict(CHANNELS), set()
        self.engine.retune(self.setup())
        self.sender = self.sending()
        self.silences_end()
        self.passes(200_000.0)
        for _ in range(12):
            self.passes(INTERVAL)
            for source in SOURCES:
                self.poll(source, "met")
            self.look()
        assert self.incidents.open() == []
        for (number, channel), (state, _) in self.known.items():
            assert state == "resolved", (number, channel, self.said)
        for said in self.log.values():
            assert said.endswith("D")
        for name in CHANNELS:
            self.passes(2000.0)
            while self.sender.one(name):
                pass
            waiting = [each.id for each in self.queue.newest(10_000, channel=name)][::-1]
            heard = [number for number, _ in self.outside.heard[name]]
            assert heard == waiting, "each once, in order"

    # How it is done.

    def setup(self) -> Setup:
        made = rules()
        return Setup(
            rules=made,
            sources=[Subjects(name=name, kind="cache", interval=INTERVAL) for name in SOURCES],
            channels=list(self.there.values()),
            settings=ALERTING,
            teller=Teller(rules=made, form_value=lambda _, value: f"{value}", form_bound=lambda *_: ""),
            tags={},
            behind=BEHIND,
        )

    def sending(self) -> Sender:
        return Sender(list(self.there.values()), self.queue, Settings(), lambda _: None, lambda: self.wall)

    def start(self) -> None:
        self.sender = self.sending()
        self.engine = Engine(
            self.folder,
            self.judged,
            self.setup(),
            self.said.append,
            pulse=Pulse(self.folder),
            wake=lambda: None,
            clock=lambda: Now(self.wall, f"boot {self.boot}", self.clock),
        )

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.clock += seconds
        self.silent += seconds

    def poll(self, source: str, state: str) -> None:
        self.last[source, "source_up"] = {"down": "missed", "none": "none"}.get(state, "met")
        self.last[source, "queue"] = state
        if state == "none":
            return
        self.silent = 0.0
        samples = [
            Sample(watch.UP.name, (), float(state != "down")),
            Sample(watch.POLL_INTERVAL.name, labelled({"tier": "fast"}), INTERVAL),
        ]
        if state in ("met", "missed"):
            samples.append(Sample("waiting", (), float(state == "missed")))
        up = state != "down"
        self.polls.append(Poll(source=source, tier=Tier.FAST, at=self.wall, duration=0.0, up=up, samples=samples))

    def look(self) -> None:
        """One pass, and one look at each queue; then what came of it is compared."""
        assert self.engine.once(), self.said
        self.opens_and_ends_rightly()
        self.tells_rightly()
        for name in self.there:
            self.sender.one(name)

    def opens_and_ends_rightly(self) -> None:
        """Only a miss begins one, and only a good value ends it; that polls stay away ends when they come."""
        there = {each.id: each for each in self.incidents.open()}
        for number in there.keys() - self.open_before:
            begun = there[number]
            if begun.rule == "trivet_cannot_see":
                assert "met" not in [self.last.get((source, "source_up")) for source in SOURCES] or self.silent >= 19
            elif begun.rule != "source_stale":
                assert self.last[begun.source, begun.rule] == "missed", begun
        for number in self.open_before - there.keys():
            ended = self.incidents.one(number)
            assert ended is not None
            if ended.rule in ("queue", "source_up"):
                assert self.last[ended.source, ended.rule] == "met", ended
        self.open_before = set(there)

    def tells_rightly(self) -> None:
        """What was queued in this pass is what is due, and nothing else."""
        due = self.due()
        told: dict[tuple[str, int], str] = {}
        for each in self.queue.newest(20)[::-1]:
            if each.id in self.seen:
                continue
            self.seen.add(each.id)
            for fact in msgspec.json.decode(each.body, type=Message).facts:
                letter = "D" if fact.state == "resolved" else "R" if each.kind == "repeat" else "F"
                told[each.channel, fact.incident] = letter
                incident = self.incidents.one(fact.incident)
                assert incident is not None
                self.log[each.channel, incident.key] += letter
                self.known[fact.incident, each.channel] = "resolved" if letter == "D" else "firing", self.wall
        assert told == due, (told, due, self.said)
        for said in self.log.values():
            assert ORDER.fullmatch(said), said

    def due(self) -> dict[tuple[str, int], str]:
        """By channel and incident, what is to be said now."""
        found = {}
        there = self.incidents.open()
        for (number, channel), (state, _) in self.known.items():
            if state == "firing" and number not in {each.id for each in there} and channel in self.there:
                found[channel, number] = "D"
        for each in there:
            if self.kept_quiet(each, there):
                continue
            for channel in self.channels_of(each):
                state, at = self.known.get((each.id, channel), ("", 0.0))
                if not state:
                    found[channel, each.id] = "F"
                elif each.acked is None and self.wall - at >= REPEAT:
                    found[channel, each.id] = "R"
        return found

    def channels_of(self, incident: Incident) -> set[str]:
        found = {"all"} | ({"grave"} if incident.severity == "critical" else set())
        if incident.acked is None and self.wall - incident.fired >= ESCALATES:
            found.add("boss")
        return found & self.there.keys()

    def kept_quiet(self, incident: Incident, there: list[Incident]) -> bool:
        if incident.severity == "warning" and QUIET[0] <= self.wall % 86_400 / 3600 < QUIET[1]:
            return True
        for each in self.silences.lasting(self.wall):
            named = incident.rule == each.rule or (each.rule == "source_*" and incident.rule in LOST)
            if each.source == incident.source and named and each.starts <= self.wall:
                return True
        if any(each.rule == "trivet_cannot_see" for each in there):
            return incident.rule != "trivet_cannot_see"
        lost = {each.source for each in there if each.rule in LOST}
        if incident.rule not in LOST and incident.source in lost:
            return True
        if incident.rule == "source_up" and (incident.source, "source_stale") in {(e.source, e.rule) for e in there}:
            return True
        return incident.source == "pooler" and "store" in lost


TestAlerts = Alerts.TestCase
TestAlerts.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck)
)
