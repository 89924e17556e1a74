"""When statistics that belong to the whole server began anew: marks for what is counted, and words for who looks on."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from metrics.reading import number_of
from metrics.text import clean

SHARED = {
    "reset_archiver": "archiver",
    "reset_bgwriter": "background writer",
    "reset_checkpointer": "checkpointer",
    "reset_io": "I/O",
    "reset_replication_slots": "replication slots",
    "reset_slru": "SLRU caches",
    "reset_subscription_stats": "subscriptions",
    "reset_wal": "WAL",
}
"""Columns of ``identity`` that say when each kind was last reset, as far as the server's version has it."""

_MARKS = ("started", "checkpointer", "resets", *SHARED)


def epoch(identity: Mapping[str, Any]) -> float:
    """A number of 48 bits, exact in a float, that is another after a start, a crash or a reset of statistics.

    >>> one = {"started": "2026-01-01", "checkpointer": None, "resets": None}
    >>> epoch(one) == epoch(dict(one)), epoch(one) == epoch({**one, "resets": "5@2026-01-02"})
    (True, False)
    >>> epoch(one) == epoch({**one, "reset_wal": 1.7e9})
    False
    """
    marks = "|".join(map(str, map(identity.get, _MARKS)))
    return _number(marks)


@lru_cache(maxsize=1000)
def _number(marks: str) -> float:
    return float(int.from_bytes(hashlib.sha256(clean(marks).encode()).digest()[:6], "big"))


@dataclass(slots=True)
class Resets:
    """Remembers when each was last."""

    _last: Mapping[str, float] = field(default_factory=dict)
    _told: Sequence[Any] = ()

    def look(self, identity: Mapping[str, Any]) -> tuple[str, float]:
        """What was reset since the last look, in words, and when; "" at the first look and when nothing was.

        A slot that is dropped takes the time of its reset with it: a time that is earlier is none.

        >>> resets = Resets()
        >>> resets.look({"reset_wal": 5.0, "reset_io": None}), resets.look({"reset_wal": 5.0, "reset_io": None})
        (('', 0.0), ('', 0.0))
        >>> resets.look({"reset_wal": 9.0, "reset_io": 8.0})
        ('I/O, WAL', 9.0)
        """
        told = list(map(identity.get, SHARED))
        if told == self._told:
            return "", 0.0
        before, self._told = self._last, told
        self._last = {name: number_of(identity.get(name)) or 0.0 for name in SHARED}
        anew = {name: at for name, at in self._last.items() if at > before.get(name, at)}
        return ", ".join(SHARED[name] for name in anew), max(anew.values(), default=0.0)
