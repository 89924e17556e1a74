"""Fault 7: 64 random bytes over one random page of the file."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.faults import polls
from benchmarks.faults.checking import Found, shown
from benchmarks.faults.fault import Outcome
from storage import files, scrub
from storage.reading import SeriesReader
from storage.series import SeriesStore

BYTES = 64
SERIES = 60
TABLES = ("hot", "segment", "layout", "series", "source", "stream", "meta")


def damaged_pages(ground: Path, times: int) -> Outcome:
    """Damage in live data is noticed, and no number that is shown is wrong. Hits of dead space are caused besides."""
    outcome, chance = Outcome(), random.Random(7)  # noqa: S311
    whole = ground / "whole"
    _made(whole)
    before, dead = _contents(whole), 0
    while outcome.of < times and dead < 50 * times:
        folder = ground / str(outcome.of)
        shutil.copytree(whole, folder)
        place = _hit(folder / files.SERIES, chance)
        alive = _contents(folder) != before
        lines = _noticed(folder, alive)
        if alive or lines:
            outcome.count(lines, f"{BYTES} bytes at {place}")
        else:
            dead += 1
        shutil.rmtree(folder)
    outcome.note = f"all in live data, {dead} more in dead space"
    return outcome


def _made(folder: Path) -> None:
    with closing(SeriesStore(folder)) as store:
        for source in range(2):
            store.append_many([polls.poll(number, source, SERIES) for number in range(0, 3 * 8640, 12)])
        store.compact(polls.moment(3 * 8640 - 1080))
    with closing(sqlite3.connect(folder / files.SERIES)) as db:
        db.execute("pragma wal_checkpoint(truncate)").fetchall()


def _contents(folder: Path) -> object:
    """Every row of every table, or that it cannot be read: what is not in it is not alive."""
    try:
        with closing(sqlite3.connect(folder / files.SERIES)) as db:
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
    """Right numbers or an error of the database; and by reading or by a scrub the damage is noticed."""
    found: Found = {}
    try:
        lines = list(shown(folder, found, SERIES, whole=False))
        with closing(SeriesReader(folder)) as reader:
            ill = reader.health().problem
        with closing(files.connect(folder / files.SERIES, write=False)) as db:
            seen = scrub.look(db)
    except sqlite3.DatabaseError:
        return []
    except Exception as error:  # noqa: BLE001 - a page that shows this needs an error that it knows
        return [f"it ends in {type(error).__name__}: {error}"]
    return lines + (["damage in live data was not noticed"] if alive and not ill and not seen else [])
