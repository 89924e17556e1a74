"""What people and the outside were told: small, shared by short transactions, safe from a power cut."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from metrics.poll import Event, EventKind
from storage import files, migrations


@dataclass(frozen=True, slots=True)
class Noted:
    """An event as it is kept: by its number it can be removed."""

    id: int
    event: Event


class StateStore:
    """The state file; any process may write to it."""

    def __init__(self, folder: Path) -> None:
        """Create or bring up to date the folder's state file."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / files.STATE
        files.migrate(self.path, migrations.state)

    def add(self, event: Event) -> int:
        """Keep an event and give its number; it is on disk when this returns."""
        with _transaction(self.path) as db:
            added = db.execute(
                "insert into event (kind, at, until, source, text) values (?, ?, ?, ?, ?)",
                (event.kind, event.at, event.until, event.source, event.text),
            )
            return int(added.lastrowid or 0)

    def events(self, start: float, end: float) -> list[Event]:
        """Events that touch a span, oldest first."""
        return [noted.event for noted in reversed(self.noted(start, end))]

    def noted(self, start: float, end: float, kind: str = "", source: str = "", most: int = -1) -> list[Noted]:
        """Events that touch a span with their numbers, newest first; ``source`` gives those that speak of all, too."""
        with _transaction(self.path) as db:
            rows = db.execute(
                "select id, kind, at, text, source, until from event"
                " where at <= ? and coalesce(until, at) >= ? and ? in ('', kind) and (? in ('', source) or source = '')"
                " order by at desc, id desc limit ?",
                (end, start, kind, source, most),
            ).fetchall()
        return [Noted(row, Event(EventKind(kind), *rest)) for row, kind, *rest in rows]

    def remove(self, number: int) -> Event | None:
        """Forget an event; None when there is none of that number."""
        with _transaction(self.path) as db:
            rows = db.execute(
                "delete from event where id = ? returning kind, at, text, source, until", (number,)
            ).fetchall()
        return Event(EventKind(rows[0][0]), *rows[0][1:]) if rows else None


@contextmanager
def _transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """One short immediate transaction on a connection of its own."""
    with closing(files.connect(path, write=True)) as db:
        db.execute("begin immediate")
        try:
            yield db
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")
