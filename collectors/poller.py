"""Polls every source at its own interval, so that a slow one delays only itself.

One job for each source: its tiers share one connection, and one turn asks for those that are due. A turn has one
deadline, the source's own, so it ends before the next one begins. There are more workers than sources, up to 64,
and a source that is down costs its deadline only once per step of its backoff.
"""

import logging
import threading
import time
import zlib
from collections.abc import Callable, Sequence

from collectors.clock import ClockScheduler, Every, moment
from collectors.deadline import WATCHDOG
from collectors.kinds import collector_of
from collectors.round import UNKNOWN
from collectors.source import Source
from collectors.station import Station
from collectors.workers import Workers
from metrics.poll import Poll

LEAST_WORKERS = 32
MOST_WORKERS = 64
LONGEST_GRACE = 30
STOP_WITHIN = 10.0


class Poller:
    """Polls from start() to stop().

    write   is given each Poll, from several threads at once
    say     is given a line when a source goes down or comes back
    clock   the wall clock
    """

    def __init__(
        self,
        sources: Sequence[Source],
        write: Callable[[Poll], None],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is connected yet."""
        self._write = write
        self._say = say
        self._clock = clock
        self._stations = {source.name: Station(collector_of(source)) for source in sources}
        self._executor = Workers(min(MOST_WORKERS, max(LEAST_WORKERS, 2 * len(sources))), clock)
        self._scheduler = ClockScheduler(clock, executors={"default": self._executor})
        self._idle = threading.Condition()
        self._running = 0
        self._stopping = False
        self._unwritten = ""

    def start(self) -> None:
        """Returns at once; the first polls come within one interval, each source at its own moment of it."""
        # It warns of each missed run; those are counted in trivet_polls_missed_total.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        for name, station in self._stations.items():
            every = station.source.every
            self._scheduler.add_job(
                self._turn,
                Every(every, moment(self._clock() + every * spread(name))),
                args=[name],
                id=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=max(1, min(int(every / 2), LONGEST_GRACE)),
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Returns within 10 s; polls under way are cut off and not written."""
        with self._idle:
            self._stopping = True
        self._scheduler.shutdown(wait=False)
        end = time.monotonic() + STOP_WITHIN
        with self._idle:
            while self._running and time.monotonic() < end:
                WATCHDOG.cut_all()
                self._idle.wait(0.1)
            quiet = not self._running
        if quiet:
            for station in self._stations.values():
                station.collector.close()

    def _turn(self, name: str) -> None:
        with self._idle:
            if self._stopping:
                # It waited for a thread until now.
                return
            self._running += 1
        try:
            self._poll(self._stations[name], self._lag(name))
        except Exception as error:  # noqa: BLE001 - the loop's edge: a mistake of ours in one collector must not end it
            self._say(f"{name}: a mistake in Trivet, please report it: {type(error).__name__}: {error}")
            self._stations[name].collector.close()
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def _poll(self, station: Station, lag: float) -> None:
        for poll in station.run(lag):
            if self._stopping:
                return
            self._tell(station, poll)
            self._keep(poll)

    def _lag(self, name: str) -> float:
        late = self._clock() - self._executor.planned[name].timestamp()
        # More is not lag but a clock that was set: a run as late as that would not have been begun.
        return min(max(0.0, late), self._stations[name].source.every)

    def _keep(self, poll: Poll) -> None:
        try:
            self._write(poll)
        except Exception as error:  # noqa: BLE001 - the loop's edge: a full disk today must not end the polls of tomorrow
            if str(error) != self._unwritten:
                self._say(f"cannot write: {type(error).__name__}: {error}")
            self._unwritten = str(error)
        else:
            self._unwritten = ""

    def _tell(self, station: Station, poll: Poll) -> None:
        name = station.source.name
        text = "" if poll.error is None else f"{poll.error.kind}: {poll.error.text}"
        if text != station.told:
            self._say(f"{name}: {text or 'answers again'}")
            station.told = text
        if (pace := station.paces()) != station.pace_told:
            self._say(f"{name}: {pace or 'polls are cheap again: as often as asked for'}")
            station.pace_told = pace
        found = station.collector.findings.all()
        for finding in found:
            if finding.key not in station.found_told:
                self._say(" ".join(filter(None, [f"{name}: {finding.text}", finding.hint])))
        station.found_told = frozenset(finding.key for finding in found)
        for record in poll.records:
            if record.kind == UNKNOWN and record.body:
                self._say(f"{name}: {record.key} has columns that Trivet does not know: {record.body}")


def spread(name: str) -> float:
    """Where in its interval a source is polled: always at the same place, so that not all are at once.

    >>> 0 <= spread("cache") < 1
    True
    """
    return zlib.crc32(name.encode()) / 2**32
