"""Which series count: those of counters and histograms, for which a value that falls is a reset.

A gauge that is taken for a counter marks a turn whenever it falls, and its rollups become as large as raw values; a
counter that is taken for a gauge loses a reset in what is thinned. So a name is believed only where it says enough.
"""

from collections.abc import Iterable, Mapping, Sequence

from metrics.model import Kind, Labels

Declared = Mapping[str, Kind]
"""The kind of the metrics that are declared, by name; a histogram by the name without what its series add to it."""

COUNT, SUM = "_count", "_sum"


class Families:
    """What the names of one poll say together."""

    def __init__(self, series: Iterable[tuple[str, Labels]], declared: Declared) -> None:
        """``series``: metric and labels of each sample of the poll."""
        self._declared = declared
        self._names = set()
        self._summaries = set()
        for metric, own in series:
            self._names.add(metric)
            if any(name == "quantile" for name, _ in own):
                self._summaries.add(metric)

    def counts(self, metric: str) -> bool:
        """Whether a fall of this metric is a reset.

        >>> def tried(metric, *names, **declared):
        ...     return Families([(each, ()) for each in (metric, *names)], declared).counts(metric)
        >>> tried("hits_total"), tried("wait_seconds_sum", "wait_seconds_bucket"), tried("wait_count", "wait_sum")
        (True, True, True)
        >>> tried("table_count"), tried("table_count", table=Kind.HISTOGRAM), tried("a_total", a_total=Kind.GAUGE)
        (False, True, False)
        """
        if metric in self._declared:
            return self._declared[metric] is Kind.COUNTER
        if metric.endswith(("_total", "_bucket")):
            return True
        for end, other in ((COUNT, SUM), (SUM, COUNT)):
            if metric.endswith(end):
                return self._of_histogram(metric.removesuffix(end), other)
        return False

    def _of_histogram(self, base: str, other: str) -> bool:
        """A histogram has buckets, a summary quantiles or, without them, both its count and its sum."""
        if base in self._declared:
            return self._declared[base] is Kind.HISTOGRAM
        return f"{base}_bucket" in self._names or base in self._summaries or f"{base}{other}" in self._names


def counting(names: Sequence[str], families: Families) -> list[bool]:
    """The same for each of many names, most of which are the same."""
    known = {name: families.counts(name) for name in set(names)}
    return [known[name] for name in names]
