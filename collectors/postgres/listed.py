"""Readings whose rows are capped: the busiest of them, and what a row costs."""

import secrets
from collections.abc import Sequence

from collectors.busiest import Busiest
from metrics.model import Kind, Metric
from metrics.reading import Reading

_MARK = secrets.randbits(48)
"""Of this process."""


def epoch(mark: float, *lists: Busiest) -> float:
    """A mark of the server; of this process too once one of the lists has a rest, which begins anew with it."""
    return float(int(mark) ^ _MARK) if any(each.opened for each in lists) else mark


def busiest(
    reading: Reading, rank: Sequence[str], *, levels: Sequence[str] = (), urgent: Sequence[str] = ()
) -> Busiest:
    """Of a reading's columns the counters grow, and of gauges a rest has the sum; that of moments would be none."""
    found = {name: given if isinstance(given, Metric) else given.metric for name, given in reading.columns.items()}
    return Busiest(
        counters=[name for name, metric in found.items() if metric.kind is Kind.COUNTER],
        gauges=[name for name, metric in found.items() if metric.kind is Kind.GAUGE and not name.startswith("last_")],
        rank=rank,
        levels=levels,
        urgent=urgent,
        most=0,
    )
