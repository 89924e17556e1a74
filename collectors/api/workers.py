"""Pages of several worker processes behind one address, each with counts of its own: their sums are nobody's.

Start times that come back tell it. Without start times counts do.
"""

from collections.abc import Sequence

from collectors.identity import Counts, Identity
from metrics.model import Sample

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
        self._counts = Counts()

    def look(self, samples: Sequence[Sample], start: float | None) -> bool:
        """Whether pages are of different processes by turns."""
        if start is not None:
            self._identity.look(start)
            self._counts.forget()
            return self._identity.several
        return self._counts.look(sum(s.value for s in samples if s.metric.endswith(_COUNTED)))
