"""Pages of several worker processes behind one address, each with counts of its own: their sums are nobody's.

Start times that come back tell it. Without start times counts do: after a fall they are again where they were before
it, page after page, which a restart does not bring about.
"""

from collections import deque
from collections.abc import Sequence

from collectors.identity import Identity
from metrics.model import Sample

KEPT = 16
"""Pages whose counts are compared."""

NEEDED = 3
"""Pages in a row that have to be where an earlier one was, with a fall in between."""

NEAR = 0.25
"""How far above an earlier count one may be that is of the same process, as a share of its leap from the one before."""

FALLS = 2
"""Falls without which it may have been a restart."""

TEXT = (
    "The page is of another worker process at each turn, each with counts of its own: its numbers are unknown, "
    "because their differences are nobody's."
)
HINT = (
    "Let the page give totals over its workers, as prometheus_client does with PROMETHEUS_MULTIPROC_DIR, or give each "
    "worker a port and a [[source]] of its own."
)
_COUNTED = ("_total", "_count")


class Workers:
    """Remembers the last pages of one source."""

    def __init__(self) -> None:
        """No page was read yet."""
        self._identity = Identity()
        self._counts: deque[float] = deque(maxlen=KEPT)
        self._found = 0
        self.alternate = False

    def look(self, samples: Sequence[Sample], start: float | None) -> bool:
        """Whether pages are of different processes by turns."""
        if start is not None:
            self._identity.look(start)
            self._counts.clear()
            self.alternate = self._identity.several
            return self.alternate
        self._counts.append(sum(s.value for s in samples if s.metric.endswith(_COUNTED)))
        counts = list(self._counts)
        self._found = self._found + 1 if _returned(counts) else 0
        if self._found >= NEEDED and _falls(counts) >= FALLS:
            self.alternate = True
        elif self.alternate and len(counts) == KEPT and not _falls(counts):
            self.alternate = False
        return self.alternate


def _falls(counts: Sequence[float]) -> int:
    return sum(after < before for before, after in zip(counts, counts[1:], strict=False))


def _returned(counts: Sequence[float]) -> bool:
    """Whether the newest count goes on from an earlier one, and not from the one before it.

    >>> _returned([1000, 5000, 200, 1003]), _returned([1000, 1010, 1020]), _returned([900, 1000, 5, 80])
    (True, False, False)
    """
    *earlier, newest = counts
    if not earlier:
        return False
    near = NEAR * abs(newest - earlier[-1])
    return any(0 <= newest - count <= near and _falls(counts[at:]) for at, count in enumerate(earlier[:-1]))
