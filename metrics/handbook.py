"""The declarations as tables: what is taken from where, what is made of it, what is left and why."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypedDict

from metrics.alias import Alias
from metrics.catalog import Catalog
from metrics.forms import Form
from metrics.formula import bounded, formula
from metrics.model import Metric
from metrics.reading import Column, Reading, Version

NEVER = (99,)
"""A version that marks what no release of the server itself has, but a relative of it."""
ALL = "*"
"""As a column that is left: all that this reading does not name, which another of the same statement does."""
Views = Callable[[str, Reading], str]


class Origin(TypedDict):
    """Where a metric stands in an answer of the server."""

    statement: str
    view: str
    column: str
    labels: dict[str, str]
    scale: float
    versions: str


class Fate(TypedDict):
    """What becomes of a column."""

    column: str
    becomes: list[str]
    label: str
    left: str
    passed_over: str
    versions: str


class Statement(TypedDict):
    """One statement with every column that is known of it."""

    statement: str
    view: str
    every: list[str]
    versions: str
    columns: list[Fate]


class Told(TypedDict):
    """One metric."""

    name: str
    kind: str
    unit: str
    labels: list[str]
    help: str
    note: str
    origins: list[Origin]


class Derived(TypedDict):
    """One form."""

    name: str
    title: str
    kind: str
    unit: str
    by: list[str]
    formula: str
    target: str
    help: str
    advice: str


class Other(TypedDict):
    """One family of another exporter."""

    name: str
    kind: str
    of: str
    labels: dict[str, str]
    where: dict[str, str]
    scale: float
    offset: float


class Chapter(TypedDict):
    """One kind of source."""

    kind: str
    metrics: list[Told]
    forms: list[Derived]
    statements: list[Statement]
    aliases: list[Other]
    left_out: dict[str, str]


def chapters(catalog: Catalog, views: Views = lambda layer, reading: reading.view) -> list[Chapter]:
    """All kinds of source, each sorted by name; ``views`` names the server's views behind a statement."""
    kinds = sorted(set(catalog.layers.values()))
    return [_chapter(catalog, kind, views) for kind in kinds]


def _chapter(catalog: Catalog, kind: str, views: Views) -> Chapter:
    def here(name: str) -> bool:
        return catalog.layers[name] == kind

    readings = catalog.readings.get(kind, ())
    origins = _origins(readings, lambda reading: views(kind, reading))
    metrics = sorted((m for m in catalog.metrics.values() if here(m.name)), key=lambda m: m.name)
    forms = sorted((f for f in catalog.forms.values() if here(f.name)), key=lambda f: f.name)
    return {
        "kind": kind,
        "metrics": [_told(metric, origins.get(metric.name, [])) for metric in metrics],
        "forms": [_derived(form) for form in forms],
        "statements": list(_statements(readings, lambda reading: views(kind, reading))),
        "aliases": sorted(map(_other, catalog.aliases.get(kind, ())), key=repr),
        "left_out": dict(sorted(catalog.left_out.get(kind, {}).items())),
    }


def _told(metric: Metric, origins: list[Origin]) -> Told:
    return {
        "name": metric.name,
        "kind": str(metric.kind),
        "unit": str(metric.unit),
        "labels": list(metric.labels),
        "help": metric.help,
        "note": metric.note,
        "origins": sorted(origins, key=repr),
    }


def _derived(form: Form) -> Derived:
    return {
        "name": form.name,
        "title": form.title,
        "kind": type(form).__name__,
        "unit": str(form.unit),
        "by": list(form.by),
        "formula": formula(form),
        "target": bounded(form.target) if form.target else "",
        "help": form.help,
        "advice": form.advice,
    }


def _other(alias: Alias) -> Other:
    return {
        "name": alias.name + (alias.suffix or alias.part),
        "kind": alias.kind,
        "of": alias.of.name + alias.suffix,
        "labels": {
            **dict(sorted(alias.labels.items())),
            **dict(sorted(alias.add.items())),
        },
        "where": dict(sorted(alias.where.items())),
        "scale": alias.scale,
        "offset": alias.offset,
    }


def _origins(readings: Iterable[Reading], view: Callable[[Reading], str]) -> dict[str, list[Origin]]:
    found: dict[str, list[Origin]] = {}
    for reading in readings:
        for name, column in _columns(reading):
            origin: Origin = {
                "statement": reading.statement,
                "view": view(reading),
                "column": name,
                "labels": dict(sorted(column.labels.items())),
                "scale": column.scale,
                "versions": _versions(max(reading.since, column.since), column.before),
            }
            known = found.setdefault(column.metric.name, [])
            if origin not in known:
                known.append(origin)
    return found


def _statements(readings: Iterable[Reading], view: Callable[[Reading], str]) -> Iterator[Statement]:
    """Readings of one statement are one table."""
    named: dict[str, list[Reading]] = {}
    for reading in readings:
        named.setdefault(reading.statement, []).append(reading)
    for statement, same in sorted(named.items()):
        fates: dict[str, Fate] = {}
        for reading in same:
            _add(fates, reading)
        if not all(ALL in reading.omitted for reading in same):
            fates.pop(ALL, None)
        views = sorted({name for reading in same if (name := view(reading))})
        yield {
            "statement": statement,
            "view": ", ".join(views),
            "every": sorted({str(reading.tier) for reading in same}),
            "versions": _versions(min(reading.since for reading in same), None),
            "columns": [_settled(fates[name]) for name in sorted(fates)],
        }


def _add(fates: dict[str, Fate], reading: Reading) -> None:
    def fate(name: str) -> Fate:
        empty: Fate = {"column": name, "becomes": [], "label": "", "left": "", "passed_over": "", "versions": ""}
        return fates.setdefault(name, empty)

    for name, column in _columns(reading):
        labels = ", ".join(f'{label}="{value}"' for label, value in sorted(column.labels.items()))
        known = fate(name)
        becomes = f"{column.metric.name}{{{labels}}}" if labels else column.metric.name
        known["becomes"] = sorted({*known["becomes"], becomes})
        known["versions"] = _versions(column.since, column.before)
    for name, label in reading.labels.items():
        fate(name)["label"] = label
    for name, values in reading.leave.items():
        fate(name)["passed_over"] = ", ".join(sorted(values))
    for name, why in reading.omitted.items():
        fate(name)["left"] = why


def _settled(fate: Fate) -> Fate:
    """What one reading leaves and another takes is taken."""
    return {**fate, "left": "" if fate["becomes"] or fate["label"] else fate["left"]}


def _columns(reading: Reading) -> Iterator[tuple[str, Column]]:
    for name, given in reading.columns.items():
        yield name, given if isinstance(given, Column) else Column(given)


def _versions(since: Version, before: Version | None) -> str:
    """From and to which version.

    >>> _versions((1, 23), None), _versions((), (17,)), _versions((14,), (18,)), _versions((), None)
    ('1.23 on', 'before 17', '14 on, before 18', '')
    """
    if since >= NEVER:
        return "relatives only"
    ends = [f"{_dotted(since)} on" if since else "", f"before {_dotted(before)}" if before else ""]
    return ", ".join(filter(None, ends))


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def names(given: Mapping[str, str]) -> str:
    """Labels in a cell.

    >>> names({"database": "datname"})
    'database → datname'
    """
    return ", ".join(name if name == other else f"{name} → {other}" for name, other in given.items())
