"""What the web process says of itself: requests answered and the time they took."""

import threading
from collections import Counter


class Traffic:
    """Counters of one process; the pages are served by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._seconds = 0.0

    def add(self, code: int, seconds: float) -> None:
        """One more answer."""
        with self._lock:
            self._requests[str(code)] += 1
            self._seconds += seconds

    def totals(self) -> tuple[dict[str, int], float]:
        """Requests by status, and the seconds spent on all of them."""
        with self._lock:
            return dict(self._requests), self._seconds
