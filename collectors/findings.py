"""What one collector has found, and since when: so that it is said once."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from metrics.finding import FINDINGS, Finding, packed
from metrics.poll import Record, Tier

MOST = 50
"""Findings of one tier that are kept: what is odd in thousands of places is odd in one way."""

LINGER = 600.0
"""Seconds that a finding stays which may come and go from poll to poll."""


@dataclass(slots=True)
class _Held:
    finding: Finding
    until: float


class Findings:
    """Of one source, by tier."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing was found yet."""
        self._clock = clock
        self._held: dict[Tier, dict[str, _Held]] = {}
        self._told: dict[Tier, str] = {}

    def settle(
        self, tier: Tier, found: Collection[tuple[Finding, float]], unasked: Callable[[str], bool]
    ) -> list[Record]:
        """What a whole round found, each with the seconds that it lingers: the record to keep when it is another.

        unasked  whether a statement was not asked in this round, or failed
        """
        now, held = self._clock(), self._held.setdefault(tier, {})
        if not held and not found and not self._told.get(tier):
            return []
        new = {finding.key: _Held(finding, now + linger) for finding, linger in found}
        for key, old in held.items():
            if key in new:
                new[key].finding = replace(new[key].finding, since=old.finding.since)
            elif old.until > now or (old.finding.statement and unasked(old.finding.statement)):
                new[key] = old
        for each in new.values():
            each.finding = replace(each.finding, since=each.finding.since or time.time())
        self._held[tier] = dict(sorted(new.items(), key=_order)[:MOST])
        body = packed(self.of(tier))
        if self._told.get(tier, "") == body:
            return []
        self._told[tier] = body
        return [Record(FINDINGS, str(tier), body)]

    def of(self, tier: Tier) -> list[Finding]:
        """Those of one tier that hold."""
        return [held.finding for held in self._held.get(tier, {}).values()]

    def all(self) -> list[Finding]:
        """Those that hold; one that several tiers have, once."""
        return list({finding.key: finding for tier in self._held for finding in self.of(tier)}.values())


def _order(item: tuple[str, _Held]) -> tuple[bool, str]:
    """Of very many, those of single metrics come last."""
    key, held = item
    return bool(held.finding.metric), key
