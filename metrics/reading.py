"""One statement put to a server, and how the rows of its answer become samples. Pure."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter, mul
from typing import Any

from metrics.model import Metric, labelled
from metrics.poll import Tier
from metrics.samples import Keys, Samples
from metrics.text import clean, shown

Row = Mapping[str, object]
Version = tuple[int, ...]
Picking = Callable[[Any], tuple[Any, ...]]
Table = tuple[Sequence[str], Sequence[Sequence[Any]]]
"""Names of columns, and rows."""

Odd = tuple[str, str, str]
"""A value that is no number: its row's labels, its column, and the value as far as it can be shown."""

MOST_KNOWN = 10_000
"""Rows of one reading whose labels are remembered, of all sources together."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where a metric's value stands in a row.

    scale   what the server's unit is in base units: microseconds are 1e-6
    labels  labels that this column adds, so that several columns may feed one metric
    since, before   the server versions (first, first without) that have the column
    """

    metric: Metric
    scale: float = 1.0
    labels: Mapping[str, str] = field(default_factory=dict)
    since: Version = ()
    before: Version | None = None

    @property
    def limits(self) -> tuple[float, float]:
        """What its values can be, in the server's unit."""
        low, high = self.metric.limits
        return low / self.scale, high / self.scale

    def expected(self, version: Version) -> bool:
        """Whether a server of this version has it.

        >>> from metrics.model import Kind, Unit
        >>> m = Metric(name="x_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="X.")
        >>> Column(m, since=(1, 23)).expected((1, 18, 0))
        False
        """
        return version >= self.since and (self.before is None or version < self.before)


