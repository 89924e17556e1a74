"""Rows of SHOW CLIENTS and SHOW SERVERS, counted: thousands of connections become tens of rows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from collectors.pgbouncer.choice import Choice
from collectors.pgbouncer.declare import CONSOLE
from collectors.pgbouncer.table import Fields, Table
from collectors.rest import REST

LONGEST_NAME = 64
GROUPS_PER = 30
"""Series of the source for each group of connections that is shown."""

_MICRO = 1e-6
Group = tuple[str, str, str, str]
WHO = ("database", "user", "application_name", "state")


@dataclass(slots=True)
class Sums:
    """What is summed for one database."""

    count: int = 0
    statements: int | None = None
    unencrypted: int | None = None
    closing: int | None = None
    ages: list[float] = field(default_factory=list)

    def row(self, database: str) -> dict[str, Any]:
        """As a row; None where the version does not tell."""
        return {
            "database": database,
            "statements": self.statements,
            "unencrypted": self.unencrypted,
            "closing": self.closing,
            "mean_age": sum(self.ages) / len(self.ages) if self.ages else None,
            "oldest_age": max(self.ages, default=None),
        }


class Sockets:
    """One of the two statements from look to look."""

    def __init__(self, most_series: int) -> None:
        """``most_series``: of the whole source."""
        self.left_out = 0
        self._busiest: Choice[Group] = Choice(max(8, most_series // GROUPS_PER))

    def groups(self, table: Table) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of counts by who they are and their state, and of the longest wait by who they are."""
        fields = [table.names.index(name) if name in table.names else None for name in WHO]
        wait = _Wait(table.names)
        counts: dict[Group, int] = defaultdict(int)
        waits: dict[Group, float] = defaultdict(float)
        for row in table.rows:
            group = _group(row, fields)
            counts[group] += 1
            waits[group] = max(waits[group], wait.of(row))
        kept = self._busiest.choose({group: float(count) for group, count in counts.items()})
        self.left_out = len(counts) - len(kept)
        shown: dict[Group, int] = defaultdict(int)
        longest: dict[Group, float] = defaultdict(float)
        for group, count in counts.items():
            named = group if group in kept else (REST, REST, REST, group[3])
            shown[named] += count
            longest[(*named[:3], "")] = max(longest[(*named[:3], "")], waits[group])
        return (
            [{**dict(zip(WHO, group, strict=True)), "count": count} for group, count in shown.items()],
            [{**dict(zip(WHO[:3], group, strict=False)), "wait_seconds": value} for group, value in longest.items()],
        )


def sums(table: Table, shown: set[str], now: datetime | None, zone: str) -> dict[str, Sums]:
    """By database; those that are not shown together.

    now, zone   the time there, and its time zone as the server abbreviates it
    """
    database = table.place("database")
    at = {name: index for index, name in enumerate(table.names)}
    found: dict[str, Sums] = defaultdict(Sums)
    for row in table.rows:
        one = found[row[database] if row[database] in shown else REST]
        one.count += 1
        if "prepared_statements" in at:
            one.statements = (one.statements or 0) + int(row[at["prepared_statements"]] or 0)
        if "tls" in at:
            one.unencrypted = (one.unencrypted or 0) + (not row[at["tls"]])
        if "close_needed" in at:
            one.closing = (one.closing or 0) + bool(row[at["close_needed"]])
        if now is not None and "connect_time" in at:
            since, of = moment(row[at["connect_time"]])
            # Across a change to or from summer time an hour would be wrong.
            if since is not None and of == zone:
                one.ages.append(max(0.0, (now - since).total_seconds()))
    return found


def console_time(table: Table) -> tuple[datetime | None, str]:
    """What time it is there: when the console, we, asked last."""
    if "request_time" not in table.names or "database" not in table.names:
        return None, ""
    at = table.place("request_time")
    found = [moment(row[at]) for row in table.only("database", CONSOLE).rows]
    known = [(when, zone) for when, zone in found if when is not None]
    return max(known, key=lambda pair: pair[0]) if known else (None, "")


@lru_cache(maxsize=10_000)
def moment(text: object) -> tuple[datetime | None, str]:
    """A time of the console's and its zone, whose abbreviation says nothing for certain.

    >>> moment("2026-11-24 08:50:51 CET")
    (datetime.datetime(2026, 11, 24, 8, 50, 51), 'CET')
    """
    words = str(text).split()
    try:
        when = datetime.fromisoformat(" ".join(words[:2]))
    except ValueError:
        return None, ""
    return (when if when.tzinfo is None else None), " ".join(words[2:])


class Opened:
    """Counts server connections that were not there before; its counters only grow."""

    def __init__(self) -> None:
        """The first look is the base line."""
        self._known: set[Fields] | None = None
        self._counts: dict[str, float] = {}

    def look(self, table: Table, shown: set[str]) -> Mapping[str, float]:
        """By database, all others together; a database that is shown no more is forgotten."""
        marks = ("ptr", "connect_time", "local_port", "remote_pid")
        at = [table.place("database"), *(table.names.index(name) for name in marks if name in table.names)]
        now = {tuple(row[index] for index in at) for row in table.rows}
        counts = {name: self._counts.get(name, 0.0) for name in (*shown, REST)}
        for connection in now - self._known if self._known is not None else ():
            counts[connection[0] if connection[0] in shown else REST] += 1
        self._known, self._counts = now, counts
        return counts


class _Wait:
    """The seconds that a row has waited."""

    def __init__(self, names: Sequence[str]) -> None:
        self._places = [
            (names.index(name), scale) for name, scale in (("wait", 1.0), ("wait_us", _MICRO)) if name in names
        ]

    def of(self, row: Fields) -> float:
        return sum(float(row[index] or 0) * scale for index, scale in self._places)


def _group(row: Fields, fields: Iterable[int | None]) -> Group:
    names = ["" if index is None or row[index] is None else str(row[index])[:LONGEST_NAME] for index in fields]
    return names[0], names[1], names[2], names[3]
