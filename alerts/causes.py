"""Which incidents another one explains: of these nobody is told while it lasts."""

from collections.abc import Mapping, Sequence

from alerts.stale import source_stale, trivet_cannot_see
from metrics.watch import source_up
from storage.incidents import Incident

LOST = (source_up.name, source_stale.name)
"""Rules of a source that say that nothing is known of it."""


def explained(incidents: Sequence[Incident], behind: Mapping[str, Sequence[str]]) -> set[int]:
    """Numbers of the incidents of sources that are lost, or that stand on one that is; of all when none can be seen.

    behind   by source, the names of those that it stands on, such as a PgBouncer on its PostgreSQL
    """
    there = {(each.source, each.rule) for each in incidents if each.rule in LOST and each.resolved is None}
    lost = {source for source, _ in there}
    blind = {each.id for each in incidents if each.rule == trivet_cannot_see.name and each.resolved is None}
    if blind:
        return {incident.id for incident in incidents} - blind
    found = set()
    for incident in incidents:
        if incident.source in lost and incident.rule not in LOST:
            found.add(incident.id)
        elif incident.rule == source_up.name and (incident.source, source_stale.name) in there:
            # Both, whichever came first: not polled says more than that the last poll failed.
            found.add(incident.id)
        elif any(base in lost for base in _all(incident.source, behind)):
            found.add(incident.id)
    return found


def _all(source: str, behind: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(behind.get(source, ()))
    while waiting:
        base = waiting.pop()
        if base not in found and base != source:
            found.add(base)
            waiting += behind.get(base, ())
    return found
