"""The three numbers that a file keeps of itself: how far its numbers are, and how often rows were taken away."""

import sqlite3

from storage import checks

SEQ, GENERATION, NAMES = "seq", "generation", "names"
ALL = (SEQ, GENERATION, NAMES)


def put(db: sqlite3.Connection, name: str, value: int) -> None:
    """Set one of them."""
    db.execute("update meta set value = ?, crc = ? where name = ?", (value, checks.of_meta(name, value), name))


def reached(db: sqlite3.Connection) -> int:
    """The highest number that was given, as far as the file shows."""
    row = db.execute("select value from meta where name = ? and typeof(value) = 'integer'", (SEQ,)).fetchone()
    tables = ("hot", "seq"), *((name, "id") for name in ("layout", "segment", "quarantine"))
    # Where the number itself is damaged, those of all rows tell nearly as much.
    seen = [f"select coalesce(max({key}), 0) from {name}" for name, key in (tables[:1] if row else tables)]  # noqa: S608
    return max(*(int(db.execute(find).fetchone()[0]) for find in seen), int(row[0]) if row else 0)


def step(db: sqlite3.Connection, seq: int) -> None:
    """Rows were taken away: readers learn of it by the generation, and numbers go on although no row shows them."""
    generation = db.execute("select value from meta where name = ?", (GENERATION,)).fetchone()
    put(db, GENERATION, (generation[0] if generation and isinstance(generation[0], int) else 0) + 1)
    put(db, SEQ, seq)


def sound(db: sqlite3.Connection) -> bool:
    """Whether all of them are there and what was written."""
    found = {name: (value, crc) for name, value, crc in db.execute("select name, value, crc from meta")}
    try:
        return found.keys() == set(ALL) and all(checks.of_meta(name, found[name][0]) == found[name][1] for name in ALL)
    except TypeError:
        return False


def mend(db: sqlite3.Connection, seq: int, names: int) -> None:
    """Begin anew from what the rows themselves show."""
    for name, value in ((SEQ, seq), (GENERATION, 0), (NAMES, names)):
        db.execute("insert into meta (name, value) values (?, ?) on conflict do nothing", (name, value))
        kept = db.execute("select value from meta where name = ?", (name,)).fetchone()[0]
        put(db, name, kept if name == GENERATION and isinstance(kept, int) else value)
