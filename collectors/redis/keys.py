"""Memory by prefix of the keys, on demand: a sample by SCAN and MEMORY USAGE in small steps.

Neither touches a key's age nor counts as a lookup; TYPE, TTL and KEYS, which do or which stop the server, are not
used. Between two steps Redis has at least nine times as long for others as the step took.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from collectors.failed import Disconnected, Failed, one_line
from collectors.redis.connection import RedisConnection
from collectors.redis.source import RedisSource
from metrics.poll import ErrorClass

STEP = 50
"""Keys of one step."""

WITHIN = 5.0
"""Seconds for one step's answers."""

SHARE = 0.1
"""Of the time, at most, that Redis is kept busy."""

MOST_PREFIXES = 1000
NO_PREFIX = "(no prefix)"
OTHERS = "(rest)"
LONGEST = 100
RIGHTS = "+scan +dbsize +memory|usage +select ~*"


@dataclass(frozen=True, slots=True)
class Prefix:
    """What the sampled keys of one prefix take."""

    name: str
    keys: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Prefixes, the heaviest first; ``whole``: every key was looked at; ``total``: keys of the database."""

    prefixes: tuple[Prefix, ...]
    total: int
    whole: bool
    seconds: float

    @property
    def keys(self) -> int:
        """How many were looked at."""
        return sum(prefix.keys for prefix in self.prefixes)

    @property
    def bytes(self) -> int:
        """What they take."""
        return sum(prefix.bytes for prefix in self.prefixes)


def sample(
    source: RedisSource,
    *,
    most: int,
    seconds: float,
    per_second: float,
    database: int = 0,
    separator: str = ":",
    depth: int = 1,
    sleep: Callable[[float], None] = time.sleep,
) -> Sample:
    """Look at so many keys, for so long, and no more of them per second than allowed. Raises Failed."""
    begun = time.monotonic()
    connection = RedisConnection(source, begun + WITHIN)
    try:
        if database:
            connection.call(time.monotonic() + WITHIN, "SELECT", str(database))
        total = _whole(connection.call(time.monotonic() + WITHIN, "DBSIZE"))
        found: dict[str, list[int]] = {}
        cursor, looked = "0", 0
        while True:
            step = time.monotonic()
            cursor, sizes = _step(connection, cursor, step + WITHIN)
            for key, size in sizes:
                _add(found, prefix(key, separator, depth), size)
            looked += len(sizes)
            now = time.monotonic()
            if cursor == "0" or looked >= most or now - begun >= seconds:
                break
            pause = max((now - step) * (1 / SHARE - 1), looked / per_second - (now - begun))
            sleep(min(pause, max(0.0, begun + seconds - now)))
    except Failed as failed:
        raise _explained(failed, source) from None
    finally:
        connection.close()
    ranked = sorted((Prefix(name, *sums) for name, sums in found.items()), key=lambda each: (-each.bytes, each.name))
    return Sample(tuple(ranked), total, cursor == "0", time.monotonic() - begun)


def prefix(key: str, separator: str = ":", depth: int = 1) -> str:
    """The first parts of a key, but never all of it.

    >>> prefix("user:17:cart"), prefix("user:17:cart", depth=2), prefix("counter")
    ('user:', 'user:17:', '(no prefix)')
    """
    parts = key.split(separator)
    kept = parts[: min(depth, len(parts) - 1)]
    return one_line(separator.join(kept))[:LONGEST] + separator if kept else NO_PREFIX


def _step(connection: RedisConnection, cursor: str, deadline: float) -> tuple[str, list[tuple[str, int]]]:
    answer = connection.call(deadline, "SCAN", cursor, "COUNT", str(STEP))
    if not (isinstance(answer, list) and len(answer) == 2 and isinstance(answer[1], list)):  # noqa: PLR2004
        raise Failed(ErrorClass.BAD_REPLY, "SCAN: an answer of another shape")
    keys = [str(key) for key in answer[1]]
    found = []
    sizes = connection.ask(deadline, *(("MEMORY", "USAGE", key, "SAMPLES", "5") for key in keys)) if keys else []
    for key, size in zip(keys, sizes, strict=True):
        if isinstance(size, Failed):
            raise size
        # None: it is gone by now, or its name is no UTF-8.
        if isinstance(size, int):
            found.append((key, size))
    return str(answer[0]), found


def _add(found: dict[str, list[int]], name: str, size: int) -> None:
    if name not in found and len(found) >= MOST_PREFIXES:
        name = OTHERS
    sums = found.setdefault(name, [0, 0])
    sums[0] += 1
    sums[1] += size


def _whole(answer: object) -> int:
    return answer if isinstance(answer, int) else 0


def _explained(failed: Failed, source: RedisSource) -> Failed:
    if failed.failure.kind is not ErrorClass.FORBIDDEN or isinstance(failed, Disconnected):
        return failed
    hint = f"On Redis: ACL SETUSER {source.user or 'default'} {RIGHTS}"
    return Failed(failed.failure.kind, failed.failure.text, hint)
