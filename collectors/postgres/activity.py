"""Sessions and locks: groups of them in numbers, what lasts too long and who blocks whom as records."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from collectors.newcomers import Newcomers
from collectors.postgres import metrics_activity as metrics
from collectors.postgres.ask import Ask, Rows
from collectors.postgres.masked import masked
from collectors.rest import REST
from collectors.round import Round
from metrics.poll import Record, Tier
from metrics.text import clean, cut

LONGEST = 1000
"""Bytes of a query's text, as the statements cut it."""

SHOWN = 100
"""Kinds of sessions with series of their own."""

LONG = "long_transaction"
"""Kind of the records of transactions that last over a minute, by process and start; once more when it is over."""

LONGS = "long_transactions"
_LEFT = ("backend_start", "xact_start", "xmin_age")

BLOCKING = "blocking"
"""Kind of the records of who waits for whom, by a digest of that: one for as long as it stays the same."""

HOLDER = "xmin"
"""Kind of the records that say which session, slot, prepared transaction or standby is the oldest of its kind."""

NAMES = 50
"""Databases, accounts and applications with series of their own at one time; SPARE times as many in a week."""

_OPEN = ("datname", "usename", "application_name")
"""What sessions come from: of these there may be new ones for ever."""

_KIND = ("datname", "state", "backend_type", "usename", "application_name", "wait_event_type", "wait_event")


@dataclass(slots=True)
class Activity:
    """What sessions do, in numbers."""

    tiers: ClassVar[Sequence[Tier]] = (Tier.MEDIUM,)
    _holders: dict[str, str] = field(default_factory=dict)
    _names: Mapping[str, Newcomers[str]] = field(default_factory=lambda: {name: Newcomers(NAMES) for name in _OPEN})

    def read(self, round_: Round, ask: Ask) -> None:
        """By kind, and by the type of process."""
        reading = metrics.ACTIVITY_DETAIL
        if round_.wants(reading.statement):
            with round_.part(reading.statement):
                rows = _counted(round_.believed(reading, ask.rows(reading.statement)))
                shown, _ = busiest(self.named(rows), SHOWN)
                round_.take(reading, shown, ask.version)
                round_.take(metrics.PROCESSES, processes(rows), ask.version)
                round_.left_out += hidden(rows, shown)
        ask.take(round_, metrics.LOCKS)
        holders = {clean(row["holder"]): clean(row["name"])[:200] for row in ask.take(round_, metrics.XMIN)}
        round_.records += [
            Record(HOLDER, kind, name) for kind, name in holders.items() if self._holders.get(kind) != name
        ]
        self._holders = holders

    def named(self, rows: Rows) -> Rows:
        """The rows, those together that differ only by names that are not let in: the busiest still come first."""
        known = {name: self._names[name].let_in(str(row[name]) for row in rows) for name in _OPEN}
        if all(row[name] in known[name] for row in rows for name in _OPEN):
            return rows
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in rows:
            own = {**row, **{name: row[name] if row[name] in known[name] else REST for name in _OPEN}}
            group = found.setdefault(tuple(own[name] for name in _KIND), {**own, "sessions": 0})
            group["sessions"] += own["sessions"]
            ages = [age for age in (group["transaction"], own["transaction"]) if age is not None]
            group["transaction"] = max(ages, default=None)
        return sorted(found.values(), key=lambda row: (-row["sessions"], -(row["transaction"] or 0.0)))


def _counted(rows: Rows) -> Rows:
    """Those of which it is known how many they are."""
    return rows if all(row["sessions"] is not None for row in rows) else [r for r in rows if r["sessions"] is not None]


def busiest(rows: Rows, most: int) -> tuple[Rows, int]:
    """The first of them, and one for the others when there are any; how many those are.

    >>> rows = [{name: i for name in _KIND} | {"sessions": 3 - i, "transaction": float(i)} for i in range(3)]
    >>> shown, left = busiest(rows, 1)
    >>> [(row["state"], row["sessions"], row["transaction"]) for row in shown], left
    ([(0, 3, 0.0), ('(rest)', 3, 2.0)], 2)
    """
    others = rows[most:]
    if not others:
        return rows, 0
    rest = {
        **dict.fromkeys(_KIND, REST),
        "sessions": sum(row["sessions"] for row in others),
        "transaction": max(row["transaction"] or 0.0 for row in others),
    }
    return [*rows[:most], rest], len(others)


