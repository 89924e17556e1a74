"""Columns that PgBouncer does not give but that are needed, made of those it gives."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

MICRO = 1e-6
_OPEN = ("sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login", "sv_active_cancel", "sv_being_canceled")


class Limits:
    """The most servers of each pool: its size and reserve. A user's own ones (since 1.23 and 1.24) win.

    >>> database = {"name": "shop", "pool_size": 20, "reserve_pool": 5}
    >>> Limits([database], [{"name": "app", "pool_size": 7}]).of("shop", "app")
    12
    """

    def __init__(self, databases: Iterable[Row] = (), users: Iterable[Row] = ()) -> None:
        """Rows of SHOW DATABASES and of SHOW USERS."""
        self._databases = {
            str(row["name"]): (_own(row, "pool_size"), _own(row, "reserve_pool_size"), _own(row, "reserve_pool"))
            for row in databases
            if "name" in row
        }
        self._users = {
            str(row["name"]): (_own(row, "pool_size"), _own(row, "reserve_pool_size")) for row in users if "name" in row
        }

        self._found: dict[tuple[str, str], int | None] = {}

    def __contains__(self, database: object) -> bool:
        return database in self._databases

    def of(self, database: str, user: str) -> int | None:
        """None where the database is not listed."""
        key = (database, user)
        if key not in self._found:
            self._found[key] = self._of(database, user)
        return self._found[key]

    def _of(self, database: str, user: str) -> int | None:
        found = self._databases.get(database)
        if found is None:
            return None
        size, reserve = self._users.get(user, (None, None))
        if size is None:
            size = found[0] or 0
        if reserve is None:
            reserve = found[1] or found[2] or 0
        return size + reserve


def pools(rows: Sequence[Row], limits: Limits) -> list[dict[str, Any]]:
    """Rows of SHOW POOLS with the servers that are open, the most that may be, the longest wait and the mode.

    >>> pool = {"database": "shop", "user": "app", "sv_active": 2, "sv_idle": 1, "maxwait": 1, "maxwait_us": 500000}
    >>> limits = Limits([{"name": "shop", "pool_size": 20, "reserve_pool": 5}])
    >>> (row,) = pools([{**pool, "pool_mode": "transaction"}], limits)
    >>> row["sv_open"], row["sv_limit"], row["maxwait_seconds"], row["is_session"]
    (3, 25, 1.5, False)
    """
    return [
        {
            **row,
            "sv_open": sum(filter(None, map(row.get, _OPEN))),
            "sv_limit": limits.of(str(row.get("database")), str(row.get("user"))),
            "maxwait_seconds": (row.get("maxwait") or 0) + (row.get("maxwait_us") or 0) * MICRO,
            "is_session": row.get("pool_mode") == "session",
        }
        for row in rows
    ]


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
