"""CONFIG GET without a secret, and what of it has changed since the last look."""

import json
import re
from collections.abc import Mapping, Sequence

from collectors.failed import one_line
from metrics.poll import Record

PATTERNS = (
    "[^mprt]*",
    "m[^a]*",
    "ma[^s]*",
    "p[^r]*",
    "pr[^i]*",
    "r[^e]*",
    "re[^q]*",
    "t[^l]*",
    "tls-[^kc]*",
)
"""Together every setting but those that begin with master, primary, req, tls-k and tls-c: requirepass, masterauth,
masteruser, primaryauth, primaryuser, tls-key-file-pass, tls-client-key-file-pass. These never leave the server."""

SECRET = re.compile(r"pass|auth$|secret|token|credential", re.IGNORECASE)
"""And should a module have others, their values go no further than this file."""

KIND = "setting"
"""Kind of the records: the value of a setting, by its name, written when it is another than before."""

MOST_CHANGES = 20
Settings = Mapping[str, str]


def settings(answers: Sequence[Sequence[object]]) -> dict[str, str]:
    """Name and value of every setting that is no secret, sorted."""
    found = {}
    for answer in answers:
        found.update({str(name): str(value) for name, value in zip(answer[::2], answer[1::2], strict=False)})
    return {name: one_line(found[name]) for name in sorted(found) if not SECRET.search(name)}


def changes(before: Settings, after: Settings) -> list[str]:
    """One line for each difference.

    >>> changes({"hz": "10", "save": ""}, {"hz": "20", "save": ""})
    ['hz: 10 → 20']
    """
    return [
        f"{name}: {before.get(name, '(not there)') or '(empty)'} → {after.get(name, '(not there)') or '(empty)'}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def few(changes_: Sequence[str]) -> list[str]:
    """Not too many of them, and how many others there are.

    >>> few([f"a{n}: 1 → 2" for n in range(22)])[-2:]
    ['a19: 1 → 2', 'and 2 further settings']
    """
    more = [f"and {len(changes_) - MOST_CHANGES} further settings"] if len(changes_) > MOST_CHANGES else []
    return [*changes_[:MOST_CHANGES], *more]


def records(before: Settings | None, after: Settings) -> list[Record]:
    """All settings as one record at the first look, later each that is another."""
    if before is None:
        return [Record(KIND, "all", json.dumps(after, ensure_ascii=False))]
    return [Record(KIND, name, after.get(name, "")) for name in after if before.get(name) != after[name]]


def buffers(value: str) -> list[dict[str, str]]:
    """Rows of client-output-buffer-limit.

    >>> buffers("normal 0 0 0 slave 256 64 60")[1]
    {'class': 'normal', 'limit': 'soft', 'bytes': '0', 'seconds': '0'}
    """
    words, found = value.split(), []
    for name, hard, soft, seconds in zip(*[iter(words)] * 4, strict=False):
        found.append({"class": name, "limit": "hard", "bytes": hard})
        found.append({"class": name, "limit": "soft", "bytes": soft, "seconds": seconds})
    return found
