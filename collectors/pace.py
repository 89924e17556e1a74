"""How often something is asked: more seldom while the answer costs too much."""

DEAR = 0.05
"""Share of its interval that a poll may take."""

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
        """Doubled at once when a poll was dear; halved when it would be well below dear at half the interval.

        >>> pace = Pace(10.0)
        >>> pace.took(0.6); pace.every
        20.0
        >>> pace.took(0.3); pace.every
        20.0
        >>> pace.took(0.2); pace.every
        10.0
        """
        if seconds > DEAR * self.every:
            self.times = min(self.times * 2, self._most)
        elif self.slowed and seconds < DEAR * self.every / 4:
            self.times //= 2
