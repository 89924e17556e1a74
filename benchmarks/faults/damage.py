"""Fault 7: 64 random bytes over one random page of the file; and a name, a span or a text that is another one.

The second kind is the worse: SQLite reads it without a word, and a right number would be shown under a wrong name.
"""

import random
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.faults import polls
from benchmarks.faults.checking import Found, shown
from benchmarks.faults.fault import Outcome
from metrics.poll import Poll, Record
from storage import files, scrub
from storage.files import StoreError
from storage.reading import SeriesReader
from storage.series import SeriesStore

BYTES = 64
SERIES = 60
TABLES = ("hot", "segment", "segment_check", "layout", "series", "source", "stream", "record", "text", "meta")
NUMBERS = {
    "series": ("id", "source", "crc"),
    "source": ("id", "crc"),
    "stream": ("id", "source", "crc"),
    "layout": ("id", "stream", "crc"),
    "segment": ("id", "stream", "res", "start", "stop", "ticks", "samples"),
    "segment_check": ("segment", "crc"),
    "record": ("source", "at", "text", "crc"),
    "text": ("id",),
    "meta": ("value", "crc"),
}
WAYS = ("page", "text", "number")
NAMES = re.compile(rb'"item": "\d+"|source\d|work_total|level|fast|select \d+')


def damaged_pages(ground: Path, times: int) -> Outcome:
    """Damage in live data is noticed, and no number that is shown is wrong. Hits of dead space are caused besides.

    In turn: a random page, one letter or digit of a name or a text, one number of a row.
    """
    outcome, chance = Outcome(), random.Random(7)  # noqa: S311
    whole = ground / "whole"
    _made(whole)
    before, dead, by_way = _contents(whole), 0, dict.fromkeys(WAYS, 0)
    while outcome.of < times and dead < 50 * times:
        folder, way = ground / str(outcome.of), WAYS[outcome.of % len(WAYS)]
        shutil.copytree(whole, folder)
        what = _harmed(folder / files.SERIES, way, chance)
        alive = _contents(folder) != before
        lines = _noticed(folder, alive)
        if alive or lines:
            outcome.count(lines, f"{way} {what}")
            by_way[way] += 1
        else:
            dead += 1
        shutil.rmtree(folder)
    told = ", ".join(f"{count} by {way}" for way, count in by_way.items())
    outcome.note = f"all in live data: {told}; {dead} more in dead space"
    return outcome


def _harmed(path: Path, way: str, chance: random.Random) -> str:
    if way == "page":
        return f"{BYTES} bytes at {_hit(path, chance)}"
    return _renamed(path, chance) if way == "text" else _renumbered(path, chance)


def _made(folder: Path) -> None:
    with closing(SeriesStore(folder)) as store:
        for source in range(2):
            store.append_many([_poll(number, source) for number in range(0, 3 * 8640, 12)])
        store.compact(polls.moment(3 * 8640 - 1080))
    with closing(sqlite3.connect(folder / files.SERIES)) as db:
        db.execute("pragma wal_checkpoint(truncate)").fetchall()


def _poll(number: int, source: int) -> Poll:
    records = [Record("query", str(i), f"select {i}") for i in range(20)] if number % 1000 == 0 else []
    return replace(polls.poll(number, source, SERIES), records=records)


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


def _renamed(path: Path, chance: random.Random) -> str:
    """Another letter or digit somewhere in a name or a text, as it is in the file: in a table or in an index."""
    content = path.read_bytes()
    place = chance.choice([*NAMES.finditer(content)])
    at = chance.choice([i for i in range(*place.span()) if content[i : i + 1].isalnum()])
    first, last = (b"0", b"9") if content[at : at + 1].isdigit() else (b"a", b"z")
    new = chance.choice([letter for letter in range(first[0], last[0] + 1) if letter != content[at]])
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes([new]))
    return f"{place.group()!r} at {at}"


def _renumbered(path: Path, chance: random.Random) -> str:
    """Another number in one column of one row; mostly one that another row has, or the next one."""
    table = chance.choice([*NUMBERS])
    column = chance.choice(NUMBERS[table])
    with closing(sqlite3.connect(path)) as db:
        (row,) = chance.choice(db.execute(f"select rowid from {table}").fetchall())  # noqa: S608
        values = [value for (value,) in db.execute(f"select distinct {column} from {table}")]  # noqa: S608
        new = chance.choice([*values, chance.choice(values) + 1, chance.choice(values) - 1, -1, 2**40])
        # As damage does, whatever the indexes forbid.
        db.execute(f"update or ignore {table} set {column} = ? where rowid = ?", (new, row))  # noqa: S608
        db.commit()
        db.execute("pragma wal_checkpoint(truncate)").fetchall()
    return f"{table}.{column} of {row} = {new}"


def _noticed(folder: Path, alive: bool) -> list[str]:
    """Right numbers or an error of the database; and by reading or by a scrub the damage is noticed.

    The same after a collector has gone on, and after what is damaged was put aside.
    """
    try:
        lines = _right(folder)
        with closing(SeriesReader(folder)) as reader:
            ill = reader.health().problem
        with closing(files.connect(folder / files.SERIES, write=False)) as db:
            seen = scrub.look(db)
        if alive and not ill and not seen:
            lines.append("damage in live data was not noticed")
        with closing(SeriesStore(folder)) as store:
            store.append_many([_poll(3 * 8640, source) for source in range(2)])
            lines += [f"when collecting went on: {line}" for line in _right(folder)]
            store.quarantine([damage for damage in seen if damage.kind in scrub.MOVABLE])
            lines += [f"when put aside: {line}" for line in _right(folder)]
            store.compact(polls.moment(4 * 8640))
            lines += [f"when compacted: {line}" for line in _right(folder)]
    except (sqlite3.DatabaseError, StoreError):
        return []
    except Exception as error:  # noqa: BLE001 - a page that shows this needs an error that it knows
        return [f"it ends in {type(error).__name__}: {error}"]
    return lines


def _right(folder: Path) -> list[str]:
    """What is wrong with what a new reader is shown."""
    found: Found = {}
    lines = list(shown(folder, found, SERIES, whole=False))
    with closing(SeriesReader(folder)) as reader:
        records = [record for source in range(2) for record in reader.records(polls.name_of(source), "query")]
        lines += [f"record {r.key}: {r.body!r}" for r in records if r.body != f"select {r.key}"]
        known = {(polls.metric_of(i), polls.name_of(source), str(i)) for i in range(SERIES) for source in range(2)}
        named = {(metric, dict(labels)["source"], dict(labels)["item"]) for metric, labels in reader.series()}
        lines += [f"a series that there never was: {name}" for name in sorted(named - known)]
    return lines