@dataclass(frozen=True, slots=True)
class Bounded:
    """Columns whose values have the same ends, both included, and where they stand in a row."""

    low: float
    high: float
    columns: tuple[str, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One statement (a SHOW, an INFO section, the name of a .sql file), and what its columns are.

    labels   column name → label name
    columns  column name → the metric it feeds; read by name, never by position
    since    first server version that knows the statement
    leave    rows to pass over: column → values
    omitted  columns that are known and not taken → why; a name that ends in * stands for all that begin so
    view     where a .sql file's columns come from: the views and functions, for the documents
    """

    statement: str
    columns: Mapping[str, Column | Metric]
    labels: Mapping[str, str] = field(default_factory=dict)
    tier: Tier = Tier.FAST
    since: Version = ()
    leave: Mapping[str, Sequence[str]] = field(default_factory=dict)
    omitted: Mapping[str, str] = field(default_factory=dict)
    view: str = ""
    _plans: "dict[Version, _Plan]" = field(default_factory=dict, init=False, repr=False, compare=False)
    _bounded: "dict[tuple[str, ...], tuple[Bounded, ...]]" = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def read(
        self, rows: Iterable[Row], version: Version = (), odd: list[Odd] | None = None, table: Table = ((), ())
    ) -> tuple[Samples, list[str]]:
        """Samples, and the columns that this version should have and that were not there.

        A value that is NULL or no number gives no sample: nothing happened is not zero. What is neither is put into
        ``odd``, when that is given.

        table   rows as tuples, with the names of their columns: they are read before the others

        >>> from metrics.model import Kind, Unit
        >>> reading = Reading("SHOW X", {"a": Metric(name="a_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="A.")})
        >>> reading.read([{"a": 2}], table=(("b", "a"), [(7, 1)]))[0].values
        [1.0, 2.0]
        """
        plan = self._plan(version)
        samples = Samples()
        missing: dict[str, None] = {}
        if table[1]:
            self._read_table(plan, table, samples, missing, odd)
        for column, values in self.leave.items():
            rows = [row for row in rows if row.get(column) not in values]
        for row in rows:
            try:
                # Most rows are whole, and there are hundreds of them in a poll.
                numbers = plan.numbers(plan.values(row))
            except (KeyError, TypeError, ValueError, OverflowError):
                missing.update(dict.fromkeys(name for name in plan.columns if name not in row))
                samples.put(*plan.some(row, odd))
            else:
                samples.put(plan.keys(row), numbers)
        return samples, list(missing)

    def _read_table(
        self, plan: "_Plan", table: Table, samples: Samples, missing: dict[str, None], odd: list[Odd] | None
    ) -> None:
        names, rows = table
        for column, values in self.leave.items():
            if column in names:
                at = names.index(column)
                rows = [row for row in rows if row[at] not in values]
        values_of, tells_of = plan.placed(tuple(names))
        for fields in rows:
            try:
                numbers = plan.numbers(values_of(fields))
            except (LookupError, TypeError, ValueError, OverflowError):
                row = dict(zip(names, fields, strict=True))
                missing.update(dict.fromkeys(name for name in plan.columns if name not in row))
                samples.put(*plan.some(row, odd))
            else:
                samples.put(plan.told(tells_of(fields)), numbers)

    def width(self, version: Version) -> int:
        """Series that one row has at most."""
        return len(self._plan(version).columns)

    def unknown(self, columns: Iterable[str]) -> list[str]:
        """Columns that the server gave and nothing here speaks of: a newer version's. Of a .sql file there are none.

        >>> Reading("SHOW X", {}, omitted={"avg_*": "means change"}).unknown(["avg_wait", "news"])
        ['news']
        """
        if self.view:
            return []
        exact = {*self.columns, *self.labels, *self.leave, *self.omitted}
        heads = tuple(name[:-1] for name in self.omitted if name.endswith("*"))
        return [name for name in columns if name not in exact and not name.startswith(heads)]

    def metrics(self) -> Iterator[Metric]:
        """Every metric that it feeds."""
        for column in self.columns.values():
            yield column if isinstance(column, Metric) else column.metric

    def bounded(self, names: tuple[str, ...]) -> "tuple[Bounded, ...]":
        """What the values of its columns can be, in the server's unit, for those of these columns that it has.

        >>> from metrics.model import Kind, Unit
        >>> share = Metric(name="hit_ratio", kind=Kind.GAUGE, unit=Unit.RATIO, help="Hits.")
        >>> Reading("SHOW X", {"percent": Column(share, 0.01)}).bounded(("name", "percent"))
        (Bounded(low=0.0, high=100.0, columns=('percent',), places=(1,)),)
        """
        known = self._bounded.get(names)
        if known is None:
            groups: dict[tuple[float, float], list[str]] = {}
            for name, each in self.columns.items():
                column = each if isinstance(each, Column) else Column(each)
                if name in names:
                    groups.setdefault(column.limits, []).append(name)
            known = tuple(
                Bounded(low, high, tuple(columns), tuple(names.index(name) for name in columns))
                for (low, high), columns in groups.items()
            )
            self._bounded[names] = known
        return known

    def _plan(self, version: Version) -> "_Plan":
        return self._plans.get(version) or self._plans.setdefault(version, _Plan(self, version))


class _Plan:
    """How the rows of one version are read: what is the same in every poll is worked out once.

    columns  their names
    """

    def __init__(self, reading: Reading, version: Version) -> None:
        given = {name: Column(each) if isinstance(each, Metric) else each for name, each in reading.columns.items()}
        columns = {name: column for name, column in given.items() if column.expected(version)}
        self.columns = list(columns)
        self._metrics = [column.metric.name for column in columns.values()]
        self._scales = [column.scale for column in columns.values()]
        self._plain = all(scale == 1.0 for scale in self._scales)
        self._more = [column.labels for column in columns.values()]
        order = sorted((label, column) for column, label in reading.labels.items())
        self._labels = tuple(label for label, _ in order)
        self._from = tuple(column for _, column in order)
        self.values, self._tells = _picking(self.columns), _picking(self._from)
        self._known: dict[tuple[object, ...], Keys] = {}
        self._placed: dict[tuple[str, ...], tuple[Picking, Picking]] = {}

    def placed(self, names: tuple[str, ...]) -> "tuple[Picking, Picking]":
        """What picks its values, and what its labels are made of, out of rows with these columns.

        The first raises IndexError where a column is not there: then the row has to be read by names.
        """
        known = self._placed.get(names)
        if known is None:
            places = [
                [names.index(name) if name in names else len(names) for name in wanted]
                for wanted in (self.columns, self._from)
            ]
            whole = len(names) not in places[1]
            known = self._placed[names] = _picking(places[0]) if whole else _picking([len(names)]), _picking(places[1])
        return known

    def numbers(self, values: Iterable[Any]) -> list[float]:
        """As floats, in base units. Raises TypeError, ValueError or OverflowError when one is none."""
        found = list(map(float, values))
        return found if self._plain else list(map(mul, found, self._scales))

    def some(self, row: Row, odd: list[Odd] | None = None) -> tuple[Keys, list[float]]:
        """Those of its values that are numbers; what is neither that nor NULL is named in ``odd``."""
        values = list(map(row.get, self.columns))
        which = tuple([at for at, value in enumerate(values) if value is not None])
        try:
            numbers = [float(values[at]) for at in which]  # type: ignore[arg-type]  # what is none is refused
        except (TypeError, ValueError, OverflowError):
            found = {at: number_of(values[at]) for at in which}
            if odd is not None:
                odd += [self._odd(row, at, values[at]) for at, number in found.items() if number is None]
            good = {at: number for at, number in found.items() if number is not None}
            which, numbers = tuple(good), list(good.values())
        return self.keys(row, which), [number * self._scales[at] for at, number in zip(which, numbers, strict=True)]

    def keys(self, row: Row, which: tuple[int, ...] | None = None) -> Keys:
        """Those of the row's values, or of some. Remembered: most rows come again in every poll."""
        try:
            given = self._tells(row)
        except KeyError:
            given = tuple([row.get(column, "") for column in self._from])
        return self.told(given, which)

    def told(self, given: tuple[Any, ...], which: tuple[int, ...] | None = None) -> Keys:
        """The same by what the labels are made of."""
        try:
            # Of texts alone, as most are. What is kept under them is texts: another thing is found by none.
            known = self._known.get(given if which is None else (given, which))
        except TypeError:
            known = None
        if known is not None:
            return known
        # As text: True and 1 are equal, and a list cannot be a key.
        told = tuple([value if value.__class__ is str else clean(value) for value in given])
        key = told if which is None else (told, which)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            texts = tuple(map(clean, told))
            known = self._known[key] = self._made(texts, range(len(self.columns)) if which is None else which)
        return known

    def _odd(self, row: Row, at: int, value: object) -> Odd:
        return " ".join(shown(row.get(column)) for column in self._from), self.columns[at], shown(value)

    def _made(self, values: tuple[str, ...], which: Iterable[int]) -> Keys:
        own = tuple(zip(self._labels, values, strict=True))
        labels = {at: labelled({**dict(own), **self._more[at]}) if self._more[at] else own for at in which}
        return Keys(tuple(self._metrics[at] for at in labels), tuple(labels.values()))


def _picking(names: Sequence[Any]) -> Picking:
    """Some values of a row, in this order. Raises LookupError when one is not there."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple([row[name] for name in names])


def number_of(value: Any) -> float | None:
    """A float, or None for anything that is none."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        return None
