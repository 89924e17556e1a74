"""Where one request's time went. It travels in the WSGI environ, so that the server's edge and the views share it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

ENVIRON_KEY = "stack.timings"


@dataclass
class Timings:
    """Seconds; None means that this part was not used at all."""

    database: float | None = None
    cache: float | None = None
    pool: float | None = None
    route: str = "other"
    cache_state: str = "none"

    @contextmanager
    def spent(self, part: str) -> Iterator[None]:
        """Adds the block's time to a part, also when the block fails: a timeout is time."""
        start = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, part, (getattr(self, part) or 0.0) + time.perf_counter() - start)

    def header(self) -> str:
        """As Server-Timing wants it, in milliseconds.

        >>> Timings(database=0.0123, cache=0.0004).header()
        'db;dur=12.300, cache;dur=0.400, pool;dur=0.000'
        """
        parts = (("db", self.database), ("cache", self.cache), ("pool", self.pool))
        return ", ".join(f"{name};dur={(seconds or 0.0) * 1000:.3f}" for name, seconds in parts)


def of(environ: dict[str, Any]) -> Timings:
    found = environ.setdefault(ENVIRON_KEY, Timings())
    assert isinstance(found, Timings)  # noqa: S101 - nobody else uses the key
    return found
