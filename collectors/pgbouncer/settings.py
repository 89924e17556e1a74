"""SHOW CONFIG: what differs from the defaults, what changed, and which of it is nobody's business."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from collectors.failed import one_line
from metrics.poll import Record

Row = Mapping[str, Any]
DIFFERENCES = "differences"
"""Kind of the records that say which settings are not as by default; an empty body: it is again."""

LONGEST_VALUE = 200
MOST_EVENTS = 20
MASK = "…"
_OF_A_MACHINE = ("conffile",)
_SECRET = re.compile(r"passw|secret|token|credential", re.IGNORECASE)
_IN_TEXT = re.compile(r"(\w*(?:passw|secret|token)\w*\s*=\s*)(\"[^\"]*\"|'[^']*'|\S+)", re.IGNORECASE)
_LITERAL = re.compile(r"'[^']*'")
_SWITCHES = {"yes": 1.0, "on": 1.0, "true": 1.0, "no": 0.0, "off": 0.0, "false": 0.0}


@dataclass(slots=True)
class Settings:
    """The settings from look to look."""

    _known: dict[str, str] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)
    _rows: Sequence[Row] = ()

    def changes(self, rows: Sequence[Row]) -> list[str]:
        """What changed since the last look, each as a line; names of both looks only: others are of another version."""
        if rows == self._rows:
            return []
        now = {str(row.get("key")): text(row.get("value")) for row in rows}
        before, self._known = self._known, now
        return [
            change(name, shown(name, before[name]), shown(name, now[name]))
            for name in sorted({*before} & {*now})
            if before[name] != now[name]
        ]

    def differences(self, rows: Sequence[Row]) -> tuple[int, list[Record]]:
        """How many settings differ from their default, and a record of each that did not differ so before."""
        if rows == self._rows:
            return len(self._told), []
        self._rows = rows
        now = {name: json.dumps(body, ensure_ascii=False) for name, body in _differing(rows)}
        told, self._told = self._told, now
        gone = [Record(DIFFERENCES, name, "") for name in told if name not in now]
        new = [Record(DIFFERENCES, name, body) for name, body in now.items() if told.get(name) != body]
        return len(now), [*gone, *new]


def change(name: str, old: str, new: str) -> str:
    """A change as a line.

    >>> change("default_pool_size", "20", "5"), change("auth_user", "", "app")
    ('default_pool_size: 20 → 5', 'auth_user: (empty) → app')
    >>> change("auth_query", "select …", "select …")
    'auth_query changed'
    """
    return f"{name} changed" if old == new else f"{name}: {old or '(empty)'} → {new or '(empty)'}"


def few(changes: Sequence[str], what: str) -> list[str]:
    """Not too many of the changes, and how many others there are.

    >>> few([f"a{n}: 1 → 2" for n in range(22)], "settings")[-2:]
    ['a19: 1 → 2', 'and 2 further settings']
    """
    more = [f"and {len(changes) - MOST_EVENTS} further {what}"] if len(changes) > MOST_EVENTS else []
    return [*changes[:MOST_EVENTS], *more]


def numbers(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows of SHOW CONFIG whose value is a number or a switch, with a number in its place."""
    found = ((str(row.get("key")), number(row.get("value"))) for row in rows)
    return [{"key": name, "value": value} for name, value in found if value is not None and not _SECRET.search(name)]


def number(value: object) -> float | None:
    """A number or a switch as a number.

    >>> number("20"), number("yes"), number("md5"), number(None), number("nan")
    (20.0, 1.0, None, None, None)
    """
    words = text(value)
    if words.lower() in _SWITCHES:
        return _SWITCHES[words.lower()]
    return float(words) if re.fullmatch(r"-?\d{1,18}(\.\d{1,9})?", words) else None


def shown(name: str, value: str) -> str:
    """A value as it may be seen by whoever sees our pages.

    >>> shown("auth_query", "select * from f($1, 'hush')"), shown("auth_ldap_options", 'ldapbindpasswd="hush" x=1')
    ("select * from f($1, '…')", 'ldapbindpasswd=… x=1')
    """
    if _SECRET.search(name):
        return MASK if value else ""
    if name.endswith("_query"):
        value = _LITERAL.sub(f"'{MASK}'", value)
    plain = one_line(_IN_TEXT.sub(rf"\1{MASK}", value))
    return plain if len(plain) <= LONGEST_VALUE else plain[: LONGEST_VALUE - 1] + MASK


def text(value: object) -> str:
    """A value as text; NULL is empty."""
    return "" if value is None else str(value)


def _differing(rows: Sequence[Row]) -> Iterator[tuple[str, dict[str, str]]]:
    for row in rows:
        name, value, default = str(row.get("key")), text(row.get("value")), row.get("default")
        # NULL: PgBouncer does not say what the default is.
        if default is None or name in _OF_A_MACHINE or _same(name, value, text(default)):
            continue
        yield name, {"value": shown(name, value), "default": shown(name, text(default))}


def _same(name: str, value: str, default: str) -> bool:
    """Whether a value is the default; a mode is shown decimal and its default octal.

    >>> _same("unix_socket_mode", "511", "0777"), _same("pool_mode", "session", "transaction")
    (True, False)
    """
    if name.endswith("_mode") and default.startswith("0") and value.isdigit():
        return re.fullmatch(r"[0-7]+", default) is not None and int(value) == int(default, 8)
    return value == default
