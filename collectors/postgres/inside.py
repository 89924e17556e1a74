"""What is read inside each database, whenever there is a connection to it, and told when its tier is polled.

What is due hourly is read at the first visit after an hour and kept until the slow tier tells it: a connection to a
database is made once for all that is asked there.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from collectors.postgres import bloat, definitions
from collectors.postgres import metrics_bloat as bloating
from collectors.postgres import metrics_vacuum as metrics
from collectors.postgres.ask import Ask, Rows
from collectors.round import Round
from metrics.poll import EventKind, Tier
from metrics.reading import Reading
from metrics.text import clean

_NAMES = ("nspname", "relname")

HOUR = 3600.0
EARLY = 60.0
MINUTE = 60.0
PATIENCE = 900.0
"""Longest between two looks at the definitions of a database whose catalog changes without a change of definitions."""


@dataclass(slots=True)
class _Database:
    """What is known of one database; times are of time.monotonic()."""

    seen: float = 0.0
    there: bool = True
    hourly: float = 0.0
    told: dict[str, tuple[Reading, Rows]] = field(default_factory=dict)
    mark: str = ""
    things: definitions.Things | None = None
    looked: float = -PATIENCE
    wait: float = 0.0


@dataclass(slots=True)
class Inside:
    """Remembers what each database gave.

    pause   least seconds between two looks at the definitions of one
    """

    tiers: ClassVar[Sequence[Tier]] = (Tier.MEDIUM, Tier.SLOW)
    pause: float = MINUTE
    _known: dict[str, _Database] = field(default_factory=dict)

    def read(self, round_: Round, ask: Ask) -> None:
        """Visit the source's own database, and tell what all of them gave."""
        if round_.tier is Tier.MEDIUM:
            self.visit(round_, ask)
        now = time.monotonic()
        self._known = {name: known for name, known in self._known.items() if now - known.seen < 2 * HOUR}
        for known in (known for known in self._known.values() if known.there):
            for reading, rows in known.told.values():
                if reading.tier is round_.tier:
                    round_.take(reading, rows, ask.version)

    def among(self, names: Collection[str]) -> None:
        """Of others nothing is told: they are gone, or refused the last visit. What is known of them is kept."""
        for name, known in self._known.items():
            known.there = name in names

    def visit(self, round_: Round, ask: Ask) -> None:
        """Read what is due in the database that is asked."""
        now = time.monotonic()
        known = self._known.setdefault(ask.database, _Database())
        known.seen, known.there = now, True
        with _part(round_, ask, "autovacuum"):
            rows = [] if ask.in_recovery else ask.rows("autovacuum")
            _tell(known, metrics.DUE, [row for row in rows if row["due"] is not None])
            counts = {clean(row["reason"]): row for row in rows}
            _tell(known, metrics.DUE_TABLES, counts.values())
        if now - known.looked >= known.wait:
            known.looked = now
            with _part(round_, ask, "definitions"):
                _look(round_, ask, known, self.pause)
        if now >= known.hourly:
            known.hourly = now + HOUR - EARLY
            self._hourly(round_, ask, known)

    def _hourly(self, round_: Round, ask: Ask, known: _Database) -> None:
        for reading in (metrics.OLDEST, metrics.SEQUENCES, metrics.SEQUENCES_HIDDEN):
            with _part(round_, ask, reading.statement):
                _tell(known, reading, ask.rows(reading.statement))
        # A standby has the primary's pg_class and pg_statistic.
        with _part(round_, ask, "bloat"):
            found = round_.each("bloat", ask.rows(_widths(ask, "bloat")), bloat.estimate, names=_NAMES)
            worst, unknown = bloat.worst(found, bloat.SHOWN)
            _tell(known, bloating.BLOAT, worst)
            _tell(known, bloating.BLOAT_UNKNOWN, [{"datname": ask.database, "unknown": unknown}])
        with _part(round_, ask, "index_bloat"):
            rows = ask.rows(_widths(ask, "index_bloat"))
            found = round_.each("index_bloat", rows, bloat.of_index, names=(*_NAMES, "indexrelname"))
            worst, unknown = bloat.worst(found, bloat.INDEXES)
            _tell(known, bloating.INDEX_BLOAT, worst)
            _tell(known, bloating.INDEX_BLOAT_UNKNOWN, [{"datname": ask.database, "unknown": unknown}])


def _widths(ask: Ask, statement: str) -> str:
    """The statement, or the same of the view of column widths where that may be read."""
    return f"{statement}_view" if ask.one("widths")["readable"] else statement


def _look(round_: Round, ask: Ask, known: _Database, pause: float) -> None:
    mark = ask.one("definitions_mark")["mark"]
    if mark == known.mark:
        known.wait = pause
        return
    now = dict(round_.each("definitions", ask.rows("definitions"), definitions.thing, names=_NAMES))
    lines = definitions.changes(known.things, now) if known.things is not None else []
    for line in lines:
        round_.event(EventKind.DDL, f"{ask.database}: {line}")
    # Temporary tables change the mark too: where only they do, the dear look is taken more seldom.
    known.wait = pause if lines or known.things is None else min(PATIENCE, known.wait * 2)
    known.mark, known.things = mark, now


@contextmanager
def _part(round_: Round, ask: Ask, statement: str) -> Iterator[None]:
    """One reading, named by its database where that is not the source's own."""
    own = ask.database == ask.source.database
    with round_.part(statement if own else f"{statement} of {ask.database}"):
        yield


def _tell(known: _Database, reading: Reading, rows: Iterable[dict[str, object]]) -> None:
    known.told[reading.statement] = (reading, list(rows))
