"""What was created, dropped and altered in one database between two looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metrics.further import further
from metrics.text import clean

MOST = 20


@dataclass(frozen=True, slots=True)
class Thing:
    """A table, view, index or sequence."""

    kind: str
    name: str
    digest: str


Things = Mapping[int, Thing]
"""By the number that the server knows them by, which stays when they are renamed."""


def thing(row: Mapping[str, Any]) -> tuple[int, Thing]:
    """A row of ``definitions``, with its number."""
    name = f"{clean(row['nspname'])}.{clean(row['relname'])}"
    return int(row["oid"]), Thing(clean(row["kind"]), name, clean(row["digest"]))


def changes(before: Things, now: Things) -> list[str]:
    """One line each, and one for those that are too many. What was made anew as it was is no change: REINDEX does so.

    >>> old = {1: Thing("table", "s.a", "x"), 2: Thing("index", "s.b", "x"), 5: Thing("index", "s.i", "x")}
    >>> new = {1: Thing("table", "s.a", "y"), 3: Thing("view", "s.c", "x"), 6: Thing("index", "s.i", "x")}
    >>> changes(old, new)
    ['table s.a altered', 'view s.c created', 'index s.b dropped']
    """
    gone = {(thing.kind, thing.name): thing for number, thing in before.items() if number not in now}
    lines = []
    for number, thing in now.items():
        old = before.get(number) or gone.pop((thing.kind, thing.name), None)
        if old is None:
            lines.append(f"{thing.kind} {thing.name} created")
        elif old.name != thing.name:
            lines.append(f"{thing.kind} {old.name} is now {thing.name}")
        elif old.digest != thing.digest:
            lines.append(f"{thing.kind} {thing.name} altered")
    lines += [f"{kind} {name} dropped" for kind, name in gone]
    return lines if len(lines) <= MOST else [*lines[:MOST], further(len(lines) - MOST)]
