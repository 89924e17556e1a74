"""SLOWLOG and Valkey's COMMANDLOG: the entries that are new since the last look, as records."""

import json
import re
from collections.abc import Sequence
from typing import Any

from collectors.failed import one_line
from metrics.poll import Record

KIND = "slowlog"
"""Kind of the records; the key is the run and the entry's number, so that none is kept twice."""

MOST = 128
"""Entries of one look: so many the log holds unless slowlog-max-len says more."""

SPARE = 10
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9._|-]{0,39}")
_LONGEST = 200


class Log:
    """One log of one server: which entries were seen, and how many there were ever.

    A log that is empty at the first look may have been emptied: how many there were before is not known, and the
    number of the next one does not tell, so those are counted from that look on.
    """

    def __init__(self, kind: str = KIND) -> None:
        """Nothing was seen: all that is in the log is new."""
        self.kind = kind
        self.last = -1
        self.entries: int | None = None
        self._run = ""
        self._base = 0
        self._emptied = False

    def wanted(self, newest: Sequence[Any], run: str) -> int:
        """How many entries to ask for, told the newest one, or none, of this run of the server."""
        if run != self._run:
            # Numbers begin anew with the server, and with it alone: SLOWLOG RESET leaves them.
            self._emptied = not self._run and not newest
            self.last, self.entries, self._run, self._base = -1, None, run, 0
        if not newest:
            self.entries = self.entries or 0
            return 0
        number = int(newest[0][0])
        fresh = number - self.last
        # A server that finds everything slow logs our own asking meanwhile.
        return max(0, fresh) if fresh <= 1 else min(MOST, fresh + SPARE)

    def records(self, entries: Sequence[Any], run: str, *, arguments: bool, own: str = "") -> list[Record]:
        """A record of each entry that was not seen and does not come from ``own``, our own address."""
        fresh = [entry for entry in entries if int(entry[0]) > self.last]
        self.last = max([self.last, *(int(entry[0]) for entry in fresh)])
        if self._emptied and fresh:
            self._base, self._emptied = min(int(entry[0]) for entry in fresh), False
        self.entries = max(self.entries or 0, self.last + 1 - self._base)
        return [
            Record(self.kind, f"{run[:12]}:{entry[0]}", body(entry, arguments=arguments))
            for entry in fresh
            if not own or str(next(iter(entry[4:]), "")) != own
        ]


def body(entry: Sequence[Any], *, arguments: bool) -> str:
    """An entry as JSON. Without its arguments: how many there are, and how long each is.

    >>> body([7, 1700000000, 12000, ["SET", "user:1", "secret"], "10.0.0.1:5", "app"], arguments=False)
    '{"at": 1700000000, "seconds": 0.012, "command": "SET", "arguments": 2, "sizes": [6, 6], "client": "app"}'
    >>> json.loads(body([7, 1700000000, 12000, ["GET", "user:1"], "10.0.0.1:5", ""], arguments=True))["text"]
    ['user:1']
    """
    number, at, spent, words, *who = entry
    del number
    first, rest = (str(words[0]) if words else ""), [str(word) for word in words[1:]]
    told: dict[str, object] = {
        "at": at,
        "seconds": spent / 1e6,
        "command": first.upper() if _WORD.fullmatch(first) else "…",
        "arguments": len(rest),
        "sizes": [len(word) for word in rest],
        "client": one_line(str(who[1]))[:_LONGEST] if len(who) > 1 else "",
    }
    if arguments:
        told["text"] = [one_line(word)[:_LONGEST] for word in rest]
    return json.dumps(told, ensure_ascii=False)
