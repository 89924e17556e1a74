"""What a silence would cover, and which open incidents nobody is told of: for the command and the pages alike. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from alerts.causes import explained
from alerts.dispatch import Hush, hush
from alerts.quiet import QuietError, check, covers, names_all
from metrics.alerting import Alerting
from metrics.config import nearest
from storage.incidents import Incident, Remembered
from storage.silences import Silence

Tags = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Preview:
    """Of what is judged now, and of what fires now, the part that a silence speaks of."""

    subjects: tuple[Remembered, ...]
    incidents: tuple[Incident, ...]


def preview(silence: Silence, minds: Iterable[Remembered], incidents: Iterable[Incident], tags: Tags) -> Preview:
    """What a silence covers, whenever it holds.

    tags   by source: a silence may name them like labels
    """

    def spoken_of(each: Remembered | Incident) -> bool:
        labels = {**tags.get(each.source, {}), **dict(each.labels)}
        return covers(silence, each.rule, each.source, labels)

    return Preview(
        tuple(sorted(filter(spoken_of, minds), key=lambda mind: (mind.source, mind.rule, mind.labels))),
        tuple(filter(spoken_of, incidents)),
    )


def confirmed(silence: Silence, now: float) -> None:
    """Raises QuietError where a silence cannot be, is over already, or covers all without a word that it shall."""
    check(silence)
    if silence.ends <= now:
        raise QuietError("this silence would be over already: expected an end that is yet to come")
    if names_all(silence) and not silence.everything:
        raise QuietError("this covers everything: name a rule, a source or a label, or confirm that it shall")
    if silence.everything and not names_all(silence):
        raise QuietError("everything, or what is named: not both")


def doubts(
    silence: Silence, rules: Collection[str], sources: Collection[str], labels: Mapping[str, Collection[str]]
) -> list[str]:
    """What it names and nobody knows: perhaps not yet, perhaps it is misspelt.

    labels   the values that are known of each

    >>> made = Silence(source="cahce", labels={}, starts=0, ends=9, reason="r", author="a", made=0)
    >>> doubts(made, [], ["cache", "shop"], {})
    ['no source is called "cahce" (did you mean "cache"?)']
    """
    found = []
    for what, pattern, known in (("rule", silence.rule, rules), ("source", silence.source, sources)):
        if pattern and not any(fnmatchcase(name, pattern) for name in known):
            found.append(f'no {what} is called "{pattern}"{nearest(pattern, known)}')
    for label, pattern in silence.labels.items():
        if label not in labels:
            found.append(f'nothing that is judged has a label "{label}"{nearest(label, labels)}')
        elif not any(fnmatchcase(value, pattern) for value in labels[label]):
            found.append(f'no {label} is called "{pattern}"{nearest(pattern, labels[label])}')
    return found


def known_labels(minds: Iterable[Remembered], tags: Tags) -> dict[str, set[str]]:
    """The labels of all that is judged, with those of its sources, and their values."""
    found: dict[str, set[str]] = {}
    for pairs in (*(mind.labels for mind in minds), *(each.items() for each in tags.values())):
        for name, value in pairs:
            found.setdefault(name, set()).add(value)
    return found


def standing(
    now: float,
    incidents: Sequence[Incident],
    silences: Sequence[Silence],
    settings: Alerting,
    *,
    tags: Tags,
    behind: Mapping[str, Sequence[str]],
) -> dict[int, Hush]:
    """By number, the open incidents that nobody is told of now, and why.

    incidents  all that fire: one may explain another
    """
    there = [incident for incident in incidents if incident.resolved is None]
    inhibited = explained(there, behind)
    found = {
        each.id: hush(now, each, inhibited=inhibited, silences=silences, tags=tags, settings=settings) for each in there
    }
    return {number: why for number, why in found.items() if why is not None}
