"""Whether Trivet can see at all, or has lost all sources at once."""

from collections.abc import Mapping

from metrics.watch import UP
from storage.tail import Fresh

LATE = 1.9
"""Intervals without an answer from anybody after which nothing can be seen: before a single source is stale."""

TOGETHER = 2.0
"""Intervals within which sources are lost at once."""

SLOW = 2.0
"""Times the shortest interval: sources that are asked less often say too late that they are lost."""

NEVER = -1e12


class Sight:
    """When each source last answered, in seconds of a clock that no one sets."""

    def __init__(self, intervals: Mapping[str, float]) -> None:
        """Of these sources, by name, of none of which anything is known."""
        self._answered: dict[str, float] = {}
        self._places: dict[int, int] = {}
        self._since: float | None = None
        self.change(intervals)

    def change(self, intervals: Mapping[str, float]) -> None:
        """Other sources; what is known of those that stay is kept."""
        self._intervals = dict(intervals)
        self._answered = {name: self._answered.get(name, NEVER) for name in intervals}

    @property
    def interval(self) -> float:
        """The longest of the quick sources."""
        shortest = min(self._intervals.values(), default=0.0)
        return max((each for each in self._intervals.values() if each <= SLOW * shortest), default=0.0)

    def add(self, poll: Fresh, clock: float) -> None:
        """A poll, which may say that there was no answer."""
        place = self._places.get(poll.layout)
        if place is None or place >= len(poll.names) or poll.names[place].metric != UP.name:
            place = next((at for at, name in enumerate(poll.names) if name.metric == UP.name), None)
            if place is None:
                return
            if len(self._places) > len(self._intervals) * 100:
                self._places.clear()
            self._places[poll.layout] = place
        if poll.values[place] > 0:
            self._answered[poll.source] = clock

    def seen(self, clock: float) -> int:
        """How many sources answer; not 0 before all were lost at once.

        >>> sight = Sight({"a": 10.0, "b": 10.0})
        >>> sight.seen(100.0), sight.seen(120.0)
        (1, 0)
        """
        if self._since is None:
            # Who has just begun to look has not lost anything yet.
            self._since = clock
        newest = max(self._answered.values(), default=NEVER)
        together = sum(newest - each <= TOGETHER * self.interval for each in self._answered.values())
        blind = clock - max(newest, self._since) > LATE * self.interval and together > 1
        answering = sum(clock - each <= LATE * self._intervals[name] for name, each in self._answered.items())
        return 0 if blind else max(1, answering)
