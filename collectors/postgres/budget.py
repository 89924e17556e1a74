"""How a source's ``max_series`` is shared out."""

from collections.abc import Mapping
from dataclasses import dataclass

SERVER = 600
"""Series for readings of the whole server and of its databases, which are not capped one by one."""

LEAST = 0.3
"""Share of few series that relations and statements have all the same."""

RELATIONS = 0.65
"""Of what is left for the two."""

DATABASE = 150
"""Of so many series one database may have its tables watched: what is said of each has to fit as well."""


@dataclass(frozen=True, slots=True)
class Want:
    """How many rows a reading has, how many series each costs, and how much more it matters than others."""

    rows: int
    cost: int
    weight: int = 1

    @property
    def hunger(self) -> float:
        """Series for each of its weights."""
        return self.rows * self.cost / self.weight


def relations(max_series: int) -> float:
    """Series for tables and indexes.

    >>> relations(2000), statements(2000), round(relations(400))
    (910.0, 490.0, 78)
    """
    return RELATIONS * _left(max_series)


def statements(max_series: int) -> float:
    """Series for statements."""
    return _left(max_series) - relations(max_series)


def databases(max_series: int) -> int:
    """Databases whose tables are watched."""
    return max(2, max_series // DATABASE)


def allot(series: float, wants: Mapping[str, Want]) -> dict[str, int]:
    """How many rows each reading may show: shares by weight, and what one does not need goes to the others.

    >>> allot(1000, {"tables": Want(10, 8), "indexes": Want(5000, 8), "work": Want(10, 40)})
    {'tables': 10, 'work': 10, 'indexes': 65}
    """
    left, given = max(series, 0.0), {}
    weights = sum(want.weight for want in wants.values())
    for name, want in sorted(wants.items(), key=lambda item: item[1].hunger):
        given[name] = min(want.rows, int(left * want.weight / weights / want.cost))
        left -= given[name] * want.cost
        weights -= want.weight
    return given


def _left(max_series: int) -> float:
    return max(max_series - SERVER, LEAST * max_series)