def hidden(rows: Rows, shown: Rows) -> int:
    """How many of the rows are part of others, whichever of their names was not shown.

    >>> hidden([{"usename": "a"}, {"usename": "b"}, {"usename": "c"}], [{"usename": "a"}, {"usename": "(rest)"}])
    2
    """
    return len(rows) - sum(1 for row in shown if REST not in row.values())


def processes(rows: Rows) -> Rows:
    """How many there are of each type, whatever they do.

    >>> processes([{"backend_type": "walwriter", "sessions": 1}, {"backend_type": "walwriter", "sessions": 2}])
    [{'backend_type': 'walwriter', 'processes': 3}]
    """
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["backend_type"] or ""] += row["sessions"]
    return [{"backend_type": type_, "processes": count} for type_, count in counts.items()]


@dataclass(slots=True)
class Waits:
    """How long transactions last, and who waits for whom while somebody does.

    long   seconds after which a transaction has a record
    """

    tiers: ClassVar[Sequence[Tier]] = (Tier.FAST,)
    long: float = 60.0
    _long: dict[str, str] = field(default_factory=dict)
    _blocking: str = ""

    def read(self, round_: Round, ask: Ask) -> None:
        """Further statements only when the first gives reason to."""
        if not round_.wants(metrics.AGES.statement):
            return
        with round_.part(metrics.AGES.statement):
            rows = round_.believed(metrics.AGES, ask.rows(metrics.AGES.statement))
            round_.take(metrics.AGES, rows, ask.version)
            self._further(round_, ask, rows)

    def _further(self, round_: Round, ask: Ask, rows: Rows) -> None:
        if self._long or any((row["transaction"] or 0.0) > self.long for row in rows):
            with round_.part(LONGS):
                self._remember(round_, ask.rows(LONGS, [self.long]), ask.connection.codec)
        reading = metrics.BLOCKING
        if any(row["waiters"] for row in rows) and round_.wants(reading.statement):
            with round_.part(reading.statement):
                self._block(round_, ask.rows(reading.statement), ask)
        else:
            self._blocking = ""
            round_.take(reading, [{"waited": 0.0, "roots": 0}], ask.version)

    def _remember(self, round_: Round, rows: Rows, codec: str) -> None:
        """What is new or goes on otherwise; what is over is said to be."""
        bodies = round_.each(LONGS, rows, lambda row: (_key(row), _body(row, codec, leave=_LEFT)), names=("pid",))
        found = dict(bodies)
        for key, body in found.items():
            if self._long.get(key) != body:
                self._long[key] = body
                round_.records.append(Record(LONG, key, body))
        for key in [key for key in self._long if key not in found]:
            over = json.dumps({**json.loads(self._long.pop(key)), "over": True}, ensure_ascii=False)
            round_.records.append(Record(LONG, key, over))

    def _block(self, round_: Round, rows: Rows, ask: Ask) -> None:
        reading, codec = metrics.BLOCKING, ask.connection.codec
        sound = round_.believed(reading, rows)
        nodes = round_.each(
            reading.statement,
            sound,
            lambda row: (_mark(row), _body(row, codec, leave=("backend_start",))),
            names=("pid",),
        )
        # Who waits is known also where it is not known for how long.
        waiting = [row for row, given in zip(sound, rows, strict=True) if given["waited"] is not None]
        waited = max((row["waited"] for row in waiting if row["waited"] is not None), default=0.0)
        round_.take(reading, [{"waited": waited, "roots": len(rows) - len(waiting)}], ask.version)
        digest = _digest([mark for mark, _ in nodes]) if waiting else ""
        if digest and digest != self._blocking:
            body = "[" + ", ".join(body for _, body in nodes) + "]"
            round_.records.append(Record(BLOCKING, digest, body))
        self._blocking = digest


def _key(row: Mapping[str, Any]) -> str:
    return f"{row['pid']} {row['xact_start']}"


def _mark(row: Mapping[str, Any]) -> str:
    """Who waits for whom, and for which transaction."""
    return f"{row['pid']} {row['backend_start']} {sorted(row['blockers'])} {row['query_since']}"


def _digest(marks: Sequence[str]) -> str:
    """Equal as long as they are."""
    return hashlib.sha256(clean("|".join(marks)).encode()).hexdigest()[:16]


def _body(row: Mapping[str, Any], codec: str, leave: Sequence[str]) -> str:
    kept = {name: value for name, value in row.items() if name not in leave}
    # The server itself cannot cut a text that is none in its encoding: another database's session sent it.
    query = cut(row["query"] or b"", LONGEST, codec)
    return json.dumps({**kept, "query": masked(query)}, ensure_ascii=False, default=str)
