"""The names of one file as its writer enters them and a scrub takes them out: sources, series, streams.

A name whose checksum is wrong is never used again, and neither is its number: what was stored under it must not show
up under another. Its row stays as one that says nothing, and what it said goes to quarantine.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from storage import checks, meta

Number = Callable[[], int]
BEFORE_ALL = -(2**63)
MOST = 2**31
"""What a segment can hold as a number; a damaged row may claim to have a higher one."""
WRONG = "its checksum is wrong"
GONE = "its name is gone"


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of name: its columns, its index, its checksum, and what a row says that says nothing any more."""

    name: str
    columns: tuple[str, ...]
    index: str
    check: Callable[..., int]
    void: Callable[[int], tuple[int | str, ...]]

    def crc(self, number: int, row: tuple[Any, ...]) -> int:
        """The checksum of a row; texts may be bytes already. TypeError when a column is not what it was."""
        return self.check(number, *(value.encode() if isinstance(value, str) else value for value in row))

    def rows(self, db: sqlite3.Connection, after: int = BEFORE_ALL) -> Iterator[tuple[int, tuple[Any, ...], bool]]:
        """Number, columns (texts as bytes: one that is no UTF-8 would end the statement) and whether it is sound."""
        for number, crc, *row in db.execute(f"{self._find} where id > ? order by id", (after,)).fetchall():
            yield number, tuple(row), self._sound(number, tuple(row), crc)

    def one(self, db: sqlite3.Connection, number: int) -> bool:
        """Whether one row is there and sound."""
        found = db.execute(f"{self._find} where id = ?", (number,)).fetchone()
        return found is not None and self._sound(number, tuple(found[2:]), found[1])

    @property
    def _find(self) -> str:
        columns = ", ".join(column if column == "source" else f"cast({column} as blob)" for column in self.columns)
        return f"select id, crc, {columns} from {self.name}"  # noqa: S608

    def _sound(self, number: int, row: tuple[Any, ...], crc: object) -> bool:
        try:
            return self.crc(number, row) == crc
        except TypeError:
            return False


SOURCE = Table("source", ("name",), "idx_source_name", checks.of_source, lambda number: (f"\0{number}",))
SERIES = Table(
    "series",
    ("source", "metric", "labels"),
    "idx_series_metric_source_labels",
    checks.of_series,
    lambda number: (0, "", str(number)),
)
STREAM = Table(
    "stream",
    ("source", "tier"),
    "idx_stream_source_tier",
    checks.of_stream,
    lambda number: (0, str(number)),
)
TABLES = {table.name: table for table in (SOURCE, SERIES, STREAM)}
_INDEXED = {"source": "name", "series": "metric, source, labels", "stream": "source, tier"}


def readable(table: Table, row: tuple[Any, ...]) -> bool:
    """Whether a row without a checksum can be what was written."""
    try:
        texts = [part.decode() for part in row if not isinstance(part, int)]
        labels = json.loads(texts[-1]) if table is SERIES else {}
    except (ValueError, AttributeError):
        return False
    return isinstance(labels, dict) and all(isinstance(value, str) for value in labels.values())


class Names:
    """Numbers for names; to be forgotten when a transaction is rolled back."""

    def __init__(self, next_number: Number) -> None:
        """``next_number`` gives the numbers of what goes to quarantine."""
        self._next = next_number
        self._last: int | None = None

    def forget(self) -> None:
        """Read from the file again."""
        self._last = None

    def entered(self, db: sqlite3.Connection, table: Table, row: tuple[int | str, ...]) -> int:
        """The number of a name, which is made when it is not there; one that is damaged is put aside."""
        test = " and ".join(f"{column} = ?" for column in table.columns)
        found = db.execute(f"select id, crc from {table.name} where {test}", row).fetchone()  # noqa: S608
        if found and found[1] == table.crc(found[0], row):
            return int(found[0])
        if found:
            take_out(db, self._next, table, found[0], WRONG)
        number = self._fresh(db)
        insert(db, table, number, row)
        return number

    def _fresh(self, db: sqlite3.Connection) -> int:
        """Never one that was given before, also when the rows that had it are gone."""
        if self._last is None:
            self._last = highest(db)
        self._last += 1
        meta.put(db, meta.NAMES, self._last)
        return self._last


def highest(db: sqlite3.Connection) -> int:
    """The highest number of a name that was ever given."""
    each = " union all ".join(f"select coalesce(max(id), 0) as n from {name} where id < {MOST}" for name in TABLES)  # noqa: S608
    kept = "select value from meta where name = 'names' and typeof(value) = 'integer'"
    return int(db.execute(f"select max(n) from ({each} union all {kept})").fetchone()[0] or 0)  # noqa: S608


def insert(db: sqlite3.Connection, table: Table, number: int, row: tuple[int | str, ...]) -> None:
    """A new row."""
    columns, marks = ", ".join(table.columns), ", ".join("?" * len(row))
    put = f"insert into {table.name} (id, crc, {columns}) values (?, ?, {marks})"  # noqa: S608
    db.execute(put, (number, table.crc(number, row), *row))


def take_out(db: sqlite3.Connection, next_number: Number, table: Table, number: int, reason: str) -> None:
    """What a name says goes to quarantine, and its number is not used again."""
    kept = ", ".join(f"cast({column} as blob)" for column in table.columns)
    said = db.execute(f"select {kept} from {table.name} where id = ?", (number,)).fetchone()  # noqa: S608
    with _index_anew(db, table):
        if said:
            db.execute(f"delete from {table.name} where id = ?", (number,))  # noqa: S608
        if 0 < number < MOST:
            insert(db, table, number, table.void(number))
    put_aside(db, next_number, table.name, (0, 0, 0), reason, checks.END.join(part or b"" for part in said or ()))


@contextmanager
def _index_anew(db: sqlite3.Connection, table: Table) -> Iterator[None]:
    """Where a row was damaged, the index may say what it said before, and SQLite would stumble over that."""
    db.execute(f"drop index if exists {table.index}")
    yield
    db.execute(f"create unique index {table.index} on {table.name} ({_INDEXED[table.name]})")


def put_aside(
    db: sqlite3.Connection, next_number: Number, kind: str, place: tuple[object, ...], reason: str, data: object
) -> None:
    """Keep a damaged piece apart, for whoever wants to look at it; ``place`` is its stream, start and stop."""
    db.execute(
        "insert into quarantine (id, kind, stream, start, stop, found, reason, data)"
        " values (?, ?, ?, ?, ?, cast(strftime('%s', 'now') as real), ?, ?)",
        (next_number(), kind, *place, reason, data),
    )
