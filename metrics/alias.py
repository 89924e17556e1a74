"""Families of other exporters, made of ours: so that what people built on those goes on working."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from metrics.exposition import Family
from metrics.model import SOURCE, Labels, Matcher, Metric, Op, labelled

Found = tuple[str, Labels, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """One family of another exporter and the metric of ours that gives its samples.

    name    the family's name there
    kind    its type there: counter, gauge, untyped, histogram or summary
    of      our metric
    suffix  of a histogram's series of ours and theirs: "_bucket", "_sum", "_count"
    scale   their value is ours times this
    labels  our label → theirs; a label of ours that is not named is left out
    add     labels that have one value there
    where   only series of ours whose label has this value; "~" before the value makes it a regular expression
    summed  whether several series of ours that become one are summed; else the first counts
    """

    name: str
    kind: str
    help: str
    of: Metric
    suffix: str = ""
    scale: float = 1.0
    labels: Mapping[str, str] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    summed: bool = False

    def sample(self, labels: Labels) -> Labels | None:
        """Labels there of a series of ours, ``source`` kept; None when it is not meant."""
        own = dict(labels)
        for label, value in self.where.items():
            op, pattern = (Op.RE, value[1:]) if value.startswith("~") else (Op.EQ, value)
            if not Matcher(label, pattern, op).accepts(own):
                return None
        named = {theirs: own[ours] for ours, theirs in self.labels.items() if ours in own}
        return labelled({**({SOURCE: own[SOURCE]} if SOURCE in own else {}), **named, **self.add})


def aliased(aliases: Sequence[Alias], latest: Iterable[Found]) -> Iterator[Family]:
    """The families of the aliases that have samples, in the order of the aliases.

    >>> from metrics.model import Kind, Unit
    >>> m = Metric(name="hits_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Hits.", labels=("database",))
    >>> alias = Alias(name="db_hits", kind="counter", help="Hits.", of=m, labels={"database": "datname"})
    >>> [family.samples for family in aliased([alias], [("hits_total", (("database", "shop"), ("source", "a")), 3.0)])]
    [[('db_hits', (('datname', 'shop'), ('source', 'a')), 3.0)]]
    """
    wanted = {alias.of.name + alias.suffix for alias in aliases}
    found: dict[str, list[tuple[Labels, float]]] = defaultdict(list)
    for name, labels, value in latest:
        if name in wanted:
            found[name].append((labels, value))
    families: dict[str, Family] = {}
    for alias in aliases:
        sums: dict[Labels, float] = {}
        for labels, value in found[alias.of.name + alias.suffix]:
            theirs = alias.sample(labels)
            if theirs is None or (theirs in sums and not alias.summed):
                continue
            sums[theirs] = sums.get(theirs, 0.0) + value * alias.scale
        if sums:
            family = families.setdefault(alias.name, Family(alias.name, alias.kind, alias.help))
            family.samples += [(alias.name + alias.suffix, labels, value) for labels, value in sums.items()]
    return iter(families.values())
