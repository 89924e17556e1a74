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


def estimates(rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The worst tables, and how many cannot be told."""
    known = [row for row in rows if row["reltuples"] >= 0 and not row["unknown"]]
    found = [{**row, **_bloat(row)} for row in known]
    worst = sorted(found, key=lambda row: -row["bytes"])[:SHOWN]
    return worst, len(rows) - len(known)


def of_indexes(rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The worst indexes, and how many cannot be told."""
    known = [row for row in rows if row["reltuples"] >= 0 and not row["unknown"]]
    found = [{**row, **_over(row, btree.needed(row))} for row in known]
    worst = sorted(found, key=lambda row: -row["bytes"])[:INDEXES]
    return worst, len(rows) - len(known)


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
