"""How a source's ``max_series`` is shared out."""

from collections.abc import Mapping

RELATIONS = 0.55
STATEMENTS = 0.25
"""What is left, a fifth, is for readings of the whole server."""

DATABASE = 100
"""Of so many series one database may have its tables watched: what is said of each has to fit as well."""


def allot(series: float, wants: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """How many rows each reading may show: even shares of the series, and what one does not need goes to the others.

    wants   rows that there are, and series that each costs

    >>> allot(1000, {"tables": (10, 8), "indexes": (5000, 8), "work": (10, 40)})
    {'tables': 10, 'work': 10, 'indexes': 65}
    """
    left, given = max(series, 0.0), {}
    waiting = sorted(wants, key=lambda name: wants[name][0] * wants[name][1])
    for number, name in enumerate(waiting):
        rows, cost = wants[name]
        given[name] = min(rows, int(left / (len(waiting) - number) / cost)) if cost else rows
        left -= given[name] * cost
    return given
