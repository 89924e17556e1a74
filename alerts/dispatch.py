"""Who has to be told what now: what is, against what each channel was told last. Pure.

Nothing is remembered here: after a crash, a silence or an outage the difference is still there, and only it is sent.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from alerts.channel import Channel
from alerts.quiet import covers, lasts, window, within, zone
from alerts.rule import Rules
from metrics.alerting import Alerting
from metrics.duration import seconds
from storage.deliveries import Told
from storage.incidents import Incident
from storage.silences import Silence

BURST = 3
"""Messages that a channel gets within the time of a group before further alerts wait for one another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to write: the numbers of the incidents that it speaks of."""

    channel: str
    kind: str
    firing: tuple[int, ...] = ()
    resolved: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that decides.

    incidents   those that fire, and those whose end some channel was not told
    inhibited   numbers of incidents that another one explains
    tags        by source, its tags: a silence may name them like labels
    lately      by channel, when its last messages were made
    """

    incidents: Sequence[Incident]
    told: Sequence[Told]
    channels: Sequence[Channel]
    rules: Rules
    settings: Alerting
    silences: Sequence[Silence] = ()
    inhibited: Collection[int] = ()
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lately: Mapping[str, Sequence[float]] = field(default_factory=dict)


def plan(now: float, situation: Situation) -> list[Letter]:
    """The messages that are due, at most one for each channel and kind of news."""
    told = {(each.incident, each.channel): each for each in situation.told}
    # A channel that is gone from the config file is told nothing more; when it is back, what it missed.
    there = [channel.name for channel in situation.channels]
    news: dict[str, _News] = defaultdict(_News)
    for incident in situation.incidents:
        if incident.resolved is not None:
            for channel in there:
                if (known := told.get((incident.id, channel))) and known.state == "firing":
                    news[channel].resolved.append(incident.id)
            continue
        if quiet(now, incident, situation):
            continue
        for channel in _route(now, incident, situation):
            known = told.get((incident.id, channel))
            if known is None:
                escalated = channel not in _usual(incident, situation)
                (news[channel].escalated if escalated else news[channel].firing).append(incident.id)
            elif _repeats(now, incident, known, situation.settings):
                news[channel].repeated.append(incident.id)
    return [letter for channel, each in sorted(news.items()) for letter in _letters(now, channel, each, situation)]


@dataclass(frozen=True, slots=True)
class Hush:
    """Why nobody is told of an incident that fires.

    kind     inhibited, silenced or quiet
    silence  the number of the silence, if it is one
    """

    kind: str
    why: str
    silence: int | None = None


def quiet(now: float, incident: Incident, situation: Situation) -> str:
    """Why nobody is told of an incident that fires; empty when somebody is."""
    found = hush(
        now,
        incident,
        inhibited=situation.inhibited,
        silences=situation.silences,
        tags=situation.tags,
        settings=situation.settings,
    )
    return found.why if found else ""


def hush(
    now: float,
    incident: Incident,
    *,
    inhibited: Collection[int],
    silences: Sequence[Silence],
    tags: Mapping[str, Mapping[str, str]],
    settings: Alerting,
) -> Hush | None:
    """The same with its kind; None when somebody is told."""
    if incident.id in inhibited:
        return Hush("inhibited", "another alert explains it")
    labels = {**tags.get(incident.source, {}), **dict(incident.labels)}
    for silence in silences:
        if lasts(silence, now) and covers(silence, incident.rule, incident.source, labels):
            return Hush("silenced", f"silenced: {silence.reason}", silence.id)
    waits = settings.quiet and incident.severity in settings.quiet_severities
    if waits and within(window(settings.quiet), zone(settings.zone), now):
        return Hush("quiet", f"quiet hours {settings.quiet} {settings.zone}")
    return None


@dataclass(slots=True)
class _News:
    firing: list[int] = field(default_factory=list)
    escalated: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    resolved: list[int] = field(default_factory=list)


def _letters(now: float, channel: str, news: _News, situation: Situation) -> list[Letter]:
    # Those of a time that is yet to come were made before the clock was set back.
    group = seconds(situation.settings.group)
    lately = [at for at in situation.lately.get(channel, ()) if 0 <= now - at < group]
    if len(lately) >= BURST:
        return []
    letters = []
    keys = {incident.id: incident.key for incident in situation.incidents}
    if not {keys[number] for number in news.firing}.isdisjoint(keys[number] for number in news.resolved):
        # The same that ended and began anew: in one message nobody could tell which of them came last.
        letters.append(Letter(channel=channel, kind="resolved", resolved=tuple(news.resolved)))
        news.resolved = []
    if news.firing or news.resolved:
        kind = "mixed" if news.firing and news.resolved else "firing" if news.firing else "resolved"
        letters.append(Letter(channel=channel, kind=kind, firing=tuple(news.firing), resolved=tuple(news.resolved)))
    if news.escalated:
        letters.append(Letter(channel=channel, kind="escalation", firing=tuple(news.escalated)))
    if news.repeated:
        letters.append(Letter(channel=channel, kind="repeat", firing=tuple(news.repeated)))
    return letters


def _usual(incident: Incident, situation: Situation) -> list[str]:
    """The channels of an incident, as its rule or its severity has them."""
    rule = situation.rules.rules.get(incident.rule)
    named = situation.rules.channels(rule, incident.source) if rule else None
    names = [channel.name for channel in situation.channels]
    if named is not None:
        return [name for name in named if name in names]
    return [channel.name for channel in situation.channels if channel.takes(incident.severity, incident.source)]


def _route(now: float, incident: Incident, situation: Situation) -> list[str]:
    """The same, with the one that it was escalated to."""
    usual, settings = _usual(incident, situation), situation.settings
    after = seconds(settings.escalate_after)
    there = any(channel.name == settings.escalate_to for channel in situation.channels)
    if after and there and incident.acked is None and now - incident.fired >= after:
        return list(dict.fromkeys([*usual, settings.escalate_to]))
    return usual


def _repeats(now: float, incident: Incident, known: Told, settings: Alerting) -> bool:
    every = seconds(settings.repeat)
    return bool(every) and incident.acked is None and now - known.at >= every
