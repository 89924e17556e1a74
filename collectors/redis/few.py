"""A Rest that costs nothing while there are few rows."""

from collections.abc import Sequence

from collectors.rest import Rest, Row


class Few:
    """Looks as a Rest does; while no row has to be left out it only remembers the rows, to be the base line."""

    def __init__(self, key: Sequence[str], counters: Sequence[str], rank: Sequence[str], most: int) -> None:
        """As Rest has them."""
        self._most = most
        self._rest = Rest(key, counters, rank, most)
        self._before: Sequence[Row] | None = None
        self.opened = False

    def look(self, rows: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row], int]:
        """Rows to show as they are, no row or the one of all others, and how many those are."""
        if not self.opened and len(rows) <= self._most:
            self._before = rows
            return rows, [], 0
        if not self.opened and self._before is not None:
            self._rest.look(self._before)
        self.opened = True
        return self._rest.look(rows)
