"""Fault 12: the migration of an older file, killed at each of its statements."""

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from benchmarks.faults import polls
from benchmarks.faults.checking import wrong
from benchmarks.faults.child import Acked
from benchmarks.faults.fault import Outcome
from storage import files, migrations

POLLS = 40


def at_each_statement(ground: Path, times: int) -> Outcome:
    """Up to ``times`` places, spread over all statements: the old file or the new one, never one between."""
    outcome = Outcome()
    old = ground / "old"
    acked = first_version(old)
    total = _migrated(old, ground / "whole", 0)
    places = sorted({round(place) for place in np.linspace(1, total, min(times, total))})
    for place in places:
        folder = ground / str(place)
        ended = _migrated(old, folder, place)
        killed = [] if ended == -signal.SIGKILL else [f"not killed: {ended}"]
        outcome.count([*killed, *_after(folder, acked)], f"statement {place}")
        shutil.rmtree(folder)
    outcome.note = f"of {total} statements"
    return outcome


def _after(folder: Path, acked: Acked) -> list[str]:
    """The next start brings it to its end."""
    with closing(sqlite3.connect(folder / files.SERIES)) as db:
        said = db.execute("pragma integrity_check").fetchone()[0]
    files.migrate(folder / files.SERIES, migrations.series)
    return [*([] if said == "ok" else [said]), *wrong(folder, acked)]


def _migrated(old: Path, folder: Path, kill_at: int) -> int:
    """Migrate a copy in a process of its own: how many statements it took, or with what it ended when killed."""
    shutil.copytree(old, folder)
    argv = [sys.executable, "-m", __name__, str(folder), str(kill_at)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode if kill_at else int(done.stdout)


def first_version(folder: Path) -> Acked:
    """A file as the first version left it."""
    folder.mkdir(parents=True)
    steps = {migration.name: migration.fn for migration in migrations.series.pending(Database(memory=True))}
    only = type(migrations.series)("trivet.series")
    only(name="m001_polls")(steps["m001_polls"])
    with closing(files.connect(folder / files.SERIES, write=True)) as connection:
        db = Database(connection)
        only.apply(db)
        connection.execute("begin")
        for source in range(2):
            _filled(connection, source)
        connection.execute("commit")
    return {(source, number) for source in range(2) for number in range(POLLS)}


def _filled(db: sqlite3.Connection, source: int) -> None:
    numbers = np.arange(1, polls.SERIES + 1, dtype=np.int64) + source * polls.SERIES
    db.execute("insert into source values (?, ?)", (source + 1, polls.name_of(source)))
    for i, number in enumerate(numbers.tolist()):
        name = (number, source + 1, polls.metric_of(i), f'{{"item": "{i}"}}')
        db.execute("insert into series values (?, ?, ?, ?)", name)
    digest = hashlib.blake2b(numbers.tobytes(), digest_size=16).digest()
    db.execute("insert into layout values (?, ?, 'fast', ?, ?)", (source + 1, source + 1, digest, numbers.tobytes()))
    for number in range(POLLS):
        data = np.array([sample.value for sample in polls.poll(number, source).samples]).tobytes()
        row = (source + 1, polls.moment(number), source + 1, data)
        db.execute("insert into poll (source, tier, at, turn, layout, data) values (?, 'fast', ?, 0, ?, ?)", row)


def main() -> None:
    """The process that is killed: by itself, as it is about to run a statement."""
    folder, kill_at = Path(sys.argv[1]), int(sys.argv[2])
    seen = 0
    connect = files.connect

    def counted(statement: str) -> None:
        nonlocal seen
        seen += 1
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(path: Path, *, write: bool) -> sqlite3.Connection:
        connection = connect(path, write=write)
        connection.set_trace_callback(counted)
        return connection

    files.connect = watched
    files.migrate(folder / files.SERIES, migrations.series)
    print(seen)


if __name__ == "__main__":
    main()
