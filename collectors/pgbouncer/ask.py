"""Asking the console for readings, each by itself: what one cannot give does not cost the others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collectors.pgbouncer.table import EMPTY, Rows, Table
from collectors.round import Round
from metrics.reading import Reading

Show = Callable[[float, str], Table]


class Ask:
    """Asks for readings of one round, for a server of one version."""

    def __init__(self, round_: Round, deadline: float, version: tuple[int, ...], show: Show) -> None:
        """``show`` asks the console."""
        self.round_, self.deadline, self.version, self._show = round_, deadline, version, show

    def __call__(self, reading: Reading, raw: Reading | None = None) -> Table:
        """The answer with the columns that tell its rows apart, or none: not in this version, off, or failed.

        raw   further columns of numbers, from which others are made
        """
        if self.version < reading.since or not self.round_.wants(reading.statement):
            return EMPTY
        answer = EMPTY
        with self.round_.part(reading.statement):
            table = self._show(self.deadline, reading.statement)
            for column in reading.labels:
                table.place(column)
            readings = [reading] if raw is None else [reading, raw]
            rows = self.round_.believed_fields(readings, table.names, table.rows, table.columns)
            answer = table if rows is table.rows else Table(table.names, rows)
        return answer  # noqa: RET504 - part() keeps what fails from passing

    def take(self, reading: Reading, rows: Rows | Sequence[Mapping[str, Any]]) -> None:
        """Samples of rows, if there are any."""
        if isinstance(rows, Rows):
            if rows:
                self.round_.take(reading, rows.further, self.version, (rows.table.names, rows.table.rows))
        elif rows:
            self.round_.take(reading, rows, self.version)
