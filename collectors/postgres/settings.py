"""Settings as numbers, and their changes as events."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from collectors.postgres import metrics_settings as metrics
from collectors.postgres.ask import Ask, Rows
from collectors.round import Round
from metrics.poll import EventKind, Tier
from metrics.text import clean

SIZES = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
HIDDEN = re.compile(r"conninfo|password(?!_encryption)|passphrase|secret|token|command|_key$")
"""Settings that may hold a secret, as any text of an extension may: said to have changed, without what they are."""

NOT_SET = frozenset({"in_hot_standby", "transaction_read_only", "transaction_isolation", "transaction_deferrable"})
"""Not set by anybody."""

LONGEST = 100
MOST_EVENTS = 20


@dataclass(slots=True)
class Settings:
    """Remembers them from look to look."""

    tiers: ClassVar[Sequence[Tier]] = (Tier.MEDIUM, Tier.SLOW)
    _mark: str = ""
    _rows: Rows = field(default_factory=list)
    _told: dict[str, str] = field(default_factory=dict)
    _changed: Rows = field(default_factory=list)
    _pending: int = 0

    def read(self, round_: Round, ask: Ask) -> None:
        """All of them by the hour, what changed at once."""
        if not round_.wants(metrics.SETTINGS.statement):
            return
        with round_.part(metrics.SETTINGS.statement):
            self._look(round_, ask)
            if round_.tier is Tier.SLOW:
                self._told, self._changed = _values(self._rows), []
                round_.take(metrics.SETTINGS, _numbers(round_, self._rows), ask.version)
                round_.take(metrics.CHOICES, choices(self._rows), ask.version)
            else:
                round_.take(metrics.SETTINGS, _numbers(round_, self._changed), ask.version)
                round_.take(metrics.PENDING, [{"pending": self._pending}], ask.version)

    def _look(self, round_: Round, ask: Ask) -> None:
        """Hundreds of rows only when one of them is another, and by the hour."""
        mark = ask.one("settings_mark")["mark"]
        if mark == self._mark and round_.tier is not Tier.SLOW:
            return
        texts = ("name", "unit", "vartype", "value")
        given = ask.rows(metrics.SETTINGS.statement)
        rows = [{**row, **{name: clean(row[name]) for name in texts}} for row in given]
        self._compare(round_, rows)
        self._mark, self._rows = mark, rows
        self._changed = [row for row in rows if self._told and self._told.get(row["name"]) != row["value"]]
        self._pending = sum(bool(row["pending_restart"]) for row in rows)

    def _compare(self, round_: Round, rows: Rows) -> None:
        """Names of both looks only: what appears was hidden from us, or came with a library."""
        before = _values(self._rows)
        changes = [
            change(row, before[row["name"]])
            for row in rows
            if row["name"] not in NOT_SET and before.get(row["name"], row["value"]) != row["value"]
        ]
        for text in changes[:MOST_EVENTS]:
            round_.event(EventKind.CONFIG, text)
        if len(changes) > MOST_EVENTS:
            round_.event(EventKind.CONFIG, f"and {len(changes) - MOST_EVENTS} further settings")


def _values(rows: Rows) -> dict[str, str]:
    return {row["name"]: row["value"] for row in rows}


def change(row: Mapping[str, Any], old: str) -> str:
    """What is said of a change.

    >>> change({"name": "work_mem", "vartype": "integer", "value": "65536", "unit": "kB"}, "4096")
    'work_mem: 4096 kB → 65536 kB'
    >>> change({"name": "primary_conninfo", "vartype": "string", "value": "", "unit": ""}, "password=b")
    'primary_conninfo changed'
    """
    name = row["name"]
    if HIDDEN.search(name) or ("." in name and row["vartype"] == "string"):
        return f"{name} changed"
    return f"{name}: {_shown(old, row['unit'])} → {_shown(row['value'], row['unit'])}"


def _shown(value: str, unit: str) -> str:
    cut = value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
    return f"{cut} {unit}".strip() if cut else "(empty)"


def _numbers(round_: Round, rows: Rows) -> Rows:
    """Of all that are some."""
    found = round_.each(metrics.SETTINGS.statement, rows, number, names=("name",))
    return [row for row in found if row is not None]


def number(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """One that is a number or a switch, in base units; None for others.

    >>> number({"name": "fsync", "unit": "", "vartype": "bool", "value": "on"})
    {'name': 'fsync', 'base': '', 'number': 1.0}
    """
    if row["vartype"] == "bool":
        return {"name": row["name"], "base": "", "number": float(row["value"] == "on")}
    if row["vartype"] not in ("integer", "real"):
        return None
    base, scale = unit(row["unit"])
    value = float(row["value"])
    return {"name": row["name"], "base": base, "number": value if value == -1 else value * scale}


def choices(rows: Rows) -> Rows:
    """Those of several words."""
    return [{"name": row["name"], "value": row["value"], "one": 1} for row in rows if row["vartype"] == "enum"]


def unit(given: str) -> tuple[str, float]:
    """The base unit of a unit of PostgreSQL's, and how many of it that is.

    >>> unit("8kB"), unit("min"), unit("")
    (('bytes', 8192), ('seconds', 60.0), ('', 1.0))
    """
    if found := re.fullmatch(r"(\d*)([kMGT]?B)", given):
        return "bytes", int(found[1] or 1) * SIZES[found[2]]
    return ("seconds", TIMES[given]) if given in TIMES else ("", 1.0)
