"""Asks every source once what it is and what it lacks, for ``trivet check``."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from collectors.collector import Lack
from collectors.failed import Failed
from collectors.kinds import collector_of
from collectors.source import Source
from metrics.finding import Finding
from metrics.poll import Failure, Tier

MOST_WORKERS = 32
ANEW = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found at one source; ``failure`` is set when it could not be asked, with the hint that mends it."""

    name: str
    kind: str
    reachable: bool
    version: str = ""
    role: str = ""
    lacking: tuple[Lack, ...] = ()
    failure: Failure | None = None
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()


def probe(sources: Sequence[Source]) -> list[Report]:
    """All at once, each by its own deadline; the reports are in the order of the sources."""
    if not sources:
        return []
    with ThreadPoolExecutor(min(MOST_WORKERS, len(sources)), thread_name_prefix="probe") as pool:
        return list(pool.map(_probe, sources))


def _probe(source: Source) -> Report:
    begun = time.monotonic()
    collector = collector_of(source)
    try:
        found = collector.probe(begun + source.limit)
        took = time.monotonic() - begun
        for tier in collector.tiers:
            collector.poll(tier, time.monotonic() + source.limit)
        collector.look_around(time.monotonic() + source.limit)
        for _ in range(ANEW):
            # Several servers behind one address show over several connections.
            collector.close()
            collector.poll(Tier.FAST, time.monotonic() + source.limit)
            if collector.identity.several:
                break
    except Failed as failed:
        return Report(
            name=source.name,
            kind=source.kind,
            reachable=False,
            failure=failed.failure,
            seconds=time.monotonic() - begun,
        )
    finally:
        collector.close()
    return Report(
        name=source.name,
        kind=source.kind,
        reachable=True,
        version=found.version,
        role=found.role,
        lacking=found.lacking,
        seconds=took,
        findings=tuple(collector.findings.all()),
    )
