"""How many pages a B-tree of so many rows has once it is built anew, and how many more an index has.

Written after PostgreSQL's documentation ("Database Page Layout", "B-Tree Indexes": structure, deduplication) and the
layout that its headers describe (itup.h, nbtree.h); no other tool's query was used. A page has a header of 24 bytes, a
special space of 16 and, for each entry, a pointer of 4. An entry has a header of 8, and 8 more where a value is NULL,
then its values, each aligned as its type wants, padded to 8. A leaf keeps one place for its high key and leaves free
what ``fillfactor`` says; pages above the leaves are filled to 70 per cent and have an entry for each page below. One
page more holds where the root is.

Where equal entries are stored once (deduplication, since 13), each has a list of places of 6 bytes a row, up to a tenth
of a page. How many equal entries there are is taken from n_distinct, of several columns as if they had nothing to do
with one another.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

PAGE_HEADER = 24
SPECIAL = 16
POINTER = 4
ENTRY_HEADER = 8
NULLS = 8
PLACE = 6
ALIGNED = 8
ALIGNMENTS = {"c": 1, "s": 2, "i": 4, "d": 8}
SHORT = 127
"""Values of varying length under this have a header of one byte and are not aligned."""

ABOVE = 70
MOST_NULL = 8
"""Columns whose NULLs are told apart: twice as many kinds of entries for each. Others are taken to have none."""


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an index: mean width of what is not NULL, share of NULL, how many distinct values."""

    width: float
    nulls: float = 0.0
    distinct: float = math.inf
    fixed: bool = False
    align: str = "i"


def needed(row: Mapping[str, Any]) -> int:
    """Pages that the index of a row of ``index_bloat`` would have."""
    columns = zip(row["widths"], row["nulls"], row["distincts"], row["fixed"], row["aligns"], strict=True)
    keys = [Key(float(w), float(n), float(d), bool(f), str(a)) for w, n, d, f, a in columns]
    return pages(row["reltuples"], keys, page=row["page"], fillfactor=row["fillfactor"], equal=row["equal"])


def pages(rows: float, columns: Sequence[Key], *, page: int, fillfactor: int, equal: bool) -> int:
    """Pages of a new B-tree; ``equal`` when equal entries are stored once.

    >>> pages(1_000_000, [Key(8, fixed=True, align="d")], page=8192, fillfactor=90, equal=False)
    2745
    >>> pages(1_000_000, [Key(4, distinct=10, fixed=True)], page=8192, fillfactor=90, equal=True)
    845
    >>> pages(0, [Key(4)], page=8192, fillfactor=90, equal=True)
    1
    """
    room = page - PAGE_HEADER - SPECIAL - 2 * POINTER
    leaf = room - page * (100 - fillfactor) // 100
    wanted = 0.0
    for share, present in _classes(columns):
        many, size = rows * share, entry(present, some_null=len(present) < len(columns))
        alike = math.prod(max(1.0, key.distinct) for key in present)
        groups = max(1.0, min(many, alike)) if equal else many
        wanted += _leaves(many, groups, size, leaf, page) if many else 0.0
    level = math.ceil(wanted)
    total = 1 + level
    fanout = max(2, (room - page * (100 - ABOVE) // 100) // (entry(columns) + POINTER))
    while level > 1:
        level = math.ceil(level / fanout)
        total += level
    return total


def entry(columns: Sequence[Key], *, some_null: bool = False) -> int:
    """Bytes of an entry without its pointer; ``columns`` are those with a value.

    >>> entry([Key(4, fixed=True), Key(8, fixed=True, align="d")]), entry([Key(33)]), entry([], some_null=True)
    (24, 48, 16)
    """
    at = 0.0
    for key in columns:
        if key.fixed or key.width >= SHORT:
            at = _padded(at, ALIGNMENTS[key.align])
        at += key.width
    return _padded(ENTRY_HEADER + (NULLS if some_null else 0) + at, ALIGNED)


def _classes(columns: Sequence[Key]) -> Iterator[tuple[float, Sequence[Key]]]:
    """Which share of the entries has values in which columns, as if NULLs had nothing to do with one another.

    >>> [(share, len(present)) for share, present in _classes([Key(4), Key(4, nulls=0.25)])]
    [(0.75, 2), (0.25, 1)]
    """
    some = [key for key in columns if key.nulls > 0][:MOST_NULL]
    for there in product((True, False), repeat=len(some)):
        share = math.prod(1 - key.nulls if yes else key.nulls for key, yes in zip(some, there, strict=True))
        gone = [key for key, yes in zip(some, there, strict=True) if not yes]
        yield share, [key for key in columns if not any(key is each for each in gone)]


def _leaves(rows: float, groups: float, size: int, leaf: int, page: int) -> float:
    """Leaf pages of rows that are ``groups`` different entries."""
    each = rows / groups
    if each <= 1:
        return rows / max(1, leaf // (size + POINTER))
    low, more = math.floor(each), each % 1
    used = (1 - more) * _alike(low, size, page) + more * _alike(low + 1, size, page)
    return groups * used / leaf


def _alike(rows: int, size: int, page: int) -> int:
    """Bytes of the entries of so many rows with equal values, pointers included.

    >>> _alike(1, 16, 8192), _alike(2, 16, 8192), _alike(133, 16, 8192)
    (20, 36, 832)
    """
    most = page // 10 // ALIGNED * ALIGNED - POINTER
    places = max(2, (most - size) // PLACE)
    full, left = divmod(rows, places)
    used = full * (_padded(size + places * PLACE, ALIGNED) + POINTER)
    if left:
        used += (size if left == 1 else _padded(size + left * PLACE, ALIGNED)) + POINTER
    return used


def _padded(size: float, to: int) -> int:
    return math.ceil(size / to) * to
