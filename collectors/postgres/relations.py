"""Tables and indexes of all databases of a server, over connections that are closed again.

The connection to the source's own database is kept. Any other would stand in the way of DROP DATABASE and of CREATE
DATABASE … TEMPLATE, so each turn visits some of the others and lets go of them at once; of those not visited, what
was seen at the last visit is told again, so that sums over all of them stay whole.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import ClassVar, Protocol

from collectors.failed import Disconnected, Failed
from collectors.frame import Frame
from collectors.postgres import budget, metrics
from collectors.postgres import metrics_tables as more
from collectors.postgres.ask import Ask, beside
from collectors.postgres.metrics_indexes import INDEXES
from collectors.postgres.relation_rows import Capped
from collectors.postgres.source import PostgresSource
from collectors.postgres.tables import state, sums
from collectors.postgres.watched import Watched
from collectors.round import MOST_ROWS, Round
from metrics.poll import ErrorClass, Tier
from metrics.reading import Reading
from metrics.text import ESCAPE, clean

TABLE = ("nspname", "relname")
INDEX = (*TABLE, "indexrelname")
SILENT = (ErrorClass.UNREACHABLE, ErrorClass.TIMEOUT)
LEAST_TIME = 0.2
"""Seconds below which no further database is begun."""


class Visitor(Protocol):
    """Whoever has something to ask in each database while there is a connection to it."""

    def visit(self, round_: Round, ask: Ask) -> None:
        """Raises Disconnected only."""

    def among(self, names: Collection[str]) -> None:
        """Told after each turn of which databases something is known that still holds."""


class Relations:
    """Remembers the last rows of each database; takes visitors along to those that are not the source's own."""

    tiers: ClassVar[Sequence[Tier]] = (Tier.MEDIUM,)

    def __init__(self, source: PostgresSource, visitors: Sequence[Visitor] = ()) -> None:
        """Nothing was read yet."""
        self._visitors = visitors
        self._watched = Watched(source, budget.databases(source.max_series))
        self._capped = Capped(source.max_series)
        self._tables: dict[str, Frame] = {}
        self._indexes: dict[str, Frame] = {}
        self._failed: set[str] = set()

    def read(self, round_: Round, ask: Ask) -> None:
        """Those of the own database, then those of as many others as there is time for."""
        if ask.version < metrics.TABLES.since:
            return
        with round_.part("connectable"):
            names = [clean(row["datname"]) for row in ask.rows("connectable")]
            self._watched.among([name for name in names if ESCAPE not in name])
            if odd := [name for name in names if ESCAPE in name]:
                text = f"Databases whose names are no UTF-8 cannot be connected to by name: {', '.join(odd)}."
                hint = "ALTER DATABASE … RENAME TO …, where its name reads as it should."
                round_.finding("database_names", text, hint, statement="connectable")
        self._read_own(round_, ask)
        for name, inside in self._visits(ask):
            part = f"tables of {name}"
            if round_.wants(part):
                self._failed.add(name)
                with round_.part(part):
                    self._visit(round_, name, inside)
                    self._failed.discard(name)
            if part in round_.partial and round_.partial[part].kind in SILENT:
                # libpq waits 2 s for a connection at least: the others would be as silent.
                break
        self._forget()
        self._tell(round_, ask)

    def _read_own(self, round_: Round, ask: Ask) -> None:
        """Each of the two readings for itself."""
        for reading, more_of, labels, frames in (
            (metrics.TABLES, (more.WORK,), TABLE, self._tables),
            (INDEXES, (), INDEX, self._indexes),
        ):
            frames.pop(ask.database, None)
            if round_.wants(reading.statement):
                with round_.part(reading.statement):
                    frames[ask.database] = _frame(round_, ask, (reading, *more_of), labels)

    def _visits(self, ask: Ask) -> Iterator[tuple[str, Ask]]:
        """Databases to visit, each with an even share of the time that is left and one more for what comes after."""
        turn = self._watched.turn()
        for number, name in enumerate(turn):
            now = time.monotonic()
            share = (ask.deadline - now) / (len(turn) - number + 1)
            if share < LEAST_TIME:
                return
            self._watched.visited(name)
            yield name, replace(ask, database=name, deadline=now + share)

    def _visit(self, round_: Round, name: str, ask: Ask) -> None:
        """Raises Failed, whatever became of the connection: it is no other's."""
        self._tables.pop(name, None)
        self._indexes.pop(name, None)
        try:
            with closing(beside(ask, name)) as inside:
                ask = replace(ask, connection=inside)
                self._tables[name] = _frame(round_, ask, (metrics.TABLES, more.WORK), TABLE)
                self._indexes[name] = _frame(round_, ask, (INDEXES,), INDEX)
                self._hold(name)
                for visitor in self._visitors:
                    visitor.visit(round_, ask)
        except Disconnected as lost:
            failure = lost.failure
            if failure.kind is ErrorClass.GONE:
                return
            # A database that refuses us logs each attempt: not again for an hour.
            kind = ErrorClass.FORBIDDEN if failure.kind is ErrorClass.AUTH else failure.kind
            raise Failed(kind, failure.text, failure.hint) from None

    def _hold(self, name: str) -> None:
        """Memory is bounded over all databases too. Raises Failed, with which this one is left alone for an hour."""
        if sum(len(frame) for frames in (self._tables, self._indexes) for frame in frames.values()) > MOST_ROWS:
            del self._tables[name], self._indexes[name]
            text = f"all databases together have more than {MOST_ROWS:,} tables and indexes"
            raise Failed(ErrorClass.MISSING, text, "Name the databases that matter in include.")

    def _forget(self) -> None:
        """Databases that are gone or no longer meant."""
        for frames in (self._tables, self._indexes):
            for name in frames.keys() - set(self._watched.names):
                del frames[name]
        self._failed &= set(self._watched.names)
        for visitor in self._visitors:
            visitor.among({self._watched.source.database, *self._tables})

    def _tell(self, round_: Round, ask: Ask) -> None:
        both = [name for name in self._tables if name in self._indexes]
        self._capped.tell(round_, ask.version, self._tables, self._indexes)
        states = [state(name, frame, in_recovery=ask.in_recovery) for name, frame in self._tables.items() if len(frame)]
        round_.take(metrics.TABLES_STATE, states, ask.version)
        round_.take(more.SUMS, [sums(name, self._tables[name], self._indexes[name]) for name in both], ask.version)
        counts = {
            "watched": len(both),
            "waiting": len(self._watched.names) - len(both) - len(self._failed - set(both)),
            "failed": len(self._failed),
            "excluded": self._watched.excluded,
            "left out": self._watched.left_out,
        }
        round_.take(more.WATCHED, [{"state": name, "databases": count} for name, count in counts.items()])


def _frame(round_: Round, ask: Ask, readings: Sequence[Reading], labels: Sequence[str]) -> Frame:
    """The rows of a statement, with the database before their other names. Raises Failed."""
    names, rows = ask.table(readings[0].statement)
    return round_.framed(readings, (names, rows), labels, within={"datname": ask.database})
