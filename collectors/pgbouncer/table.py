"""An answer of the console as it came: there may be thousands of rows, of which few are looked at closely."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from collectors.failed import Failed
from metrics.poll import ErrorClass

Fields = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Names of columns, and rows."""

    names: Sequence[str]
    rows: Sequence[Fields]

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


def total(values: Iterable[Any]) -> float | None:
    """The sum of what is a number; None when nothing is.

    >>> total([1, None, 2]), total([None])
    (3, None)
    """
    numbers = [value for value in values if isinstance(value, int | float)]
    return sum(numbers) if numbers else None


EMPTY = Table((), ())
