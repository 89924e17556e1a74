"""One source while it is polled: its collector, its backoff, and what is reported of the polls themselves."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from collectors.backoff import Backoff
from collectors.collector import AnyCollector
from collectors.pace import Pace
from collectors.round import described
from collectors.sieve import REASONS
from collectors.source import Source
from metrics import watch
from metrics.finding import FINDINGS
from metrics.model import Sample, labelled
from metrics.poll import ErrorClass, Failure, Poll, Record, Tier
from metrics.samples import Keys, Samples

LEAST_TIME = 0.05
"""Seconds below which a tier is not begun: its poll would only be cut."""

SOON = 20.0
"""Seconds after its first poll at which the tier of the minute is polled again: a change needs two samples."""

ERROR = "error"
LAST = "last"
"""Kind and key of the record that holds the last failure of a source; an empty body: it works again."""


class Station:
    """Runs the tiers that are due over the source's one connection, one after the other. One thread at a time."""

    def __init__(self, collector: AnyCollector) -> None:
        """Nothing was polled yet."""
        self.collector = collector
        self.source: Source = collector.source
        self.missed = 0
        self.told = ""
        self.pace_told = ""
        self.found_told: frozenset[str] = frozenset()
        self.failure: Failure | None = None
        self._settled: set[Tier] = set()
        self._backoff = Backoff()
        self._errors = dict.fromkeys(ErrorClass, 0)
        self._begun: float | None = None
        self._done: dict[Tier, float] = {}
        self._answers = dict.fromkeys(Tier, 0)
        self._paces = {tier: Pace(max(least, self.source.every)) for tier, least in collector.tiers.items()}

    def run(self, lag: float) -> Iterator[Poll]:
        """The polls of one turn, each as soon as it is there. ``lag``: seconds that the turn began too late."""
        now = time.monotonic()
        self._count_missed(now)
        if self.failure is not None and self._backoff.waits(now):
            yield self._waiting(self.failure)
            return
        deadline = now + self.source.limit
        for tier in self.collector.tiers:
            begun = time.monotonic()
            if self._due(tier, begun) and deadline - begun > LEAST_TIME:
                self._done[tier] = begun
                poll = self.collector.poll(tier, deadline)
                if poll.up:
                    self._answers[tier] += 1
                    self._paces[tier].took(poll.duration)
                yield self._with_own(poll, lag + begun - now)
                if poll.error is not None:
                    return

    def one(self, tier: Tier, patience: float) -> Poll:
        """One poll of one tier, whatever is due, in so many seconds at most."""
        poll = self.collector.poll(tier, time.monotonic() + patience)
        return self._with_own(poll, 0.0)

    def _count_missed(self, now: float) -> None:
        # By the monotonic clock: whatever the reason, a turn that did not happen is missed.
        if self._begun is not None:
            self.missed += max(0, round((now - self._begun) / self.source.every) - 1)
        self._begun = now

    def _due(self, tier: Tier, now: float) -> bool:
        if tier not in self._done:
            return True
        every = self._paces[tier].every
        if tier is Tier.MEDIUM and self._answers[tier] < 2:
            every = min(every, max(SOON, self.source.every))
        # Half an interval early is nearer than half an interval late.
        return now - self._done[tier] >= every - self.source.every / 2

    def paces(self) -> str:
        """Which tiers are polled more seldom than asked for, as a line; empty when none is."""
        slow = [f"{tier} every {pace.every:g} s" for tier, pace in self._paces.items() if pace.slowed]
        return f"a poll takes over a twentieth of its interval: {', '.join(slow)} now" if slow else ""

    def _waiting(self, failure: Failure) -> Poll:
        return Poll(
            source=self.source.name,
            tier=Tier.FAST,
            at=time.time(),
            duration=0.0,
            up=False,
            error=failure,
            samples=(Sample(watch.UP.name, (), 0.0), Sample(watch.POLLS_MISSED.name, (), float(self.missed))),
        )

    def _with_own(self, poll: Poll, lag: float) -> Poll:
        for failure in [*filter(None, [poll.error]), *poll.partial.values()]:
            self._errors[failure.kind] += 1
        own = [poll.duration, lag, self._paces[poll.tier].every, poll.left_out]
        if poll.tier is Tier.FAST:
            own += [poll.up, self.missed, *self._errors.values()]
            own += [self.collector.sieve.refused[reason] for reason in REASONS]
        samples = Samples(poll.samples)
        samples.put(_own(poll.tier), map(float, own))
        records = [*self._forget(poll), *poll.records, *self._remember(poll.error, poll.tier)]
        return replace(poll, samples=samples, records=records)

    def _forget(self, poll: Poll) -> list[Record]:
        """What the collector before this one found is of the past: with the first answer it is gone."""
        if not poll.up or poll.tier in self._settled:
            return []
        self._settled.add(poll.tier)
        has = any(record.kind == FINDINGS for record in poll.records)
        return [] if has else [Record(FINDINGS, str(poll.tier), "")]

    def _remember(self, failure: Failure | None, tier: Tier) -> list[Record]:
        before = self.failure
        if failure is not None:
            self.failure = failure
            self._backoff.failed(failure.kind, time.monotonic())
            return [Record(ERROR, LAST, described(failure))]
        if tier is not Tier.FAST or before is None:
            return []
        self.failure = None
        self._backoff.answered()
        return [Record(ERROR, LAST, "")]


@cache
def _own(tier: Tier) -> Keys:
    """What is reported of each poll, in this order."""
    of_tier = [watch.POLL_SECONDS, watch.POLL_LAG, watch.POLL_INTERVAL, watch.SERIES_LEFT_OUT]
    named = [(metric, labelled({"tier": str(tier)})) for metric in of_tier]
    if tier is Tier.FAST:
        named += [(watch.UP, ()), (watch.POLLS_MISSED, ())]
        named += [(watch.POLL_ERRORS, labelled({"error": str(kind)})) for kind in ErrorClass]
        named += [(watch.VALUES_REFUSED, labelled({"reason": reason})) for reason in REASONS]
    return Keys(tuple(metric.name for metric, _ in named), tuple(labels for _, labels in named))
