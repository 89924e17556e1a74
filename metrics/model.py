"""What a server reports: metrics, their series, and how series are chosen."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypedDict

Labels = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name: equal series have equal labels."""

SOURCE = "source"
"""The label that every stored series has: which source it came from."""


class Kind(StrEnum):
    """How a family behaves over time, in Prometheus' words."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Unit(StrEnum):
    """Base units only: pages scale, the store does not."""

    COUNT = "count"
    SECONDS = "seconds"
    BYTES = "bytes"
    RATIO = "ratio"
    PER_SECOND = "per second"


class Op(StrEnum):
    """Label tests, as PromQL writes them; patterns must match the whole value."""

    EQ = "="
    NE = "!="
    RE = "=~"
    NRE = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One test of one label; a label that is absent counts as empty, as in PromQL.

    >>> Matcher("code", "5..", Op.RE).accepts({"code": "503"})
    True
    >>> str(Matcher("code", "5..", Op.RE))
    'code=~"5.."'
    """

    label: str
    value: str
    op: Op = Op.EQ

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels passes."""
        have = labels.get(self.label, "")
        if self.op in (Op.EQ, Op.NE):
            return (have == self.value) == (self.op is Op.EQ)
        return bool(re.fullmatch(self.value, have)) == (self.op is Op.RE)

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.op}"{escaped}"'


@dataclass(frozen=True, slots=True)
class Selector:
    """The series of one metric name that pass every test."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether a series of this metric with these labels is chosen."""
        return all(matcher.accepts(labels) for matcher in self.matchers)

    def narrowed(self, *matchers: Matcher) -> "Selector":
        """The same selection with further tests."""
        return Selector(self.metric, (*self.matchers, *matchers))

    def __str__(self) -> str:
        inner = ",".join(map(str, self.matchers))
        return f"{self.metric}{{{inner}}}" if inner else self.metric


BEYOND_COUNT = 2.0**63
"""No server counts as far: what is there instead is a number below zero that was taken for one without a sign."""

BEYOND_SECONDS = 1e10
"""Three hundred years: neither a duration nor a time of the epoch."""

BEYOND_SUM = BEYOND_COUNT * 1e-6
"""Seconds that a counter of microseconds can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a counter can rise: beyond that it leapt, and what it says is not known.

    per_second   in its unit, for each second between two polls, and for each of ``each``
    each         gauges of the same poll that are summed; the larger sum of this poll and the one before, at least 1
    earlier      a gauge of seconds: what began so long before the poll before may be counted now
    slack, few   how often as many as are seen there may have been between two polls, and how many at least
    """

    per_second: float
    each: "tuple[Metric, ...]" = ()
    earlier: "Metric | None" = None
    slack: float = 1.0
    few: float = 1.0


class Believable(TypedDict, total=False):
    """The words of a Metric that say which values cannot be true, for functions that make one."""

    least: float
    most: float
    part_of: "Metric"
    pace: Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One raw family, named and measured as the server reports it, in base units.

    ``labels`` leaves out ``source``, which the store adds. ``epoch`` names the mark of the server's
    start or reset that governs this family: when it changes, counters began anew. ``note`` is what is known to
    mislead about it, for docs/metrics.md.

    What cannot be true is unknown, not stored: a value outside ``least`` to ``most``, a part that is larger than the
    series of ``part_of`` with the same labels in the same poll, a counter that rose faster than its ``pace``.
    """

    name: str
    kind: Kind
    unit: Unit
    help: str
    labels: tuple[str, ...] = ()
    epoch: str | None = None
    note: str = ""
    least: float | None = None
    most: float | None = None
    part_of: "Metric | None" = None
    pace: Pace | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(f"{self.name}: a metric's name is lower case letters, digits and underscores")
        if (self.kind is Kind.COUNTER) != self.name.endswith("_total"):
            raise ValueError(f"{self.name}: counters end in _total, and nothing else does")
        if not self.help.endswith("."):
            raise ValueError(f"{self.name}: help is a sentence that ends in a full stop")
        if self.unit in (Unit.SECONDS, Unit.BYTES) and self.unit.value not in self.name:
            raise ValueError(f"{self.name}: the unit {self.unit} belongs into the name")
        if self.pace and not self.epoch:
            raise ValueError(f"{self.name}: a leap is told by the epoch, so what has a pace has one")

    @property
    def limits(self) -> tuple[float, float]:
        """What its values can be, both included: as declared, else by its kind and unit.

        >>> Metric(name="age_seconds", kind=Kind.GAUGE, unit=Unit.SECONDS, help="Age.").limits
        (0.0, 10000000000.0)
        """
        low = 0.0 if self.least is None else self.least
        return low, self._highest() if self.most is None else self.most

    def _highest(self) -> float:
        if self.kind is Kind.COUNTER:
            return BEYOND_SUM if self.unit is Unit.SECONDS else math.nextafter(BEYOND_COUNT, 0)
        if self.unit is Unit.SECONDS:
            return BEYOND_SECONDS
        return 1.0 if self.unit is Unit.RATIO else math.nextafter(BEYOND_COUNT, 0)

    def having(self, label: str, value: str, op: Op = Op.EQ) -> "Term":
        """Only the series whose label passes the test.

        >>> m = Metric(name="http_requests_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Requests.")
        >>> str(m.having("code", "5..", Op.RE).selector)
        'http_requests_total{code=~"5.."}'
        """
        return Term(self).having(label, value, op)


@dataclass(frozen=True, slots=True)
class Term:
    """A metric, or those of its series that pass tests: the atoms of every derived form."""

    metric: Metric
    matchers: tuple[Matcher, ...] = ()
    suffix: str = ""

    def having(self, label: str, value: str, op: Op = Op.EQ) -> "Term":
        """The same term with one more test."""
        return Term(self.metric, (*self.matchers, Matcher(label, value, op)), self.suffix)

    @property
    def selector(self) -> Selector:
        """What to ask the store for."""
        return Selector(self.metric.name + self.suffix, self.matchers)


class Sample(NamedTuple):
    """One value of one series; its time is that of the Poll that holds it."""

    metric: str
    labels: Labels
    value: float


def labelled(labels: Mapping[str, str]) -> Labels:
    """Labels in their one order.

    >>> labelled({"user": "app", "database": "shop"})
    (('database', 'shop'), ('user', 'app'))
    """
    return tuple(sorted(labels.items()))


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a value speaks of: a source and the labels a form keeps."""

    source: str
    labels: Labels = field(default=())

    def __str__(self) -> str:
        return " ".join([self.source, *(value for _, value in self.labels)])
