"""Fault 7: 64 random bytes over one random page of the file."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.faults import polls
from benchmarks.faults.checking import Found, shown
from benchmarks.faults.fault import Outcome
from metrics.model import Selector
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.store import Fold

BYTES = 64
TABLES = ("hot", "segment", "layout", "series", "source", "stream", "meta")


def damaged_pages(ground: Path, times: int) -> Outcome:
    """Damage in live data is noticed, and no number that is shown is wrong."""
    outcome, chance = Outcome(), random.Random(7)  # noqa: S311
    whole = ground / "whole"
    _made(whole)
    before = _contents(whole)
    live = 0
    for i in range(times):
        folder = ground / str(i)
        shutil.copytree(whole, folder)
        place = _hit(folder / "series.db", chance)
        alive = _contents(folder) != before
        live += alive
        outcome.count(_noticed(folder, alive), f"{BYTES} bytes at {place}")
        shutil.rmtree(folder)
    outcome.note = f"{live} in live data"
    return outcome


def _made(folder: Path) -> None:
    with closing(SeriesStore(folder)) as store:
        for source in range(2):
            store.append_many([polls.poll(number, source, 60) for number in range(0, 3 * 8640, 12)])
        store.compact(polls.moment(3 * 8640 - 1080))
    with closing(sqlite3.connect(folder / "series.db")) as db:
        db.execute("pragma wal_checkpoint(truncate)").fetchall()


def _contents(folder: Path) -> object:
    """Every row of every table, or that it cannot be read: what is not in it is not alive."""
    try:
        with closing(sqlite3.connect(folder / "series.db")) as db:
            return [db.execute(f"select * from {table} order by 1").fetchall() for table in TABLES]  # noqa: S608
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return str(error)


def _hit(path: Path, chance: random.Random) -> int:
    """Write over a random place of a random page."""
    pages = path.stat().st_size // 4096
    place = chance.randrange(pages) * 4096 + chance.randrange(4096 - BYTES)
    with path.open("r+b") as file:
        file.seek(place)
        file.write(chance.randbytes(BYTES))
    return place


def _noticed(folder: Path, alive: bool) -> list[str]:
    """A reader either shows right numbers or says that something is wrong; one of both always."""
    found: Found = {}
    try:
        lines = list(shown(folder, found, 60, whole=False))
        with closing(SeriesReader(folder)) as reader:
            ill = _asked(reader)
    except (sqlite3.Error, UnicodeDecodeError, ValueError, TypeError, KeyError, IndexError) as error:
        return [] if isinstance(error, sqlite3.DatabaseError) else [f"it ends in {type(error).__name__}: {error}"]
    return lines + (["damage in live data was not noticed"] if alive and not ill else [])


def _asked(reader: SeriesReader) -> str:
    """What a reader says of its health after it has read everything."""
    for metric in ("work_total", "level"):
        reader.raw(Selector(metric), 0, 1e11)
        reader.window(Selector(metric), polls.BASE + 3600, 3600, 80, Fold.MAX)
    return reader.health().problem
