"""Databases and pools when there are more than may have series: the busiest, and one row for all others.

A database is shown with its counters and its pools or not at all, so that what is said of it fits together. The
others are database "(rest)", whose counters are our own and only grow: each database's rise is taken, so that one
that comes or goes makes no jump. Of a shown database with very many users, the others are user "(rest)".
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from collectors.pgbouncer.choice import Choice
from collectors.pgbouncer.declare import CONSOLE
from collectors.pgbouncer.rows import Limits, pools
from collectors.pgbouncer.table import Fields, Rows, Table, total
from collectors.rest import REST
from metrics.text import clean

DATABASES_PER = 70
POOLS_PER = 45
"""Series of the source for each database and each pool that is shown: what they have, and what others need too."""

_MICRO = 1_000_000


class Crowd:
    """Remembers the counters of every database from look to look; the first look is the base line."""

    def __init__(self, most_series: int) -> None:
        """``most_series``: of the whole source."""
        self.shown: set[str] = set()
        self.left_out = 0
        self.doubled: list[str] = []
        self._databases: Choice[str] = Choice(max(2, most_series // DATABASES_PER))
        self._pools: Choice[tuple[str, str]] = Choice(max(4, most_series // POOLS_PER))
        self._names: Sequence[str] = ()
        self._before: dict[str, Fields] | None = None
        self._rest: dict[str, float] = {}
        self._given: dict[str, list[float]] = {}
        self.opened = False

    @property
    def most(self) -> int:
        """How many databases are shown."""
        return self._databases.most

    def look(self, stats: Table, pooled: Table, limits: Limits) -> tuple[Rows, Rows]:
        """Rows of SHOW STATS_TOTALS and of SHOW POOLS to make samples of."""
        self.left_out = 0
        self.doubled = []
        stats, pooled = self._once(stats, ("database",)), self._once(pooled, ("database", "user"))
        waits = _waits(pooled)
        return self._stats(stats, waits), self._pooled(pooled, limits)

    def _once(self, table: Table, key: Sequence[str]) -> Table:
        """Rows that have one name are one, with the sums of their numbers."""
        if not table.rows:
            return table
        places = [table.place(name) for name in key]
        if len(set(zip(*(table.columns[place] for place in places), strict=True))) == len(table.rows):
            return table
        groups: dict[tuple[Any, ...], list[Fields]] = {}
        for row in table.rows:
            groups.setdefault(tuple(row[place] for place in places), []).append(row)
        self.doubled += [" ".join(map(clean, name)) for name, rows in groups.items() if len(rows) > 1]
        return Table(table.names, [_merged(table.names, rows) for rows in groups.values()])

    def _stats(self, table: Table, waits: Mapping[str, float]) -> Rows:
        if not table.names:
            return Rows(table)
        at = table.place("database")
        now = {str(row[at]): row for row in table.rows if row[at] != CONSOLE}
        before = self._before if self._names == table.names else None
        if before is None:
            self._given = {}
        busy = table.names.index("xact_time") if "xact_time" in table.names else None
        known = (
            now
            if before is None
            else {name: _carried(row, before.get(name)) if None in row else row for name, row in now.items()}
        )
        rises = None if before is None else _rises(known, before, at)
        was, self.shown = self.shown, self._databases.choose(_claims(now, rises, busy, waits))
        if rises:
            # Was not shown: has no sample yet that this rise would be the difference to.
            hidden = {name: rise for name, rise in rises.items() if name not in self.shown or name not in was}
            self._add(table.names, at, list(hidden.values()))
            self._give(hidden, known, before or {})
        # Of those that ever had a series.
        self._given = {name: given for name, given in self._given.items() if name in now}
        for name in self.shown:
            self._given.setdefault(name, [0.0] * len(table.names))
        self._before, self._names = known, table.names
        others = len(now) - len(self.shown)
        self.left_out += others
        self.opened = self.opened or others > 0
        rest = [{**dict.fromkeys(table.names, 0.0), **self._rest, "database": REST}] if self.opened else []
        near = [self._own(name, row) for name, row in now.items() if name in self.shown]
        return Rows(Table(table.names, near), rest)

    def _give(
        self, rises: Mapping[str, Sequence[float]], now: Mapping[str, Fields], before: Mapping[str, Fields]
    ) -> None:
        """Remember what of each database's rise the others were given; of one that began anew, from then on."""
        for name, given in self._given.items():
            if name in now and _fell(now[name], before.get(name)):
                given[:] = [0.0] * len(given)
            if name in rises:
                given[:] = [sum(pair) for pair in zip(given, rises[name], strict=True)]

    def _own(self, name: str, row: Fields) -> Fields:
        """A shown row without what the others were given of it."""
        given = self._given[name]
        if not any(given):
            return row
        return tuple(
            value - less if less and value is not None else value for value, less in zip(row, given, strict=True)
        )

    def _add(self, names: Sequence[str], at: int, rises: Sequence[Sequence[float]]) -> None:
        for index, column in enumerate(zip(*rises, strict=True)):
            if index != at:
                self._rest[names[index]] = self._rest.get(names[index], 0.0) + sum(column)

    def _pooled(self, table: Table, limits: Limits) -> Rows:
        if not table.names:
            return Rows(table)
        database, user = table.place("database"), table.place("user")
        near: list[Fields] = []
        far: list[Fields] = []
        for row in table.rows:
            if row[database] in self.shown:
                near.append(row)
            elif row[database] != CONSOLE:
                far.append(row)
        groups: dict[str, list[Fields]] = {REST: far} if far else {}
        load = [index for index, name in enumerate(table.names) if name in ("cl_waiting", "sv_active", "sv_idle")]
        kept = self._pools.choose({(row[database], row[user]): _load([row[at] for at in load]) for row in near})
        if len(kept) < len(near):
            for row in near:
                if (row[database], row[user]) not in kept:
                    groups.setdefault(str(row[database]), []).append(row)
            near = [row for row in near if (row[database], row[user]) in kept]
        self.left_out += sum(map(len, groups.values()))
        rests = [_together(Table(table.names, members), name, limits) for name, members in groups.items()]
        return Rows(pools(Table(table.names, near), limits), rests)


