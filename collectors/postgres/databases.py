"""The databases of a server as wholes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from collectors.postgres import metrics
from collectors.postgres import metrics_database as more
from collectors.postgres.ask import Ask, Rows
from collectors.postgres.source import PostgresSource
from collectors.rest import Rest, Start
from collectors.round import Round
from metrics.poll import EventKind, Tier
from metrics.reading import Reading
from metrics.text import clean

SERIES = 40
"""Series that one database costs."""

GAUGES = ("numbackends",)


@dataclass(slots=True)
class Databases:
    """The busiest have series of their own."""

    tiers: ClassVar[Sequence[Tier]] = (Tier.FAST, Tier.MEDIUM, Tier.SLOW)
    source: PostgresSource
    _rest: Rest | None = None
    _start: Start = field(default_factory=Start)
    _shown: frozenset[str] = frozenset()
    _resets: dict[str, object] = field(default_factory=dict)
    _next: int = 0

    def read(self, round_: Round, ask: Ask) -> None:
        """What each tier has of them."""
        match round_.tier:
            case Tier.FAST:
                self._traffic(round_, ask)
            case Tier.MEDIUM:
                self._state(round_, ask)
            case Tier.SLOW:
                ask.take(round_, more.ROLES)
                ask.take(round_, more.TEMPLATES)
                if not ask.in_recovery:
                    # Zeros, for those who look for them.
                    self._told(round_, ask, more.CONFLICTS)
                with round_.part("database_size"):
                    self._sizes(round_, ask)
        opened = self._rest is not None and self._rest.opened
        round_.epochs[metrics.EPOCH] = self._start.epoch(round_.epochs[metrics.EPOCH], rest=opened)

    def _traffic(self, round_: Round, ask: Ask) -> None:
        reading = metrics.DATABASE
        if not round_.wants(reading.statement):
            return
        with round_.part(reading.statement):
            rows = round_.believed(reading, ask.rows(reading.statement))
            if not rows:
                return
            shown, rest, left = self._ranked(rows).look(rows)
            self._shown = frozenset(row["datname"] for row in shown)
            round_.take(reading, [*shown, *rest], ask.version)
            round_.left_out += left
            self._notice(round_, rows)

    def _ranked(self, rows: Rows) -> Rest:
        if self._rest is None:
            have = rows[0].keys() - {*GAUGES}
            counters = [name for name in metrics.DATABASE.columns if name in have]
            most = max(10, self.source.max_series // SERIES)
            rank = ("xact_commit", "xact_rollback")
            self._rest = Rest(["datname"], counters, rank, most, GAUGES)
        return self._rest

    def _notice(self, round_: Round, rows: Rows) -> None:
        """Resets of databases that were there before."""
        for row in rows:
            name, reset = row["datname"], row["stats_reset"]
            if name in self._resets and reset is not None and reset != self._resets[name]:
                at = reset.timestamp() if isinstance(reset, datetime) else None
                round_.event(EventKind.RESET, f"statistics of database {name} were reset", at)
        self._resets = {row["datname"]: row["stats_reset"] for row in rows}

    def _state(self, round_: Round, ask: Ask) -> None:
        self._told(round_, ask, more.DATABASES)
        if ask.in_recovery:
            self._told(round_, ask, more.CONFLICTS)

    def _told(self, round_: Round, ask: Ask, reading: Reading) -> None:
        """Of those that have series of their own."""
        if round_.wants(reading.statement):
            with round_.part(reading.statement):
                rows = round_.believed(reading, ask.rows(reading.statement))
                round_.take(reading, [row for row in rows if self._tells(row["datname"])], ask.version)

    def _tells(self, name: str) -> bool:
        """Whether a database has series of its own. A template has none by its traffic, and there are few."""
        known = self._rest is not None and name in self._resets
        return name in self._shown or not known

    def _sizes(self, round_: Round, ask: Ask) -> None:
        """As many as half of the time allows, going on next time where this one ends."""
        # By their numbers: a name may be no text in our encoding.
        named = [(clean(row["datname"]), row["oid"]) for row in ask.rows("database_names")]
        found = [(name, oid) for name, oid in named if self._tells(name)]
        enough = (time.monotonic() + ask.deadline) / 2
        begun = self._next % max(1, len(found))
        for number, (name, oid) in enumerate([*found[begun:], *found[:begun]]):
            if time.monotonic() > enough:
                self._next = begun + number
                break
            with round_.part(f"size of {name}"):
                round_.take(more.SIZE, ask.rows("database_size", [oid]), ask.version)
        round_.take(more.SIZES, [{"at": time.time()}], ask.version)
