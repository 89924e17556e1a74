"""What the live servers give, held against what is declared."""

import collectors
from collectors.collector import AnyCollector
from metrics.catalog import discover
from metrics.model import Kind
from tests.collectors.memory import poll


def declared(kind: str) -> set[str]:
    """Names of the series that a kind of source declares."""
    catalog = discover(collectors)
    names = set()
    for name, metric in catalog.metrics.items():
        if catalog.kind_of(name) == kind:
            suffixes = ("_bucket", "_count", "_sum") if metric.kind is Kind.HISTOGRAM else ("",)
            names |= {name + suffix for suffix in suffixes}
    return names


def emitted(collector: AnyCollector) -> set[str]:
    """Names of the series that all tiers of a collector give, checked for their labels."""
    labels = {name: set(metric.labels) for name, metric in discover(collectors).metrics.items()}
    found = set()
    for tier in collector.tiers:
        result = poll(collector, tier)
        assert result.error is None
        assert result.partial == {}
        seen = set()
        for sample in result.samples:
            assert (sample.metric, sample.labels) not in seen, "one series, two values"
            seen.add((sample.metric, sample.labels))
            if sample.metric in labels:
                assert {name for name, _ in sample.labels} == labels[sample.metric]
        found |= {sample.metric for sample in result.samples}
    return found
