"""How families of other people's become ours: which, under which labels, in which unit."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from metrics.forms import edge
from metrics.model import Kind, Labels, Matcher, Metric, Op, labelled

LONGEST_LABEL = 200
_PARTS = ("_bucket", "_count", "_sum")
_OPS = {"!~": Op.NRE, "~": Op.RE, "!": Op.NE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One family of theirs that feeds a metric of ours.

    of      its name; of a histogram that feeds a histogram, without _bucket
    into    our metric
    labels  our label → the name of theirs, or a text with theirs in braces: "{class}xx"; of several with a bar
            between them the first that the series has
    add     our labels that have one value
    where   their label → what it has to be; "!" before it: must not be; "~", "!~": a regular expression
    scale   their unit in ours: milliseconds are 0.001
    rank    of rules with different ranks the first counts whose family is there; those of one rank are summed
    """

    of: str
    into: Metric
    labels: Mapping[str, str] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    scale: float = 1.0
    rank: int = 0

    def names(self) -> Iterator[tuple[str, str]]:
        """Names of their series, each with the name of ours."""
        parts = _PARTS if self.into.kind is Kind.HISTOGRAM else ("",)
        return ((self.of + part, self.into.name + part) for part in parts)

    def means(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels is meant."""
        return all(_matcher(label, test).accepts(labels) for label, test in self.where.items())

    def renamed(self, theirs: Mapping[str, str], series: str) -> Labels:
        """Our labels of a series of theirs; one that it cannot fill is left out.

        >>> from metrics.model import Unit
        >>> m = Metric(name="x_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="X.", labels=("code",))
        >>> Rule(of="y", into=m, labels={"code": "{class}xx"}).renamed({"class": "5", "pod": "a"}, "x_total")
        (('code', '5xx'),)
        """
        ours = {name: value for name, given in self.labels.items() if (value := _filled(given, theirs)) is not None}
        if "method" in ours:
            ours["method"] = ours["method"].upper()
        if series.endswith("_bucket") and "le" in theirs:
            ours["le"] = edge(float(theirs["le"]) * self.scale)
        return labelled({**ours, **self.add})


class Part(NamedTuple):
    """What a value of theirs adds to: a series of ours, by one rule."""

    into: str
    rank: int
    series: str
    labels: Labels
    scale: float


class Rules:
    """All rules of one source, by the name of their series."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Rules of one metric of ours are alternatives by their rank."""
        self._named: dict[str, list[tuple[Rule, str]]] = {}
        for rule in rules:
            for theirs, ours in rule.names():
                self._named.setdefault(theirs, []).append((rule, ours))

    def wants(self, name: str) -> bool:
        """Whether any rule takes a series of this name."""
        return name in self._named

    def parts(self, name: str, labels: Mapping[str, str]) -> tuple[Part, ...]:
        """What a series of theirs adds to. Raises ValueError when an edge is no number."""
        return tuple(
            Part(
                rule.into.name, rule.rank, ours, rule.renamed(labels, ours), 1.0 if _counts(rule, ours) else rule.scale
            )
            for rule, ours in self._named[name]
            if rule.means(labels)
        )

    def of(self, name: str) -> Iterator[Rule]:
        """The rules that take a series of this name."""
        return (rule for rule, _ in self._named.get(name, ()))


def own(metric: Metric, rank: int = 0) -> Rule:
    """The rule for a page that has our own names."""
    return Rule(of=metric.name, into=metric, labels={label: label for label in metric.labels}, rank=rank)


def _counts(rule: Rule, series: str) -> bool:
    """Whether a series counts observations, which have no unit."""
    return rule.into.kind is Kind.HISTOGRAM and not series.endswith("_sum")


def _filled(given: str, theirs: Mapping[str, str]) -> str | None:
    for choice in given.split("|"):
        needed = re.findall(r"\{(\w+)\}", choice)
        if all(name in theirs for name in needed or [choice]):
            text = re.sub(r"\{(\w+)\}", lambda found: theirs[found[1]], choice) if needed else theirs[choice]
            return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"
    return None


def _matcher(label: str, test: str) -> Matcher:
    sign = next((sign for sign in _OPS if test.startswith(sign)), "")
    return Matcher(label, test[len(sign) :], _OPS.get(sign, Op.EQ))
