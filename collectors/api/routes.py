"""A cap on the series of routes, under which the sums stay what they are.

What does not fit goes into series of the same labels whose route is "(rest)": counters of our own, advanced by what
each hidden series rose. What is shown stays so until the API starts anew or no longer has it, and what is hidden stays
hidden: a series that came back would count twice what it did while it was away. A histogram is shown or hidden as a
whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from collectors.rest import REST
from metrics.model import Labels, Sample

ROUTE = "route"
MOST_KNOWN = 50_000
Name = tuple[str, Labels]
_PARTS = ("_bucket", "_count", "_sum")


class Routes:
    """Remembers what it hides; the first page of a run is the base line."""

    def __init__(self, most: int) -> None:
        """``most`` series, those without a route included; the rest's come on top if it was full before."""
        self._most = most
        self._hidden: set[Name] = set()
        self._before: Mapping[Name, float] = {}
        self._rest: dict[Name, float] = {}
        self._units: dict[Name, Name] = {}
        self._epoch: float | None = None

    def capped(self, samples: Sequence[Sample], epoch: float | None = None) -> tuple[list[Sample], int]:
        """Samples to keep, those of the rest among them, and how many series are in the rest."""
        if epoch != self._epoch:
            self._hidden, self._before, self._epoch = set(), {}, epoch
        hidden: list[Sample] = []
        kept = list(samples)
        if self._hidden or len(samples) + len(self._rest) > self._most:
            units = self._grouped(samples)
            self._choose(units)
            hidden = [sample for unit in self._hidden for sample in units[unit]]
            kept = [sample for unit, members in units.items() if unit not in self._hidden for sample in members]
        born = self._advance(hidden)
        self._before = {(sample.metric, sample.labels): sample.value for sample in samples}
        # One that is new stood at zero when the page before was read.
        kept += [Sample(*name, 0.0 if name in born else value) for name, value in self._rest.items()]
        return kept, len(hidden)

    def _grouped(self, samples: Iterable[Sample]) -> dict[Name, list[Sample]]:
        found: dict[Name, list[Sample]] = {}
        for sample in samples:
            found.setdefault(self._unit((sample.metric, sample.labels)), []).append(sample)
        return found

    def _unit(self, name: Name) -> Name:
        if len(self._units) > MOST_KNOWN:
            self._units.clear()
        return self._units.get(name) or self._units.setdefault(name, _unit(*name))

    def _choose(self, units: Mapping[Name, Sequence[Sample]]) -> None:
        had = {self._unit(name) for name in self._before} - self._hidden
        self._hidden &= units.keys()
        stay = {unit for unit in units if unit in had or _route(unit[1]) is None} - self._hidden
        room = self._most - sum(len(units[unit]) for unit in stay) - _width(units)
        for unit in _by_traffic(units.keys() - stay - self._hidden, units):
            room -= len(units[unit])
            if room < 0 or _route(unit[1]) == REST:
                self._hidden.add(unit)

    def _advance(self, hidden: Iterable[Sample]) -> set[Name]:
        """Add what hidden series rose; the names of the rest that are new."""
        born = set()
        for sample in hidden:
            name = sample.metric, _of_rest(sample.labels)
            before = self._before.get((sample.metric, sample.labels), 0.0) if self._before else sample.value
            if name not in self._rest:
                born.add(name)
                self._rest[name] = 0.0
            if isfinite(before) and isfinite(sample.value):
                # Else a sum that is no number once would make the rest none for ever.
                self._rest[name] += sample.value - before if sample.value >= before else sample.value
        return born


def _unit(metric: str, labels: Labels) -> Name:
    """What is shown or hidden as a whole: a series, or all of a histogram's."""
    part = next((part for part in _PARTS if metric.endswith(part)), "")
    return metric.removesuffix(part), tuple(label for label in labels if label[0] != "le")


def _route(labels: Labels) -> str | None:
    return next((value for name, value in labels if name == ROUTE), None)


def _of_rest(labels: Labels) -> Labels:
    return tuple((name, REST if name == ROUTE else value) for name, value in labels)


def _width(units: Mapping[Name, Sequence[Sample]]) -> int:
    """Most series that the rest can have: one for each combination of the other labels, edges included."""
    widest: dict[Name, int] = {}
    for (metric, labels), members in units.items():
        if _route(labels) is not None:
            name = metric, _of_rest(labels)
            widest[name] = max(widest.get(name, 0), len(members))
    return sum(widest.values())


def _by_traffic(chosen: Iterable[Name], units: Mapping[Name, Sequence[Sample]]) -> list[Name]:
    """Those first whose routes answered most, those of one route together."""
    counts: dict[str | None, float] = {}
    for (_, labels), members in units.items():
        route = _route(labels)
        counts[route] = counts.get(route, 0.0) + sum(
            sample.value for sample in members if sample.metric.endswith(("_total", "_count"))
        )
    return sorted(chosen, key=lambda unit: (-counts[_route(unit[1])], _route(unit[1]) or "", unit))
