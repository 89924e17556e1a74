"""What the rows of ``tables`` and ``indexes`` say together, and which rest each is part of."""

from typing import Any

import numpy as np

from collectors.frame import Frame, Key
from collectors.postgres.metrics import BIG_TABLE_BYTES, BIG_TABLE_ROWS
from collectors.rest import REST

SMALL = "(rest, small)"
"""Stands for the tables that the index scan ratio leaves out: it must not be mixed with the others."""


def kinds(database: str, tables: Frame) -> list[Key]:
    """For each table the labels of the rest that it is part of when it is not shown.

    One that grows beyond the bound while it is part of a rest brings what it does from then on.
    """
    big = (tables.column("size") >= BIG_TABLE_BYTES) | (tables.column("reltuples") >= BIG_TABLE_ROWS)
    names = {True: (database, REST, REST), False: (database, SMALL, SMALL)}
    return [names[each] for each in big.tolist()]


def measured(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the size of a rest that the ratio's floor would take for that of one table.

    A rest that nothing is part of just now has none either: its last one goes on saying whether it counts.
    """
    if row["relname"] == SMALL or (row["relname"] == REST and not row["size"] and not row["reltuples"]):
        return {**row, "size": None, "reltuples": None}
    return row


def state(database: str, tables: Frame, *, in_recovery: bool) -> dict[str, Any]:
    """The share of rows in tables whose live and dead rows are both zero although pg_class knows of rows.

    After a crash or a reset that is one, and falls as tables are analysed again. Weighed by rows, because small
    tables that never change are never analysed again either, and must not hide the others for ever.

    >>> numbers = np.array([[90.0, 0.0, 90.0], [0.0, 0.0, 10.0]])
    >>> made = Frame(("t",), [("kept",), ("lost",)], ("n_live_tup", "n_dead_tup", "reltuples"), numbers)
    >>> state("shop", made, in_recovery=False)
    {'datname': 'shop', 'lost_rows': 0.1, 'in_recovery': False}
    """
    rows = tables.column("reltuples")
    lost = np.nansum(rows[(tables.column("n_live_tup") == 0) & (tables.column("n_dead_tup") == 0)])
    whole = np.nansum(rows)
    share = float(lost / whole) if whole > 0 else 0.0
    return {"datname": database, "lost_rows": share, "in_recovery": in_recovery}


def sums(database: str, tables: Frame, indexes: Frame) -> dict[str, Any]:
    """What the tables and the indexes of a database come to."""
    return {
        "datname": database,
        "tables": len(tables),
        "indexes": len(indexes),
        "invalid": float(np.nansum(indexes.column("invalid"))),
        "size": float(np.nansum(tables.column("size"))),
        "indexes_size": float(np.nansum(tables.column("indexes_size"))),
        "toast_size": float(np.nansum(tables.column("toast_size"))),
    }
