"""The Prometheus text format, written: families with HELP and TYPE, names and values escaped."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from metrics.model import Kind, Labels, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PARTS = ("_bucket", "_sum", "_count")


@dataclass(slots=True)
class Family:
    """One metric with its samples: the name of each (a histogram has several), its labels and its value."""

    name: str
    kind: str
    help: str
    samples: list[tuple[str, Labels, float]] = field(default_factory=list)


def families(metrics: Mapping[str, Metric], samples: Iterable[tuple[str, Labels, float]]) -> Iterator[Family]:
    """Samples grouped into the families that declare them, sorted; those that nothing declares are untyped."""
    found: dict[str, Family] = {}
    for name, labels, value in samples:
        metric = metrics.get(base(name, metrics))
        key = metric.name if metric else name
        kind = str(metric.kind) if metric else "untyped"
        family = found.setdefault(key, Family(key, kind, metric.help if metric else ""))
        family.samples.append((name, labels, value))
    return iter(sorted(found.values(), key=lambda family: family.name))


def base(name: str, metrics: Mapping[str, Metric]) -> str:
    """The name of the metric that a series belongs to: a histogram's without its suffix.

    >>> from metrics.model import Unit
    >>> h = Metric(name="wait_seconds", kind=Kind.HISTOGRAM, unit=Unit.SECONDS, help="Waiting.")
    >>> base("wait_seconds_bucket", {"wait_seconds": h}), base("wait_count", {})
    ('wait_seconds', 'wait_count')
    """
    for part in _PARTS:
        metric = metrics.get(name.removesuffix(part))
        if name.endswith(part) and metric and metric.kind is Kind.HISTOGRAM:
            return metric.name
    return name


def written(given: Iterable[Family]) -> Iterator[str]:
    """The lines, each with its end.

    >>> print(*written([Family("up", "gauge", "Is it?", [("up", (("source", 'a"b'),), 1.0)])]), sep="", end="")
    # HELP up Is it?
    # TYPE up gauge
    up{source="a\\"b"} 1
    """
    for family in given:
        if family.help:
            yield f"# HELP {family.name} {_text(family.help)}\n"
        yield f"# TYPE {family.name} {family.kind}\n"
        for name, labels, value in family.samples:
            yield f"{name}{_labels(labels)} {number(value)}\n"


def number(value: float) -> str:
    """A value as the format writes it.

    >>> [number(v) for v in (1.0, 0.25, float("nan"), float("-inf"), 1e21)]
    ['1', '0.25', 'NaN', '-Inf', '1e+21']
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _labels(labels: Labels) -> str:
    inner = ",".join(f'{name}="{_value(value)}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""


def _value(text: str) -> str:
    return _text(text).replace('"', '\\"')


def _text(text: str) -> str:
    """Backslashes and line ends escaped; other ends of line that a reader might split at become spaces."""
    plain = text.replace("\\", "\\\\").replace("\n", "\\n")
    return "".join(" " if char in "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029" else char for char in plain)
