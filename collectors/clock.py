"""A scheduler that goes on when the wall clock is set.

APScheduler 3 plans by the wall clock: set back by an hour, it fires nothing for an hour. This thread compares the
wall clock with the monotonic one and moves the plan to where the clock is.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

LOOKS = 0.5
"""Seconds between two looks."""

JUMP = 1.0
"""Seconds that count as the clock being set; less is the slewing of NTP."""


class ClockWatch:
    """Moves all jobs of a scheduler when the clock is set."""

    def __init__(self, scheduler: BackgroundScheduler, clock: Callable[[], float]) -> None:
        """Not running yet."""
        self._scheduler = scheduler
        self._clock = clock
        self._offset = clock() - time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="clock", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Returns when it has ended."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOKS):
            offset = self._clock() - time.monotonic()
            if abs(offset - self._offset) > JUMP:
                self._move()
            self._offset = offset

    def _move(self) -> None:
        now = moment(self._clock())
        for job in self._scheduler.get_jobs():
            if job.next_run_time is not None:
                every = timedelta(seconds=job.trigger.interval_length)
                # Within an interval from now, whether or not the scheduler itself has seen the new time before us.
                planned = now + (job.next_run_time - now) % every
                job.modify(trigger=Every(every.total_seconds(), planned), next_run_time=planned)
        self._scheduler.wakeup()


class Every(IntervalTrigger):  # type: ignore[misc]  # APScheduler is not typed
    """Every so many seconds. What was missed is passed over and not listed: in ten years there are 300 million."""

    def __init__(self, seconds: float, start: datetime) -> None:
        """``start`` is the first time."""
        super().__init__(seconds=seconds, start_date=start, timezone=UTC)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next time after the previous one or, when there are several by now, the last of them."""
        following: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        if previous_fire_time is None or following is None or following >= now:
            return following
        latest: datetime = following + (now - following) // self.interval * self.interval
        return latest


def moment(at: float) -> datetime:
    """Seconds of the epoch as APScheduler wants them."""
    return datetime.fromtimestamp(at, UTC)
