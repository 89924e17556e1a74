"""What people and the outside were told: small, shared by short transactions, safe from a power cut."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from metrics.poll import Event, EventKind
from storage import files, migrations


class StateStore:
    """The state file; any process may write to it."""

    def __init__(self, folder: Path) -> None:
        """Create or bring up to date the folder's state file."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / files.STATE
        files.migrate(self.path, migrations.state)

    def add(self, event: Event) -> None:
        """Keep an event; it is on disk when this returns."""
        with _transaction(self.path) as db:
            db.execute(
                "insert into event (kind, at, until, source, text) values (?, ?, ?, ?, ?)",
                (event.kind, event.at, event.until, event.source, event.text),
            )

    def events(self, start: float, end: float) -> list[Event]:
        """Events that touch a span, oldest first."""
        with _transaction(self.path) as db:
            rows = db.execute(
                "select kind, at, text, source, until from event"
                " where at <= ? and coalesce(until, at) >= ? order by at",
                (end, start),
            ).fetchall()
        return [Event(EventKind(kind), at, text, source, until) for kind, at, text, source, until in rows]


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
