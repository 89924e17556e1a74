"""Columns that PgBouncer does not give but that are needed, made of those it gives."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from operator import itemgetter
from typing import Any

from collectors.pgbouncer.table import Fields, Rows, Table

Row = Mapping[str, Any]

MICRO = 1e-6
_WAIT = (("maxwait", 1), ("maxwait_us", MICRO))
_OPEN = ("sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login", "sv_active_cancel", "sv_being_canceled")
_MADE = ("sv_open", "sv_limit", "maxwait_seconds", "is_session")


class Limits:
    """The most servers of each pool: its size and reserve. A user's own ones (since 1.23 and 1.24) win.

    Of a name that is listed twice the first row counts.

    of_databases, of_users  whether any pools are held down together

    >>> database = {"name": "shop", "pool_size": 20, "reserve_pool": 5, "max_connections": 10}
    >>> limits = Limits([database], [{"name": "app", "pool_size": 7}])
    >>> limits.of("shop", "app"), limits.of_database("shop"), limits.of_user("app")
    (10, 10, None)
    """

    def __init__(
        self, databases: Iterable[Row] = (), users: Iterable[Row] = (), max_user_connections: object = None
    ) -> None:
        """Rows of SHOW DATABASES and SHOW USERS; what SHOW CONFIG says for users without a limit of their own."""
        self._databases = first_of(databases, "name")
        self._users = first_of(users, "name")
        self._max_user = _some({"all": max_user_connections}, "all")
        self._found: dict[tuple[str, str], int | None] = {}
        self._least: dict[tuple[str, str], int | None] = {}
        self.of_databases = any(map(self.of_database, self._databases))
        self.of_users = bool(self._max_user) or any(map(self.of_user, self._users))

    @property
    def databases(self) -> Set[str]:
        """Those that are listed."""
        return self._databases.keys()

    def of(self, database: str, user: str) -> int | None:
        """The most servers of one pool, whatever stops it; None where the database is not listed."""
        key = (database, user)
        try:
            return self._least[key]
        except KeyError:
            size = self.pool(database, user)
            bounds = filter(None, (size, self.of_database(database), self.of_user(user)))
            found = self._least[key] = None if size is None else min(bounds, default=0)
            return found

    def pool(self, database: str, user: str) -> int | None:
        """Size and reserve of one pool; None where the database is not listed."""
        key = (database, user)
        if key not in self._found:
            self._found[key] = self._of(database, user)
        return self._found[key]

    def of_database(self, database: str) -> int | None:
        """max_db_connections, of all pools of a database together; None where there is no limit."""
        return _some(self._databases.get(database), "max_connections")

    def of_user(self, user: str) -> int | None:
        """max_user_connections, of all pools of a user together; None where there is no limit."""
        own = self._users.get(user)
        # Before 1.23 no user's own limit is shown.
        return _some(own, "max_user_connections") or self._max_user

    def _of(self, database: str, user: str) -> int | None:
        found = self._databases.get(database)
        if found is None:
            return None
        own = self._users.get(user)
        size, reserve = _own(own, "pool_size"), _own(own, "reserve_pool_size")
        if size is None:
            size = _own(found, "pool_size") or 0
        if reserve is None:
            reserve = _own(found, "reserve_pool_size") or _own(found, "reserve_pool") or 0
        return size + reserve


def first_of(rows: Iterable[Row], column: str) -> dict[str, Row]:
    """Rows by a name; of two with the same name the first."""
    found: dict[str, Row] = {}
    for row in rows:
        if column in row:
            found.setdefault(str(row[column]), row)
    return found


def shared(rows: Rows, limits: Limits) -> list[dict[str, Any]]:
    """Rows for pools that one setting holds down together: it stands in place of the name that does not matter.

    >>> rows = Table(("database", "user", "sv_open"), [("shop", "a", 2), ("shop", "b", 2)])
    >>> shared(Rows(rows), Limits([{"name": "shop", "pool_size": 60, "max_connections": 5}]))
    [{'database': 'shop', 'user': '(max_db_connections)', 'sv_open': 4, 'sv_limit': 5}]
    """
    found: list[dict[str, Any]] = []
    for name, some, of, other, setting in (
        ("database", limits.of_databases, limits.of_database, "user", "(max_db_connections)"),
        ("user", limits.of_users, limits.of_user, "database", "(max_user_connections)"),
    ):
        if not some:
            continue
        groups: dict[str, list[Row]] = {}
        for row in rows:
            groups.setdefault(str(row.get(name)), []).append(row)
        for key, members in groups.items():
            most = of(key)
            own = [limits.pool(str(row.get("database")), str(row.get("user"))) for row in members]
            if most is not None and most < sum(size or 0 for size in own):
                both = {name: key, other: setting}
                opened = [row["sv_open"] for row in members]
                found.append({**both, "sv_open": None if None in opened else sum(opened), "sv_limit": most})
    return found


def pools(table: Table, limits: Limits) -> Table:
    """Rows of SHOW POOLS with the servers that are open, the most that may be, the longest wait and the mode.

    >>> names = ("database", "user", "sv_active", "sv_idle", "maxwait", "maxwait_us", "pool_mode")
    >>> limits = Limits([{"name": "shop", "pool_size": 20, "reserve_pool": 5}])
    >>> (row,) = pools(Table(names, [("shop", "app", 2, 1, 1, 500000, "transaction")]), limits).dicts()
    >>> row["sv_open"], row["sv_limit"], row["maxwait_seconds"], row["is_session"]
    (3, 25, 1.5, False)
    """
    places = {name: at for at, name in enumerate(table.names)}
    database, user, mode = places.get("database"), places.get("user"), places.get("pool_mode")
    opened = _picking([places[name] for name in _OPEN if name in places])
    waits = [(places[name], scale) for name, scale in _WAIT if name in places]

    def more(row: Fields) -> Fields:
        of = limits.of("None" if database is None else str(row[database]), "None" if user is None else str(row[user]))
        return _sum(opened(row)), of, _waited(row, waits), mode is not None and row[mode] == "session"

    return Table((*table.names, *_MADE), [(*row, *more(row)) for row in table.rows])


def _picking(places: Sequence[int]) -> Callable[[Fields], Fields]:
    return itemgetter(*places) if len(places) > 1 else lambda row: tuple([row[place] for place in places])


def _sum(values: Fields) -> Any:
    """If all are known; older versions have fewer of these columns."""
    try:
        return sum(values)
    except TypeError:
        return None


def _waited(row: Fields, places: Sequence[tuple[int, float]]) -> float | None:
    """Seconds that the first client in the queue has waited, if that is known."""
    try:
        return sum([row[place] * scale for place, scale in places]) if places else 0
    except TypeError:
        return None


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


def _some(row: Row | None, column: str) -> int | None:
    """The same of a limit, of which 0 says that there is none."""
    return _own(row, column) or None


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
