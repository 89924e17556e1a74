"""How far each remote has been served: a time per remote in state.db, so that a restart goes on from there."""

from contextlib import closing
from pathlib import Path

from sqlite_utils import Database, Migrations

from storage import files

migrations = Migrations("trivet.remote")


@migrations(name="m001_marks")
def _m001_marks(db: Database) -> None:
    """Everything up to this time was sent, seconds of the epoch."""
    db.table("remote_mark").create({"remote": str, "at": float}, pk="remote")


class Marks:
    """The watermarks of a data folder."""

    def __init__(self, folder: Path) -> None:
        """Bring the folder's state file up to date."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / files.STATE
        files.migrate(self._path, migrations)

    def get(self, remote: str) -> float | None:
        """None for a remote that was never served."""
        with closing(files.connect(self._path, write=False)) as db:
            row = db.execute("select at from remote_mark where remote = ?", (remote,)).fetchone()
        return None if row is None else float(row[0])

    def set(self, remote: str, at: float) -> None:
        """On disk when this returns. An earlier time than before sends again what came after it."""
        with closing(files.connect(self._path, write=True)) as db:
            db.execute(
                "insert into remote_mark (remote, at) values (?, ?) on conflict do update set at = excluded.at",
                (remote, at),
            )
