"""The subjects that a PostgreSQL is asked about, in the order of asking.

A part reads one subject in some tiers and may remember things from round to round. To add one: write a module with
a class that has ``tiers`` and ``read``, and a line below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from collectors.postgres import metrics
from collectors.postgres import metrics_vacuum as vacuum
from collectors.postgres import metrics_wal as wal
from collectors.postgres.activity import Activity, Waits
from collectors.postgres.ask import Ask
from collectors.postgres.databases import Databases
from collectors.postgres.inside import Inside
from collectors.postgres.relations import Relations
from collectors.postgres.server import Server
from collectors.postgres.settings import Settings
from collectors.postgres.source import PostgresSource
from collectors.postgres.statements import Statements
from collectors.round import Round
from metrics.poll import Tier
from metrics.reading import Reading


class Part(Protocol):
    """One subject."""

    @property
    def tiers(self) -> Sequence[Tier]:
        """Those in which it is read."""

    def read(self, round_: Round, ask: Ask) -> None:
        """Put its readings into the round. Raises Failed only when nothing is worth going on."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Readings that are a statement each and need nothing remembered."""

    tiers: Sequence[Tier]
    readings: Sequence[Reading]

    def read(self, round_: Round, ask: Ask) -> None:
        """One after the other."""
        for reading in self.readings:
            ask.take(round_, reading)


def parts(source: PostgresSource) -> tuple[Part, ...]:
    """All parts, fresh: they are one source's."""
    inside = Inside()
    return (
        Databases(source),
        Server(),
        Waits(),
        Plain([Tier.FAST], (metrics.ACTIVITY, metrics.SESSIONS, metrics.CHECKPOINTS)),
        # What is of this moment is asked before what takes longer: its ages are of the round's time.
        Activity(),
        Plain([Tier.MEDIUM], (vacuum.WORKERS, vacuum.PROGRESS)),
        Relations(source, [inside]),
        Statements(source.max_series),
        Plain([Tier.MEDIUM], (wal.WAL, wal.WAL_FILES, wal.ARCHIVER, wal.WRITERS, wal.IO, wal.SLRU)),
        Settings(),
        inside,
    )
