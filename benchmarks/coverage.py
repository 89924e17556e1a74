"""How much of another exporter's page is on ours: names, labels, types and values of two pages of one server.

Coverage is by series, a name with its labels, of all that the other exporter shows of its server. What speaks of the
exporter's own process is nobody's server: go_, process_, promhttp_.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

OWN = ("go_", "process_", "promhttp_")
Labels = tuple[tuple[str, str], ...]
Series = tuple[str, Labels]
Close = Callable[[str, float, float], bool]


@dataclass(frozen=True, slots=True)
class Page:
    """One page in Prometheus' text format: values by series, types by family."""

    samples: Mapping[Series, float]
    types: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What of theirs is on ours.

    shared     series that both have
    missing    series of theirs alone, by name
    partly     names of which some series are shared and some missing
    differing  shared series whose values are not close: theirs, ours
    types      families of both with different types: theirs, ours
    """

    shared: frozenset[Series]
    missing: Mapping[str, Sequence[Labels]]
    differing: Mapping[Series, tuple[float, float]]
    types: Mapping[str, tuple[str, str]]
    partly: frozenset[str] = field(default_factory=frozenset)

    @property
    def coverage(self) -> float:
        """Share of their series that ours has; nan when they have none."""
        lost = sum(map(len, self.missing.values()))
        whole = len(self.shared) + lost
        return len(self.shared) / whole if whole else math.nan

    def __str__(self) -> str:
        """For people: the share, and every name that is left out or differs."""
        lines = [f"{self.coverage:.1%} of {len(self.shared) + sum(map(len, self.missing.values()))} series"]
        for name, lost in sorted(self.missing.items()):
            lines.append(
                f"  missing {name}{' in part' if name in self.partly else ''}: {len(lost)}, as {dict(lost[0])}"
            )
        for (name, labels), (theirs, ours) in sorted(self.differing.items()):
            lines.append(f"  differs {name} {dict(labels)}: {theirs:g} there, {ours:g} here")
        lines += [
            f"  type of {name}: {theirs} there, {ours} here" for name, (theirs, ours) in sorted(self.types.items())
        ]
        return "\n".join(lines)


def page(text: str) -> Page:
    r"""A page as it is written: the parser's library would add _total to the counters that have none.

    >>> page('# TYPE hits counter\nhits{db="a"} 3\n').samples
    {('hits', (('db', 'a'),)): 3.0}
    """
    lines = text.splitlines()
    types = {found[1]: found[2] for line in lines if (found := re.fullmatch(r"# TYPE (\S+) (\S+)", line))}
    bare = "\n".join(line for line in lines if not line.startswith("#")) + "\n"
    return Page(dict(_samples(bare)), types)


def near(name: str, theirs: float, ours: float) -> bool:
    """Equal but for the last digits, as a division on one side leaves them."""
    return theirs == ours or (math.isnan(theirs) and math.isnan(ours)) or math.isclose(theirs, ours, rel_tol=1e-9)


def compare(
    theirs: Page,
    ours: Page,
    *,
    close: Close = near,
    without: Sequence[str] = (),
    coarse: Sequence[str] = (),
) -> Comparison:
    r"""What of their page is on ours.

    close    whether two values of the series called so count as equal
    without  further names, or beginnings of names, that speak of the exporter and not of its server
    coarse   names of which ours has more labels: its series that agree in theirs are summed

    >>> both = compare(page("up 1\nhits 3\ngo_threads 5\nseen 1\n"), page("up 1\nhits 4\n"))
    >>> round(both.coverage, 2), list(both.missing), list(both.differing)
    (0.67, ['seen'], [('hits', ())])
    """
    wanted = {key: value for key, value in theirs.samples.items() if not key[0].startswith((*OWN, *without))}
    have = dict(ours.samples)
    for name in coarse:
        have |= _summed(name, theirs, ours)
    shared = frozenset(wanted.keys() & have.keys())
    missing: dict[str, list[Labels]] = {}
    for name, labels in sorted(wanted.keys() - shared):
        missing.setdefault(name, []).append(labels)
    return Comparison(
        shared,
        missing,
        {key: (wanted[key], have[key]) for key in shared if not close(key[0], wanted[key], have[key])},
        {
            name: (type_, ours.types[name])
            for name, type_ in theirs.types.items()
            if ours.types.get(name, type_) != type_ and not name.startswith((*OWN, *without))
        },
        frozenset(missing.keys() & {name for name, _ in shared}),
    )


def _samples(bare: str) -> Iterator[tuple[Series, float]]:
    for family in text_string_to_metric_families(bare):
        for sample in family.samples:
            yield (sample.name, tuple(sorted(sample.labels.items()))), float(sample.value)


def _summed(name: str, theirs: Page, ours: Page) -> dict[Series, float]:
    kept = {label for other, labels in theirs.samples if other == name for label, _ in labels}
    sums: dict[Series, float] = {}
    for (other, labels), value in ours.samples.items():
        if other == name:
            key = (name, tuple(pair for pair in labels if pair[0] in kept))
            sums[key] = sums.get(key, 0.0) + value
    return sums
