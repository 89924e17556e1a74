"""What the scheduler does when the wall clock is set."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from apscheduler.job import Job

from collectors.clock import ClockScheduler, Every, moment

NOW = moment(1_700_000_000.0)


class Wall:
    """A clock that is set by hand."""

    now = NOW

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def scheduler(wall: Wall) -> Iterator[ClockScheduler]:
    """Paused, with one job every ten seconds that is due in four."""
    made = ClockScheduler(wall)
    made.start(paused=True)
    made.add_job(print, Every(10, NOW + timedelta(seconds=4)), id="job", next_run_time=NOW + timedelta(seconds=4))
    yield made
    made.shutdown()


def run_times(job: Job, years: int) -> int:
    return len(job._get_run_times(NOW + timedelta(days=365 * years)))


def test_ten_missed_years_are_no_list_of_them(scheduler: ClockScheduler) -> None:
    """300 million times that were missed took all memory and never ended."""
    begun = time.monotonic()
    assert run_times(scheduler.get_job("job"), 10) <= 2
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("hours", [-24, -1, 1, 24, 87660])
def test_the_next_run_is_within_an_interval(scheduler: ClockScheduler, wall: Wall, hours: int) -> None:
    wall.now = NOW + timedelta(hours=hours)
    scheduler._process_jobs()
    first = scheduler.get_job("job").next_run_time
    assert timedelta(0) <= first - wall.now <= timedelta(seconds=10)
    scheduler._process_jobs()
    assert scheduler.get_job("job").next_run_time == first


def test_slewing_moves_nothing(scheduler: ClockScheduler, wall: Wall) -> None:
    wall.now = NOW + timedelta(seconds=0.9)
    scheduler._process_jobs()
    assert scheduler.get_job("job").next_run_time == NOW + timedelta(seconds=4)


def test_a_missed_turn_is_made_up_for_once() -> None:
    """The last of those that are over, then the next."""
    trigger = Every(10, NOW)
    last = trigger.get_next_fire_time(NOW, NOW + timedelta(seconds=35))
    assert last == NOW + timedelta(seconds=30)
    assert trigger.get_next_fire_time(last, NOW + timedelta(seconds=35)) == NOW + timedelta(seconds=40)
