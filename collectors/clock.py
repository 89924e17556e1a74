"""A scheduler that goes on when the wall clock is set.

APScheduler 3 plans by the wall clock: set back by an hour, it fires nothing for an hour. But it sleeps by the monotonic
one: so whenever it wakes, the two are compared first, and the plan is moved to where the clock is.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

JUMP = 1.0
"""Seconds that count as the clock being set; less is the slewing of NTP."""


class ClockScheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler is not typed
    """Moves all its jobs when the clock is set. Their triggers are Every."""

    def __init__(self, clock: Callable[[], float], **options: Any) -> None:
        """``options`` are APScheduler's."""
        super().__init__(timezone=UTC, **options)
        self._clock = clock
        self._offset = clock() - time.monotonic()

    def _process_jobs(self) -> float | None:
        offset = self._clock() - time.monotonic()
        if abs(offset - self._offset) > JUMP:
            self._move()
        self._offset = offset
        wait: float | None = super()._process_jobs()
        return wait

    def _move(self) -> None:
        now = moment(self._clock())
        for job in self.get_jobs():
            if job.next_run_time is not None:
                # Within an interval from now: nothing of the time between the two clocks is made up for.
                job.modify(next_run_time=now + (job.next_run_time - now) % job.trigger.interval)


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler is not typed
    """Every so many seconds. What was missed is passed over and not listed: in ten years there are 300 million."""

    def __init__(self, seconds: float, start: datetime) -> None:
        """``start`` is the first time."""
        self.interval = timedelta(seconds=seconds)
        self._start = start

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next time after the previous one or, when there are several by now, the last of them."""
        following = self._start if previous_fire_time is None else previous_fire_time + self.interval
        if following >= now:
            return following
        return following + (now - following) // self.interval * self.interval


def moment(at: float) -> datetime:
    """Seconds of the epoch as APScheduler wants them."""
    return datetime.fromtimestamp(at, UTC)
