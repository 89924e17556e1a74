"""Columns that PgBouncer does not give but that are needed, made of those it gives."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

MICRO = 1e-6
_OPEN = ("sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login", "sv_active_cancel", "sv_being_canceled")


def pools(rows: Sequence[Row], databases: Iterable[Row], users: Iterable[Row] = ()) -> list[dict[str, Any]]:
    """Rows of SHOW POOLS with the servers that are open, the most that may be, the longest wait and the mode.

    >>> pool = {"database": "shop", "user": "app", "sv_active": 2, "sv_idle": 1, "maxwait": 1, "maxwait_us": 500000}
    >>> (row,) = pools([{**pool, "pool_mode": "transaction"}], [{"name": "shop", "pool_size": 20, "reserve_pool": 5}])
    >>> row["sv_open"], row["sv_limit"], row["maxwait_seconds"], row["is_session"]
    (3, 25, 1.5, False)
    """
    limits = {str(row["name"]): row for row in databases if "name" in row}
    sizes = {str(row["name"]): row for row in users if "name" in row}
    return [
        {
            **row,
            "sv_open": sum(row.get(column) or 0 for column in _OPEN),
            "sv_limit": _limit(limits.get(str(row.get("database"))), sizes.get(str(row.get("user")))),
            "maxwait_seconds": (row.get("maxwait") or 0) + (row.get("maxwait_us") or 0) * MICRO,
            "is_session": row.get("pool_mode") == "session",
        }
        for row in rows
    ]


def _limit(database: Row | None, user: Row | None) -> int | None:
    """Pool size and reserve; a user's own ones (since 1.23 and 1.24) win. None where the database is not listed."""
    if database is None:
        return None
    reserve = _own(user, "reserve_pool_size")
    if reserve is None:
        reserve = _own(database, "reserve_pool_size") or _own(database, "reserve_pool") or 0
    size = _own(user, "pool_size")
    if size is None:
        size = _own(database, "pool_size") or 0
    return size + reserve


def _own(row: Row | None, column: str) -> int | None:
    """A whole number that is set: NULL, empty and −1 mean that it is not.

    >>> [_own({"pool_size": given}, "pool_size") for given in ("20", None, "", -1, float("inf"))]
    [20, None, None, None, None]
    """
    value = None if row is None else row.get(column)
    try:
        number = int(value) if value is not None else -1
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number >= 0 else None


def pivoted(rows: Iterable[Row], name: str, value: str) -> dict[str, Any]:
    """One row of many that are name and value.

    >>> pivoted([{"list": "pools", "items": 2}, {"list": "users", "items": 3}], "list", "items")
    {'pools': 2, 'users': 3}
    """
    return {str(row[name]): row.get(value) for row in rows if name in row}


def version(text: str) -> tuple[int, ...]:
    """The version of a banner.

    >>> version("PgBouncer 1.18.0"), version("PgBouncer 1.25.2 (Debian)")
    ((1, 18, 0), (1, 25, 2))
    """
    for word in text.split():
        parts = word.split(".")
        if len(parts) > 1 and all(part.isdigit() for part in parts):
            return tuple(map(int, parts))
    return ()
