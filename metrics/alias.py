"""Families of other exporters, made of ours: so that what people built on those goes on working."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, trunc

from metrics.exposition import Family
from metrics.model import SOURCE, Labels, Matcher, Metric, Op, labelled

Found = tuple[str, Labels, float]
Series = Mapping[str, Sequence[tuple[Labels, float]]]
"""By name, the newest samples of its series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """One family of another exporter and the metric of ours that gives its samples.

    name    the family's name there; "{label}" in it is that label's value of ours, fit for a name
    kind    its type there: counter, gauge, untyped, histogram or summary
    of      our metric
    suffix  of a histogram's series of ours and theirs: "_bucket", "_sum", "_count"
    part    the same of theirs alone, when that part is a metric of its own here
    scale   their value is ours times this
    offset  and this more
    whole   their value is ours without its fraction
    labels  our label → theirs; a label of ours that is not named is left out
    spoken  our label → how its value is written there
    add     labels that have one value there
    beside  labels that another metric of ours gives, of the series that agrees in all labels that both metrics have:
            their label → that metric and the name of its label, or "" for its value, a whole number
    where   only series of ours whose label has this value; "~" before the value makes it a regular expression
    summed  whether several series of ours that become one are summed; else the first counts
    plus    other metrics of ours with the same labels: their values are added, as far as they are there
    """

    name: str
    kind: str
    help: str
    of: Metric
    suffix: str = ""
    part: str = ""
    scale: float = 1.0
    offset: float = 0.0
    whole: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    spoken: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, tuple[Metric, str]] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    summed: bool = False
    plus: Sequence[Metric] = ()

    def sample(self, labels: Labels) -> Labels | None:
        """Labels there of a series of ours, ``source`` kept; None when it is not meant."""
        own = dict(labels)
        for label, value in self.where.items():
            op, pattern = (Op.RE, value[1:]) if value.startswith("~") else (Op.EQ, value)
            if not Matcher(label, pattern, op).accepts(own):
                return None
        own |= {label: write(own[label]) for label, write in self.spoken.items() if label in own}
        named = {theirs: own[ours] for ours, theirs in self.labels.items() if ours in own}
        return labelled({**({SOURCE: own[SOURCE]} if SOURCE in own else {}), **named, **self.add})

    def value(self, ours: float) -> float:
        """As it is there."""
        return float(trunc(ours)) if self.whole and isfinite(ours) else ours * self.scale + self.offset

    def family(self, labels: Labels) -> str:
        """The family there that a series of ours belongs to.

        >>> from metrics.model import Kind, Unit
        >>> m = Metric(name="setting", kind=Kind.GAUGE, unit=Unit.COUNT, help="S.", labels=("name", "unit"))
        >>> alias = Alias(name="settings_{name}_{unit}", kind="gauge", help="S.", of=m)
        >>> alias.family((("name", "plan_cache.size"), ("unit", "")))
        'settings_plan_cache_size'
        """
        if "{" not in self.name:
            return self.name
        return re.sub(r"\W", "_", self.name.format_map(dict(labels)), flags=re.ASCII).strip("_")


def aliased(aliases: Sequence[Alias], latest: Iterable[Found]) -> Iterator[Family]:
    """The families of the aliases that have samples, in the order of the aliases.

    >>> from metrics.model import Kind, Unit
    >>> m = Metric(name="hits_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Hits.", labels=("database",))
    >>> alias = Alias(name="db_hits", kind="counter", help="Hits.", of=m, labels={"database": "datname"})
    >>> [family.samples for family in aliased([alias], [("hits_total", (("database", "shop"), ("source", "a")), 3.0)])]
    [[('db_hits', (('datname', 'shop'), ('source', 'a')), 3.0)]]
    """
    wanted = {alias.of.name + alias.suffix for alias in aliases}
    wanted |= {metric.name for alias in aliases for metric, _ in alias.beside.values()}
    wanted |= {metric.name for alias in aliases for metric in alias.plus}
    found: dict[str, list[tuple[Labels, float]]] = defaultdict(list)
    for name, labels, value in latest:
        if name in wanted:
            found[name].append((labels, value))
    joins: dict[tuple[str, str], _Join] = {}
    families: dict[str, Family] = {}
    given: set[tuple[str, Labels]] = set()
    for alias in aliases:
        sums: dict[tuple[str, Labels], float] = {}
        more = [dict(found[metric.name]) for metric in alias.plus]
        for labels, first in found[alias.of.name + alias.suffix]:
            theirs = alias.sample(labels)
            if theirs is None:
                continue
            key = (alias.family(labels), _joined(alias, labels, theirs, found, joins))
            if key not in sums or alias.summed:
                value = first + sum(other.get(labels, 0.0) for other in more)
                sums[key] = sums.get(key, 0.0) + alias.value(value)
        for (name, theirs), value in sums.items():
            family = families.setdefault(name, Family(name, alias.kind, alias.help))
            series = (name + alias.suffix + alias.part, theirs)
            if series not in given:
                # The first alias counts: a page that has a series twice is no page.
                given.add(series)
                family.samples.append((*series, value))
    return iter(families.values())


class _Join:
    """Finds the series of one metric that agrees with a series of another."""

    def __init__(self, of: Metric, beside: Metric, found: Series) -> None:
        self._common = ({*of.labels} & {*beside.labels}) | {SOURCE}
        self._by = {self._key(labels): (dict(labels), value) for labels, value in found.get(beside.name, ())}

    def __call__(self, labels: Labels, label: str) -> str:
        match = self._by.get(self._key(labels))
        if match is None:
            return ""
        known, value = match
        if label:
            return known.get(label, "")
        return str(trunc(value)) if isfinite(value) else ""

    def _key(self, labels: Labels) -> Labels:
        return tuple(pair for pair in labels if pair[0] in self._common)


def _joined(alias: Alias, labels: Labels, theirs: Labels, found: Series, joins: dict[tuple[str, str], _Join]) -> Labels:
    if not alias.beside:
        return theirs
    more = {}
    for name, (metric, label) in alias.beside.items():
        key = (alias.of.name, metric.name)
        if key not in joins:
            joins[key] = _Join(alias.of, metric, found)
        more[name] = joins[key](labels, label)
    return labelled({**dict(theirs), **more})
