"""How often something is asked: more seldom while the answer costs too much."""

from collections import deque
from statistics import median

DEAR = 0.05
"""Share of its interval that a poll may take."""

LAST = 5
"""Polls that are looked at together."""

CHEAP = 0.8
"""Share of that share below which it is asked more often again: not to and fro at the edge."""

LONGEST = 8
"""How many times the asked interval at most."""

MOST = 240.0
"""Seconds that no interval is made longer than: less often says nothing of five minutes."""


class Pace:
    """The interval of one tier of one source."""

    def __init__(self, asked: float) -> None:
        """As the config wants it, in seconds."""
        self.asked = asked
        self.times = 1
        self._took: deque[float] = deque(maxlen=LAST)
        self._most = max(1, min(LONGEST, int(MOST / asked)))

    @property
    def every(self) -> float:
        """Seconds between two polls."""
        return self.asked * self.times

    @property
    def slowed(self) -> bool:
        """Whether it is longer than asked for."""
        return self.times > 1

    def took(self, seconds: float) -> None:
        """Doubled when most of the last polls were dear, halved when most would be cheap at half the interval.

        Most of them: one that connected, or that shared the machine with something else, tells nothing.

        >>> pace = Pace(10.0)
        >>> for seconds in (0.6, 0.1, 0.1, 0.6, 0.1): pace.took(seconds)
        >>> pace.every
        10.0
        >>> for _ in range(LAST): pace.took(0.6)
        >>> pace.every
        20.0
        >>> for _ in range(LAST): pace.took(0.1)
        >>> pace.every
        10.0
        """
        self._took.append(seconds)
        if len(self._took) < LAST:
            return
        usual = median(self._took)
        if usual > DEAR * self.every:
            self._change(min(self.times * 2, self._most))
        elif self.slowed and usual < CHEAP * DEAR * self.every / 2:
            self._change(self.times // 2)

    def _change(self, times: int) -> None:
        if times != self.times:
            self.times = times
            self._took.clear()
