"""Events: taken from people, and drawn so that many of them stay legible.

EventError   what was given is no event; the text says what would be one
"""

from collections.abc import Collection, Sequence

from dashboards.span import LONGEST
from metrics.config import nearest
from metrics.further import changes
from metrics.poll import Event, EventKind

MOST_TEXT = 500
MARK_TEXT = 60
APART = 1 / 90
"""Moments closer than this share of a chart's length are one mark: two lines there would be one to the eye."""
MOST_MARKS = 40

_MANY = {
    EventKind.DEPLOY: "deploys",
    EventKind.CONFIG: "config changes",
    EventKind.DDL: "DDL changes",
    EventKind.RESTART: "restarts",
    EventKind.FAILOVER: "failovers",
    EventKind.RESET: "resets",
    EventKind.LOAD_TEST: "load tests",
    EventKind.ALERT: "alerts",
}
TOLD = [kind for kind in EventKind if kind is not EventKind.ALERT]
"""Kinds that people and programs may tell of: alerts are Trivet's own."""

TITLES = {
    EventKind.DEPLOY: "Deploy",
    EventKind.CONFIG: "Config change",
    EventKind.DDL: "DDL",
    EventKind.RESTART: "Restart",
    EventKind.FAILOVER: "Failover",
    EventKind.RESET: "Reset",
    EventKind.LOAD_TEST: "Load test",
    EventKind.ALERT: "Alert",
}


class EventError(ValueError):
    """No event."""


def kind_of(text: str) -> EventKind:
    """A kind by its name, a dash as good as an underscore.

    >>> kind_of("load-test")
    <EventKind.LOAD_TEST: 'load_test'>
    >>> kind_of("deployment")
    Traceback (most recent call last):
    dashboards.events.EventError: "deployment" is no kind of event: write deploy, config, ddl, restart, failover, \
reset, load_test (did you mean "deploy"?)
    """
    name = text.strip().lower().replace("-", "_")
    if name in {str(kind) for kind in TOLD}:
        return EventKind(name)
    raise EventError(f'"{text[:40]}" is no kind of event: write {", ".join(TOLD)}{nearest(name, TOLD)}')


def told(
    text: str,
    kind: str,
    at: float,
    now: float,
    *,
    until: float | None = None,
    source: str = "",
    sources: Collection[str] = (),
) -> Event:
    """An event that a person or a program tells. Raises EventError.

    sources  names that it may speak of; "" speaks of all
    """
    said = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not said:
        raise EventError('say what happened, such as "deployed v42"')
    if len(said) > MOST_TEXT:
        raise EventError(f"the text has {len(said)} characters: at most {MOST_TEXT}")
    if source and source not in sources:
        names = ", ".join(sources) or "none is configured"
        raise EventError(f'"{source[:40]}" is no source: {names}{nearest(source, sources)}')
    if not now - LONGEST <= at <= now + LONGEST:
        raise EventError("its time is more than 400 d from now")
    if until is not None and not at <= until <= now + LONGEST:
        raise EventError("it ends before it begins, or more than 400 d from now")
    return Event(kind_of(kind), at, said, source, until)


def marks(events: Sequence[Event], length: float) -> list[Event]:
    """What a chart of so many seconds shows: spans as they are, moments that touch each other as one.

    >>> moments = [Event(EventKind.CONFIG, 100.0 + i / 100, f"work_mem {i}") for i in range(200)]
    >>> [mark.text for mark in marks([*moments, Event(EventKind.DEPLOY, 900.0, "v42")], 3600.0)]
    ['200 config changes', 'v42']
    """
    spans = [event for event in events if event.until is not None][-MOST_MARKS:]
    moments = sorted((event for event in events if event.until is None), key=lambda event: event.at)
    apart = length * APART
    groups = _groups(moments, apart)
    while len(groups) > MOST_MARKS:
        apart *= 1.5
        groups = _groups(moments, apart)
    return sorted([*spans, *map(_one, groups)], key=lambda event: event.at)


def _groups(moments: Sequence[Event], apart: float) -> list[list[Event]]:
    groups: list[list[Event]] = []
    for event in moments:
        if groups and event.at - groups[-1][0].at <= apart:
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def _one(group: Sequence[Event]) -> Event:
    first = group[0]
    if len(group) == 1:
        return first
    kinds = {event.kind for event in group}
    what = _MANY[first.kind] if len(kinds) == 1 else "events"
    return Event(first.kind, first.at, f"{sum(map(_weight, group)):,} {what}")


def _weight(event: Event) -> int:
    """How many changes an event speaks of; a person's text is one, whatever it says."""
    return changes(event.text) if event.kind is EventKind.DDL else 1
