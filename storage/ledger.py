"""The state file's short transactions, shared by what keeps alerts, deliveries and silences in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from storage import files, migrations


class Ledger:
    """One state file. Any process may write: each call is one immediate transaction, on disk when it returns."""

    def __init__(self, folder: Path) -> None:
        """Create or bring up to date the folder's state file."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / files.STATE
        files.migrate(self.path, migrations.state)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that may write: all of it or nothing."""
        with closing(files.connect(self.path, write=True)) as db:
            db.execute("begin immediate")
            try:
                yield db
            except BaseException:
                if db.in_transaction:
                    db.execute("rollback")
                raise
            db.execute("commit")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent state; waits for no writer."""
        with closing(files.connect(self.path, write=False)) as db:
            db.execute("begin")
            yield db
