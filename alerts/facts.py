"""Incidents as messages say them: the page's own numbers, the worst offenders of that window, and what coincided."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import numpy as np
from msgspec import structs

from alerts.dispatch import Letter
from alerts.message import Fact, Message
from alerts.rule import Rule, Rules
from metrics.duration import spoken
from metrics.evaluate import evaluate
from metrics.forms import AnyForm, Form
from metrics.model import SOURCE, Labels, Matcher, Selector
from metrics.points import Points, Read
from metrics.poll import Event
from metrics.target import Target
from storage.incidents import Incident

MOST_FACTS = 30
"""Incidents that a message holds in full; of more the worst are here, and all are counted."""

WORST = 3
SHOWN = 120
BEFORE = 900.0
"""Seconds before an alert in which what happened may have brought it about."""

MOST_BESIDE = 4
ORDER = ("critical", "warning", "info")

Format = Callable[[Form, float | None], str]
FormatBound = Callable[[Form, Target], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Knows where to look.

    form_value, form_bound  the page's own way to write a value and a bound
    read     raw values of the store, for offenders; None where there are none to be had
    events   what happened in a span
    forms    all forms by name
    text     what a label's value stands for, such as the text of a statement
    """

    rules: Rules
    form_value: Format
    form_bound: FormatBound
    forms: Mapping[str, Form] = field(default_factory=dict)
    read: Read | None = None
    events: Callable[[float, float], Sequence[Event]] | None = None
    text: Callable[[str, str, str], str] = lambda source, label, value: value

    def message(self, letter: Letter, incidents: Mapping[int, Incident], now: float) -> Message:
        """What a letter says."""
        firing = sorted(
            (incidents[number] for number in letter.firing), key=lambda each: (urgency(each.severity), each.fired)
        )
        resolved = [incidents[number] for number in letter.resolved]
        state = "repeat" if letter.kind == "repeat" else "firing"
        facts = [self.fact(each, state) for each in firing[:MOST_FACTS]]
        facts += [self.fact(each, "resolved") for each in resolved[: MOST_FACTS - len(facts)]]
        return Message(kind=letter.kind, at=now, facts=tuple(facts), firing=len(firing), resolved=len(resolved))

    def fact(self, incident: Incident, state: str) -> Fact:
        """One incident in words, with its worst offenders and what coincided."""
        short, rule = self.short(incident, state), self.rules.rules.get(incident.rule)
        target = self._target(incident, rule)
        worst = () if state == "resolved" or rule is None or target is None else self._worst(rule, incident, target)
        return structs.replace(
            short, worst=tuple(worst), beside=() if state == "resolved" else tuple(self._beside(incident))
        )

    def whole(self, incident: Incident, state: str) -> Fact:
        """The same, also of one that is over: for those who look at what it was."""
        firing = self.fact(incident, "firing")
        return structs.replace(self.short(incident, state), worst=firing.worst, beside=firing.beside)

    def short(self, incident: Incident, state: str) -> Fact:
        """One incident in words that need no look at the store's values."""
        rule = self.rules.rules.get(incident.rule)
        resolved = state == "resolved"
        value = incident.ended_value if resolved else incident.value
        target = self._target(incident, rule)
        ends = incident.resolved if resolved else None
        return Fact(
            incident=incident.id,
            state="lost" if incident.lost and not resolved else state,
            severity=incident.severity,
            rule=incident.rule,
            title=rule.title if rule else incident.rule,
            source=incident.source,
            subject=self._subject(incident),
            value=self.form_value(rule.form, value) if rule else f"{value}",
            bound=self.form_bound(rule.form, target) if rule and target else f"{incident.bound}",
            since=incident.began,
            lasted=None if ends is None else max(0.0, ends - incident.began),
            window=target.window if target else 0.0,
            meaning=rule.form.help if rule else "",
            advice=rule.form.advice if rule else "",
            reason=incident.reason,
            labels=dict(incident.labels),
            path=f"/alerts/{incident.id}",
            silence_path=f"/alerts/silences?{urlencode({'rule': incident.rule, 'source': incident.source})}",
            flapping=incident.flapping,
        )

    def _target(self, incident: Incident, rule: Rule | None) -> Target | None:
        """As it stood when the incident began."""
        target = self.rules.target(rule, incident.source) if rule else None
        return target.at(incident.bound) if target and incident.bound is not None else target

    def _subject(self, incident: Incident) -> str:
        values = [self.text(incident.source, name, value) for name, value in incident.labels if value]
        return " ".join([incident.source, *values])[:SHOWN]

    def _worst(self, rule: Rule, incident: Incident, target: Target) -> list[str]:
        """The first of each form that the rule names, over the window in which it fired."""
        if self.read is None:
            return []
        found = []
        for name in rule.form.worst:
            form = self.forms.get(name)
            if form is not None:
                found += self._first(form, incident, target)
        return found[: 2 * WORST]

    def _first(self, form: Form, incident: Incident, target: Target) -> list[str]:
        read = _of(self.read, incident.source) if self.read else None
        if read is None:
            return []
        window = max(target.window, 120.0)
        lines = evaluate(_any(form), read, np.array([incident.fired]), window)
        fits = [line for line in lines if _agree(line.subject.labels, incident.labels)]
        known = [line for line in fits if not np.isnan(line.values[-1]) and line.values[-1] > 0]
        known.sort(key=lambda line: -float(line.values[-1]))
        return [
            f"{self._named(incident.source, line.subject.labels)}: {form.title.lower()} "
            f"{self.form_value(form, float(line.values[-1]))}"
            for line in known[:WORST]
        ]

    def _named(self, source: str, labels: Labels) -> str:
        return " ".join(self.text(source, name, value) for name, value in labels if value)[:SHOWN]

    def _beside(self, incident: Incident) -> list[str]:
        if self.events is None:
            return []
        start = min(incident.began, incident.fired) - BEFORE
        found = [event for event in self.events(start, incident.fired) if event.source in ("", incident.source)]
        near = sorted(found, key=lambda event: abs(incident.began - event.at))[:MOST_BESIDE]
        return [f"{event.kind} {_when(incident.began - event.at)}: {event.text[:SHOWN]}" for event in near]


def _when(before: float) -> str:
    """How long before, or after.

    >>> _when(120.0), _when(-5.0)
    ('2 min before', '5 s after')
    """
    return f"{spoken(before)} before" if before >= 0 else f"{spoken(-before)} after"


def urgency(severity: str) -> int:
    """The gravest first.

    >>> urgency("critical"), urgency("info"), urgency("what nobody knows")
    (0, 2, 3)
    """
    return ORDER.index(severity) if severity in ORDER else len(ORDER)


def _agree(one: Labels, other: Labels) -> bool:
    theirs = dict(other)
    return all(theirs.get(name, value) == value for name, value in one)


def _of(read: Read, source: str) -> Read:
    def ask(selector: Selector, start: float, end: float) -> Sequence[Points]:
        return read(selector.narrowed(Matcher(SOURCE, source)), start, end)

    return ask


def _any(form: Form) -> AnyForm:
    return form  # type: ignore[return-value]  # every Form that is declared is one of the five
