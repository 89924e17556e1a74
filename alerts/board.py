"""What pages and commands show of alerts: what fires and why nobody is told of it, what was, and what is on its way."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from alerts import pulse
from alerts.channel import Channel
from alerts.engine import Setup
from alerts.facts import urgency
from alerts.judge import mind_of
from alerts.machine import Mind, Phase
from alerts.message import Fact, Message
from alerts.preview import Preview, preview, standing
from alerts.rule import Rule
from metrics.duration import spoken
from metrics.model import Labels
from metrics.poll import Event, EventKind
from metrics.target import Target
from storage.deliveries import DEAD, Deliveries, Delivery
from storage.incidents import Alert, Incident, Incidents
from storage.silences import Silence, Silences

LATE = 3.0
"""Intervals after which a stage of the process that judges is taken for stuck."""

LEAST = 15.0
"""Seconds below which it is not."""

LATELY = 86_400.0
"""Seconds for which a message that could not be handed over is news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One incident in words.

    fired_value  its value when it fired, as pages write it
    quiet    why nobody is told of it; empty when somebody is
    channels  those that were told that it fires, or that it is over
    """

    incident: Incident
    fact: Fact
    fired_value: str
    quiet: str = ""
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A miss that has not lasted long enough to be an alert."""

    rule: Rule
    source: str
    labels: Labels
    target: Target
    mind: Mind

    @property
    def subject(self) -> str:
        """The source, with what the value speaks of."""
        return " ".join([self.source, *(value for _, value in self.labels if value)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of an incident's history: a change, a message, or what somebody did."""

    at: float
    what: str
    text: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One incident with all that is known of it."""

    firing: Firing
    moments: Sequence[Moment]
    rule: Rule | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A channel as it stands: how many messages wait or were given up."""

    channel: Channel
    waiting: int
    oldest: float | None
    dead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with alerting itself."""

    title: str
    text: str
    hint: str = ""
    grave: bool = True


class Board:
    """Reads state.db and the file of the process that judges; writes what people do."""

    def __init__(self, folder: Path, setup: Setup, clock: Callable[[], float] = time.time) -> None:
        """``setup``: what the config file says."""
        self.folder, self.setup, self.clock = folder, setup, clock
        self.incidents, self.deliveries, self.silences = Incidents(folder), Deliveries(folder), Silences(folder)

    def firing(self) -> list[Firing]:
        """What fires now: the gravest first, the newest first among equals."""
        now, there = self.clock(), self.incidents.open()
        hushed = self._hushed(there, now)
        known: dict[int, list[str]] = {}
        for each in self.deliveries.told():
            if each.state != DEAD:
                known.setdefault(each.incident, []).append(each.channel)
        found = [
            Firing(
                incident=incident,
                fact=(fact := self.setup.teller.short(incident, "firing")),
                fired_value=fact.value,
                quiet=hushed.get(incident.id, ""),
                channels=tuple(sorted(known.get(incident.id, ()))),
            )
            for incident in there
        ]
        return sorted(found, key=lambda each: (urgency(each.incident.severity), -each.incident.fired))

    def pending(self) -> list[Pending]:
        """What is missed and has not lasted long enough, the longest first."""
        found = []
        for each in self.incidents.minds():
            rule = self.setup.rules.rules.get(each.rule)
            target = self.setup.rules.target(rule, each.source) if rule else None
            if each.phase == Phase.PENDING and rule and target:
                mind = mind_of(each.body)
                found.append(Pending(rule=rule, source=each.source, labels=each.labels, target=target, mind=mind))
        return sorted(found, key=lambda each: each.mind.began)

    def broken(self) -> list[tuple[str, str, str]]:
        """Rules that cannot be judged: title, source, why."""
        given = pulse.read(self.folder).get("broken")
        rows = given if isinstance(given, list) else []
        return [
            (self._title(str(row[0])), str(row[1]), str(row[2]))
            for row in rows
            if isinstance(row, list) and len(row) == 3
        ]

    def past(self, limit: int, before: int = 0, source: str = "", rule: str = "") -> list[Firing]:
        """What is over, the newest first."""
        return [
            Firing(
                incident=incident,
                fact=self.setup.teller.short(incident, "resolved"),
                fired_value=self.setup.teller.short(incident, "firing").value,
            )
            for incident in self.incidents.past(limit, before, source, rule)
        ]

    def whole(self, number: int) -> Whole | None:
        """One incident; None when there is none of that number."""
        incident = self.incidents.one(number)
        if incident is None:
            return None
        now, lasts = self.clock(), incident.resolved is None
        fact = self.setup.teller.whole(incident, "firing" if lasts else "resolved")
        hushed = self._hushed(self.incidents.open(), now) if lasts else {}
        firing = Firing(
            incident=incident,
            fact=fact,
            fired_value=self.setup.teller.short(incident, "firing").value,
            quiet=hushed.get(number, ""),
            channels=tuple(sorted(each.channel for each in self.deliveries.told_of(number) if each.state != DEAD)),
        )
        moments = [
            *map(_change, self.incidents.alerts(number)),
            *map(_message, self.deliveries.of_incident(number)),
            *_ack(incident),
        ]
        rule = self.setup.rules.rules.get(incident.rule)
        return Whole(firing=firing, moments=sorted(moments, key=lambda each: each.at), rule=rule)

    def posts(self) -> list[Post]:
        """Every channel of the config file."""
        counts = self.deliveries.waiting()
        return [_post(channel, counts) for channel in self.setup.channels]

    def dead(self) -> int:
        """Messages that were given up lately."""
        since = self.clock() - LATELY
        return sum(each.made > since for each in self.deliveries.newest(100, state=DEAD))

    def covered(self, silence: Silence) -> Preview:
        """What a silence would keep quiet now."""
        return preview(silence, self.incidents.minds(), self.incidents.open(), self.setup.tags)

    def test(self, channel: str) -> str:
        """Queue a test for a channel; the message's number."""
        now = self.clock()
        message = Message(kind="test", at=now, note="This is a test of this channel: no alert.")
        body = msgspec.json.encode(message).decode()
        return self.deliveries.queue(channel, "test", body, now)

    def troubles(self, longest: float) -> list[Trouble]:
        """What is wrong with the process that judges; of one that never ran, nothing.

        longest  seconds between two polls of the slowest source
        """
        said = pulse.read(self.folder)
        if not said:
            return []
        found = list(_stuck(said, self.clock(), max(LEAST, LATE * longest)))
        if trouble := said.get("trouble"):
            found.append(Trouble(title="Alerting has trouble of its own.", text=f"{trouble}."))
        if problem := said.get("config"):
            title = "Alerting does not use the newest config file, which has a mistake."
            found.append(Trouble(title=title, text=str(problem), hint="trivet check", grave=False))
        return found

    def stages(self) -> dict[str, float]:
        """When each stage of the process that judges was last through, in seconds of the epoch."""
        return _stages(pulse.read(self.folder))

    def config_problem(self) -> bool:
        """Whether that process uses an older config file than the newest."""
        return bool(pulse.read(self.folder).get("config"))

    def runs(self) -> bool:
        """Whether a process that judges was ever there."""
        return bool(pulse.read(self.folder))

    def events(self, start: float, end: float) -> list[Event]:
        """Incidents of a span as events that last: charts draw them."""
        return [
            Event(
                EventKind.ALERT,
                each.began,
                f"Alert: {each.source} {self._title(each.rule).lower()}",
                each.source,
                self.clock() if each.resolved is None else each.resolved,
            )
            for each in self.incidents.touching(start, end)
        ]

    def _title(self, rule: str) -> str:
        known = self.setup.rules.rules.get(rule)
        return known.title if known else rule

    def _hushed(self, there: Sequence[Incident], now: float) -> dict[int, str]:
        """By number, why nobody is told of those of whom nobody is."""
        setup = self.setup
        silences = self.silences.lasting(now)
        found = standing(now, there, silences, setup.settings, tags=setup.tags, behind=setup.behind)
        return {number: hush.why for number, hush in found.items()}


def _stuck(said: Mapping[str, object], now: float, late: float) -> Iterator[Trouble]:
    stages = _stages(said)
    judged = stages.get("dispatched", 0.0)
    if now - judged > late:
        yield Trouble(
            title="Nobody is told of alerts:",
            text=f"nothing has been judged for {spoken(now - judged)}.",
            hint="trivet alert",
        )
    elif now - stages.get("sender", judged) > late:
        yield Trouble(
            title="Messages are not sent:", text="a channel's worker hangs. The log of trivet alert says more."
        )


def _stages(said: Mapping[str, object]) -> dict[str, float]:
    given = said.get("stages")
    known = given.items() if isinstance(given, dict) else ()
    return {str(name): float(at) for name, at in known if isinstance(at, int | float)}


def _change(alert: Alert) -> Moment:
    names = {"firing": "Fires", "recovering": "Is well again, for now", "ok": "Resolved", "pending": "Missed"}
    what = "Data lost: nothing is known of it" if alert.lost else names.get(alert.new, alert.new)
    more = "measured by the wall clock, over a restart of the machine" if alert.by_wall else ""
    return Moment(at=alert.at, what=what, text="; ".join(filter(None, [alert.reason, more])), bad=alert.new == "firing")


def _message(delivery: Delivery) -> Moment:
    words = {"queued": "waits to be sent to", "sending": "is being sent to", "sent": "was sent to"}
    what = f"{delivery.kind.capitalize()} {words.get(delivery.state, 'could not be handed to')} {delivery.channel}"
    text = delivery.answer if delivery.state == "sent" else delivery.error
    tries = f"{delivery.tries} tries" if delivery.tries > 1 else ""
    return Moment(
        at=delivery.sent or delivery.made,
        what=what,
        text="; ".join(filter(None, [text, tries])),
        bad=delivery.state == DEAD,
    )


def _ack(incident: Incident) -> Iterator[Moment]:
    if incident.acked is not None:
        yield Moment(at=incident.acked, what=f"Acknowledged by {incident.acked_by}", text=incident.ack_note)


def _post(channel: Channel, counts: Mapping[tuple[str, str], tuple[int, float]]) -> Post:
    queued, sending = (counts.get((channel.name, state)) for state in ("queued", "sending"))
    there = [each for each in (queued, sending) if each]
    return Post(
        channel=channel,
        waiting=sum(count for count, _ in there),
        oldest=min((made for _, made in there), default=None),
        dead=counts.get((channel.name, DEAD), (0, 0.0))[0],
    )
