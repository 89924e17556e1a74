"""What the rows of ``tables`` say about the database as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any


def state(rows: Sequence[Mapping[str, Any]], *, in_recovery: bool) -> list[dict[str, Any]]:
    """One row: the share of rows in tables whose live and dead rows are both zero although pg_class knows of rows.

    After a crash or a reset that is one, and falls as tables are analysed again. Weighed by rows, because small
    tables that never change are never analysed again either, and must not hide the others for ever.

    >>> kept = {"datname": "shop", "n_live_tup": 90, "n_dead_tup": 0, "reltuples": 90.0}
    >>> lost = {"datname": "shop", "n_live_tup": 0, "n_dead_tup": 0, "reltuples": 10.0}
    >>> state([kept, lost], in_recovery=False)
    [{'datname': 'shop', 'lost_rows': 0.1, 'in_recovery': False}]
    """
    if not rows:
        return []
    all_rows = sum(row["reltuples"] for row in rows)
    lost = sum(row["reltuples"] for row in rows if row["n_live_tup"] == row["n_dead_tup"] == 0)
    share = lost / all_rows if all_rows else 0.0
    return [{"datname": rows[0]["datname"], "lost_rows": share, "in_recovery": in_recovery}]
