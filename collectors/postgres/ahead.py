"""What a round will ask is asked at its beginning, in one round trip: it asks nearly the same every time."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from collectors.libpq import LibpqConnection
from collectors.round import RECHECK
from collectors.together import Table
from metrics.poll import Tier


class Ahead:
    """Remembers the statements without values of each tier; their answers are of the round that is under way.

    Only what was asked in both of the last two rounds of the tier is asked ahead, and was answered over the same
    connection: what is asked now and then for a reason would be asked for nothing. When one fails all are asked one by
    one, so that each says what is wrong with it, and that one is not asked ahead for an hour.

    _asked     by tier what the round under way asked, and the one before
    _answered  over this connection
    _until     of those that failed, until when they are not asked ahead
    """

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self._asked: dict[Tier, dict[str, None]] = {}
        self._before: dict[Tier, dict[str, None]] = {}
        self._now: dict[str, None] = {}
        self._answered: set[str] = set()
        self._connection: LibpqConnection | None = None
        self._until: dict[str, float] = {}
        self._found: dict[str, Table] = {}

    @contextmanager
    def round(self, tier: Tier, connection: LibpqConnection, deadline: float) -> Iterator[None]:
        """The answers are those of the block. Raises Disconnected."""
        if connection is not self._connection:
            self._connection, self._answered = connection, set()
        last = self._asked.get(tier, {})
        wanted = [text for text in last if self._worth(text, tier)]
        self._before[tier], self._now = last, {}
        self._asked[tier] = self._now
        try:
            if len(wanted) > 1:
                self._ask(connection, deadline, wanted)
            yield
        finally:
            self._found = {}

    def _worth(self, text: str, tier: Tier) -> bool:
        regular = text in self._before.get(tier, {}) and text in self._answered
        return regular and self._until.get(text, 0.0) < time.monotonic()

    def _ask(self, connection: LibpqConnection, deadline: float, wanted: Sequence[str]) -> None:
        found, failed = connection.together(deadline, wanted)
        self._found = dict(found)
        if failed:
            self._until[failed] = time.monotonic() + RECHECK

    def table(self, connection: LibpqConnection, deadline: float, text: str) -> Table:
        """The answer to a statement without values, asked now when it was not asked ahead. Raises Failed."""
        ours = connection is self._connection
        if ours:
            self._now[text] = None
        found = self._found.pop(text, None) if ours else None
        if found is None:
            found = connection.table(deadline, text)
            if ours:
                self._answered.add(text)
        return found