def _merged(names: Sequence[str], rows: Sequence[Fields]) -> Fields:
    if len(rows) == 1:
        return rows[0]
    return tuple(
        _larger(column) if name.startswith("maxwait") else _summed(column)
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    )


def _summed(column: Sequence[Any]) -> Any:
    numbers = [value for value in column if isinstance(value, int | float)]
    return sum(numbers) if numbers else column[0]


def _larger(column: Sequence[Any]) -> Any:
    numbers = [value for value in column if isinstance(value, int | float)]
    return max(numbers) if numbers else column[0]


def _waits(pooled: Table) -> dict[str, float]:
    """Microseconds that the first clients of each database wait: a queue that stands is busy too."""
    waits: dict[str, float] = {}
    for name, scale in (("maxwait", _MICRO), ("maxwait_us", 1)):
        if name in pooled.names:
            at, database = pooled.names.index(name), pooled.place("database")
            for row in pooled.rows if any(pooled.columns[at]) else ():
                if row[at]:
                    waits[row[database]] = waits.get(row[database], 0.0) + _number(row[at]) * scale
    return waits


def _claims(
    now: Mapping[str, Fields],
    rises: Mapping[str, Sequence[float]] | None,
    busy: int | None,
    waits: Mapping[str, float],
) -> dict[str, float]:
    """Time in transactions since the last look, waiting included; at the first look, since ever."""
    claims = {name: waits.get(name, 0.0) for name in now}
    if busy is None:
        return claims
    if rises is None:
        # So much less than any wait or rise that it decides only between the idle.
        return {name: claim + 1e-9 * _number(now[name][busy]) for name, claim in claims.items()}
    for name, rise in rises.items():
        claims[name] += rise[busy]
    return claims


def _rises(now: Mapping[str, Fields], before: Mapping[str, Fields], label: int) -> dict[str, list[float]]:
    """Of every row that is not as it was: most databases of many are idle."""
    return {name: _rise(row, before.get(name), label) for name, row in now.items() if before.get(name) != row}


def _carried(row: Fields, old: Fields | None) -> Fields:
    """A row with what was told before in place of what is not told now: by how much that rose is known later."""
    if old is None:
        return row
    return tuple(last if value is None else value for value, last in zip(row, old, strict=True))


def _rise(row: Fields, old: Fields | None, label: int) -> list[float]:
    """How much each counter rose; of a row that is new or fell, all that it says."""
    numbers = [0 if index == label else _number(value) for index, value in enumerate(row)]
    if old is None:
        return numbers
    before = [0 if index == label else _number(value) for index, value in enumerate(old)]
    # How much of a number is new of which none was told before, nobody knows.
    rise = [0 if was is None else new - last for new, last, was in zip(numbers, before, old, strict=True)]
    return numbers if min(rise) < 0 else rise


def _fell(row: Fields, old: Fields | None) -> bool:
    """Whether any of its counters did."""
    return old is not None and any(
        _number(new) < _number(last) for new, last in zip(row, old, strict=True) if not isinstance(new, str)
    )


def _number(value: Any) -> float:
    """What a broken server sends in place of a number counts as none."""
    return value if isinstance(value, int | float) and isfinite(value) else 0


def _load(numbers: Sequence[Any]) -> float:
    try:
        return float(sum(numbers))
    except TypeError:
        return total(numbers) or 0.0


def _together(table: Table, database: str, limits: Limits) -> dict[str, Any]:
    """Many pools as one row."""
    row: dict[str, Any] = {}
    for name, column in zip(table.names, zip(*table.rows, strict=True), strict=True):
        row[name] = _sum(column) if name.startswith(("cl_", "sv_")) else None
    waits = _waits_of(table)
    modes = table.names.index("pool_mode") if "pool_mode" in table.names else None
    session = any(each[modes] == "session" for each in table.rows) if modes is not None else None
    at, user = table.place("database"), table.place("user")
    known = [limits.of(str(each[at]), str(each[user])) for each in table.rows]
    (made,) = pools(Table(tuple(row), [tuple(row.values())]), limits).dicts()
    return {
        **made,
        "database": database,
        "user": REST,
        "sv_limit": None if None in known else total(known),
        "maxwait_seconds": max(waits) if waits else None,
        "is_session": session,
    }


def _sum(column: Sequence[Any]) -> float | None:
    try:
        return float(sum(column))
    except TypeError:
        return total(column)


def _waits_of(table: Table) -> list[float]:
    if "maxwait" not in table.names:
        return []
    whole = table.names.index("maxwait")
    part = table.names.index("maxwait_us") if "maxwait_us" in table.names else None
    try:
        if part is not None:
            return [row[whole] + row[part] / _MICRO for row in table.rows]
    except TypeError:
        pass
    return [_number(row[whole]) + (0 if part is None else _number(row[part]) / _MICRO) for row in table.rows]
