"""A page of Prometheus text, of which only the declared families are read."""

import math
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

from metrics.forms import edge
from metrics.model import Kind, Labels, Metric, Sample, labelled

_SUFFIXES = {Kind.HISTOGRAM: ("_bucket", "_count", "_sum")}


def samples(text: str, metrics: Iterable[Metric]) -> list[Sample]:
    """Samples of the declared families, summed over labels that are not declared.

    Raises ValueError when a line of theirs cannot be read.

    >>> m = Metric(name="x_total", kind=Kind.COUNTER, unit="count", help="X.", labels=("code",))
    >>> samples('# TYPE x_total counter\\nx_total{code="200",pod="a"} 2\\nx_total{code="200",pod="b"} 3\\ny 1', [m])
    [Sample(metric='x_total', labels=(('code', '200'),), value=5.0)]
    """
    wanted = {metric.name + suffix: metric for metric in metrics for suffix in _SUFFIXES.get(metric.kind, ("",))}
    sums: dict[tuple[str, Labels], float] = {}
    for name, labels, value in _parsed(_lines(text, wanted)):
        own = {label: labels[label] for label in wanted[name].labels if label in labels}
        if name.endswith("_bucket") and "le" in labels:
            own["le"] = edge(float(labels["le"]))
        key = name, labelled(own)
        sums[key] = sums.get(key, 0.0) + value
    return [Sample(name, labels, value) for (name, labels), value in sums.items()]


def _lines(text: str, wanted: Mapping[str, Metric]) -> Iterator[str]:
    """Lines of wanted series. TYPE lines are left out: the parser would rename counters by them.

    Reading all of a page of 1 MB costs the parser 0.36 s, ours are a few lines of it.
    """
    for line in text.split("\n"):
        name = line.lstrip().partition("{")[0].split(maxsplit=1)
        if name and name[0] in wanted:
            yield line.strip()


def _parsed(lines: Iterable[str]) -> Iterator[tuple[str, Mapping[str, str], float]]:
    for line in lines:
        try:
            (family,) = text_string_to_metric_families(line)
            (sample,) = family.samples
            value = float(sample.value)
        except (ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
            raise ValueError(f"line {line[:80]!r} cannot be read: {error}") from None
        yield sample.name, sample.labels, value


def started(found: Iterable[Sample], name: str) -> float | None:
    """The value of the metric that says when the process started."""
    return next((sample.value for sample in found if sample.metric == name and math.isfinite(sample.value)), None)
