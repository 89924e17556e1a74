"""One statement put to a server, and how the rows of its answer become samples. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from metrics.model import Metric, Sample, labelled
from metrics.poll import Tier

Row = Mapping[str, object]
Version = tuple[int, ...]


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

    def read(self, rows: Iterable[Row], version: Version = ()) -> tuple[list[Sample], list[str]]:
        """Samples, and the columns that this version should have and that were not there.

        A value that is NULL or no number gives no sample: nothing happened is not zero.
        """
        samples: list[Sample] = []
        missing: dict[str, None] = {}
        order = sorted((label, column) for column, label in self.labels.items())
        expected = [(name, col.metric.name, col.scale, col.labels) for name, col in self._expected(version)]
        for row in rows:
            if self.leave and any(str(row.get(column)) in values for column, values in self.leave.items()):
                continue
            labels = tuple((label, str(row.get(column, ""))) for label, column in order)
            for name, metric, scale, more in expected:
                value = row.get(name, _ABSENT)
                # Most values are plain numbers, and there are thousands of them in a poll.
                number = value if type(value) is float else _number(value)
                if number is not None:
                    own = labelled({**dict(labels), **more}) if more else labels
                    samples.append(Sample(metric, own, number * scale))
                elif value is _ABSENT:
                    missing[name] = None
        return samples, list(missing)

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

    def _expected(self, version: Version) -> Iterator[tuple[str, Column]]:
        for name, given in self.columns.items():
            column = Column(given) if isinstance(given, Metric) else given
            if column.expected(version):
                yield name, column


_ABSENT = object()


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
