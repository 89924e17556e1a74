"""The newest poll of each source and tier, by the marks that the writer leaves, and how much there is."""

import threading
import time
from collections.abc import Callable

from metrics.model import SOURCE, Matcher, Op, Selector
from storage.remote.ask import Ask
from storage.remote.entry import OWN, POLLS

REMEMBERED = 600.0
MONTH, DAY, HOUR = 30 * 86400, 86400, 3600


class Newest:
    """Remembers sources that are heard of no more, so that only the first question looks back a month."""

    def __init__(self, ask: Ask, clock: Callable[[], float]) -> None:
        """Nothing is known yet."""
        self._ask, self._clock = ask, clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], float] | None = None
        self._counted: tuple[float, int, float | None] | None = None

    def polls(self) -> list[tuple[str, float]]:
        """Source and time of the newest poll of each tier, sorted."""
        mark, now = self._ask.text(Selector(POLLS)), self._clock()
        query = f"timestamp({mark})"
        if self._known is None:
            # A look every 300 s sees the newest of the 300 s before it. VictoriaMetrics allows 30,000 looks.
            query = f"timestamp({mark}) or max_over_time(timestamp({mark})[{MONTH}s:300s])"
        found = {
            (labels.get(SOURCE, ""), labels.get("tier", "")): float(values[0])
            for labels, _, values in self._ask.at(query, now)
        }
        with self._lock:
            self._known = {**(self._known or {}), **found}
            return sorted({(source, at) for (source, _), at in self._known.items()})

    def health(self) -> tuple[int, int, float | None, float | None]:
        """Series now, polls of the last day, times of the oldest and the newest poll."""
        now, mark = self._clock(), self._ask.text(Selector(POLLS))
        newest = max((at for _, at in self.polls()), default=None)
        ours = self._ask.everything(Matcher(SOURCE, "", Op.NE), Matcher("__name__", "|".join(OWN), Op.NRE))
        series = self._number(f"count({ours})", now)
        if self._counted is None or time.monotonic() - self._counted[0] > REMEMBERED:
            count = self._number(f"sum(count_over_time({mark}[1d]))", now)
            spans = ((400 * DAY, 6 * HOUR), (DAY, 60))
            ages = [f"min(min_over_time(timestamp({mark})[{span}s:{step}s]))" for span, step in spans]
            oldest = [row[2][0] for query in ages for row in self._ask.at(query, now)]
            self._counted = (time.monotonic(), int(count), float(min(oldest)) if oldest else None)
        return int(series), self._counted[1], self._counted[2], newest

    def _number(self, query: str, now: float) -> float:
        return sum(float(values[0]) for _, _, values in self._ask.at(query, now))
