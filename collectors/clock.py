"""A scheduler that goes on when the wall clock is set.

APScheduler 3 plans by the wall clock: set back by an hour, it fires nothing for an hour. This thread compares the
wall clock with the monotonic one and moves the plan by the difference.
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
                self._move(offset - self._offset)
            self._offset = offset

    def _move(self, by: float) -> None:
        for job in self._scheduler.get_jobs():
            if job.next_run_time is not None:
                planned = job.next_run_time + timedelta(seconds=by)
                job.reschedule(IntervalTrigger(seconds=job.trigger.interval_length, start_date=planned, timezone=UTC))
        self._scheduler.wakeup()


def moment(at: float) -> datetime:
    """Seconds of the epoch as APScheduler wants them."""
    return datetime.fromtimestamp(at, UTC)
