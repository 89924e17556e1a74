"""One statement put to a server, and how the rows of its answer become samples. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from metrics.model import Labels, Metric, Sample, labelled
from metrics.poll import Tier

Row = Mapping[str, object]
Version = tuple[int, ...]

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

    def expected(self, version: Version) -> bool:
        """Whether a server of this version has it.

        >>> from metrics.model import Kind, Unit
        >>> m = Metric(name="x_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="X.")
        >>> Column(m, since=(1, 23)).expected((1, 18, 0))
        False
        """
        return version >= self.since and (self.before is None or version < self.before)


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

    def read(self, rows: Iterable[Row], version: Version = ()) -> tuple[list[Sample], list[str]]:
        """Samples, and the columns that this version should have and that were not there.

        A value that is NULL or no number gives no sample: nothing happened is not zero.
        """
        plan = self._plan(version)
        samples: list[Sample] = []
        missing: dict[str, None] = {}
        for row in rows:
            if self.leave and any(str(row.get(column)) in values for column, values in self.leave.items()):
                continue
            for (name, metric, scale), labels in zip(plan.columns, plan.labels(row), strict=True):
                value = row.get(name, _ABSENT)
                # Most values are plain numbers, and there are thousands of them in a poll.
                number = value if type(value) is float else _number(value)
                if number is not None:
                    samples.append(_NEW(Sample, (metric, labels, number * scale)))
                elif value is _ABSENT:
                    missing[name] = None
        return samples, list(missing)

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

    def _plan(self, version: Version) -> "_Plan":
        return self._plans.get(version) or self._plans.setdefault(version, _Plan(self, version))


class _Plan:
    """How the rows of one version are read: what is the same in every poll is worked out once.

    columns  name, metric, scale
    """

    def __init__(self, reading: Reading, version: Version) -> None:
        given = {name: Column(each) if isinstance(each, Metric) else each for name, each in reading.columns.items()}
        columns = {name: column for name, column in given.items() if column.expected(version)}
        self.columns = [(name, column.metric.name, column.scale) for name, column in columns.items()]
        self._more = [column.labels for column in columns.values()]
        order = sorted((label, column) for column, label in reading.labels.items())
        self._labels = tuple(label for label, _ in order)
        self._from = tuple(column for _, column in order)
        self._known: dict[tuple[str, ...], list[Labels]] = {}

    def labels(self, row: Row) -> list[Labels]:
        """Those of each column. Remembered: most rows come again in every poll."""
        values = tuple([str(row.get(column, "")) for column in self._from])
        known = self._known.get(values)
        if known is None:
            own = tuple(zip(self._labels, values, strict=True))
            known = [labelled({**dict(own), **more}) if more else own for more in self._more]
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[values] = known
        return known


_ABSENT = object()
_NEW = tuple.__new__
"""Of a Sample, without the call in Python that its own constructor is."""


def _number(value: object) -> float | None:
    """A float, or None for anything that is none."""
    if type(value) is int and -_WIDE < value < _WIDE:
        return float(value)
    if isinstance(value, bool) or value is None or value is _ABSENT:
        return float(value) if isinstance(value, bool) else None
    try:
        return float(str(value))
    except ValueError:
        return None


_WIDE = 1 << 200
"""Whole numbers under this have a float."""
