"""How many pages rows of a known width need, and how many more a table has; the same of indexes, by ``btree``.

A page has a header of 24 bytes and, for each row, a pointer of 4. A row has a header of 23 bytes, with one bit for
each column where a value is NULL, padded to 8; the row is padded to 8 as well. (PostgreSQL's documentation, "Database
Page Layout".) Padding between columns is not known: it counts as bloat.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from collectors.postgres import btree

PAGE_HEADER = 24
POINTER = 4
ROW_HEADER = 23
ALIGNED = 8
SHOWN = 20
INDEXES = 10


Row = Mapping[str, Any]


def estimate(row: Row) -> dict[str, Any] | None:
    """A table with what it has too much; None when that cannot be told."""
    return {**row, **_bloat(row)} if _known(row) else None


def of_index(row: Row) -> dict[str, Any] | None:
    """The same of an index."""
    return {**row, **_over(row, btree.needed(row))} if _known(row) else None


def worst(rows: Sequence[dict[str, Any] | None], most: int) -> tuple[list[dict[str, Any]], int]:
    """Those that have most, and how many cannot be told.

    >>> worst([{"bytes": 1.0}, None, {"bytes": 2.0}], 1)
    ([{'bytes': 2.0}], 1)
    """
    known = [row for row in rows if row is not None]
    return sorted(known, key=lambda row: -row["bytes"])[:most], len(rows) - len(known)


def _known(row: Row) -> bool:
    return bool(row["reltuples"] >= 0 and not row["unknown"])


def _bloat(row: Mapping[str, Any]) -> dict[str, float]:
    needed = pages(row["reltuples"], row["width"], row["columns"] if row["nullable"] else 0, row["page"])
    return _over(row, math.ceil(needed * 100 / row["fillfactor"]))


def _over(row: Mapping[str, Any], needed: int) -> dict[str, float]:
    over = max(0, row["relpages"] - needed)
    return {"bytes": float(over * row["page"]), "ratio": over / row["relpages"]}


def pages(rows: float, width: float, nullable: int, page: int) -> int:
    """Pages that rows need whose columns are ``width`` bytes wide; ``nullable`` columns need a bit each.

    >>> pages(1000, 100, 0, 8192)
    17
    >>> pages(0, 0, 0, 8192)
    0
    """
    header = _padded(ROW_HEADER + math.ceil(nullable / 8))
    row = _padded(header + width) + POINTER
    return math.ceil(rows / max(1, (page - PAGE_HEADER) // row))


def _padded(size: float) -> int:
    return math.ceil(size / ALIGNED) * ALIGNED
