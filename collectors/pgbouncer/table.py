"""An answer of the console as it came: there may be thousands of rows, of which few are looked at closely."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from collectors.failed import Failed
from metrics.poll import ErrorClass

Fields = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Names of columns, and rows."""

    names: Sequence[str]
    rows: Sequence[Fields]
    _columns: list[Fields] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def columns(self) -> Sequence[Fields]:
        """The same by columns, made when first asked for: one for each name, unless there are no rows."""
        if not self._columns:
            self._columns.extend(zip(*self.rows, strict=True))
        return self._columns

    def place(self, name: str) -> int:
        """Where a column stands that nothing can be done without. Raises Failed when it is not there."""
        try:
            return self.names.index(name)
        except ValueError:
            raise Failed(ErrorClass.MISSING, f"no column {name}", quiet=True) from None

    def dicts(self, rows: Iterable[Fields] | None = None) -> list[dict[str, Any]]:
        """Rows, all or those given, by the names of their columns.

        >>> Table(["a", "b"], [(1, 2)]).dicts()
        [{'a': 1, 'b': 2}]
        """
        names = self.names
        return [dict(zip(names, row, strict=True)) for row in (self.rows if rows is None else rows)]

    def without(self, column: str, value: str) -> "Table":
        """Only the rows in which a column has another value."""
        at = self.place(column)
        return Table(self.names, [row for row in self.rows if row[at] != value])

    def only(self, column: str, value: str) -> "Table":
        """Only the rows in which a column has this value."""
        at = self.place(column)
        return Table(self.names, [row for row in self.rows if row[at] == value])


class Rows:
    """Rows of which most stay as they came: those of a table, and further ones by the names of their columns.

    >>> [row["a"] for row in Rows(Table(["a"], [(1,)]), [{"a": 2}])]
    [1, 2]
    """

    __slots__ = ("further", "table")

    def __init__(self, table: Table, further: Sequence[Mapping[str, Any]] = ()) -> None:
        """The further ones come last."""
        self.table, self.further = table, further

    def __len__(self) -> int:
        return len(self.table.rows) + len(self.further)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        yield from self.table.dicts()
        yield from self.further


def total(values: Iterable[Any]) -> float | None:
    """The sum of what is a number; None when nothing is.

    >>> total([1, None, 2]), total([None])
    (3, None)
    """
    numbers = [value for value in values if isinstance(value, int | float)]
    return sum(numbers) if numbers else None


EMPTY = Table((), ())
