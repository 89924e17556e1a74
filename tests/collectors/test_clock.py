"""What the scheduler does when the wall clock is set, whoever sees it first."""

import time
from datetime import timedelta

import pytest
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler

from collectors.clock import ClockWatch, Every, moment

NOW = moment(1_700_000_000.0)


@pytest.fixture
def scheduler() -> BackgroundScheduler:
    """Paused, with one job every ten seconds that is due in four."""
    made = BackgroundScheduler(timezone="UTC")
    made.start(paused=True)
    made.add_job(print, Every(10, NOW + timedelta(seconds=4)), id="job", next_run_time=NOW + timedelta(seconds=4))
    return made


def run_times(job: Job, years: int) -> int:
    return len(job._get_run_times(NOW + timedelta(days=365 * years)))


def test_ten_missed_years_are_no_list_of_them(scheduler: BackgroundScheduler) -> None:
    """300 million times that were missed took all memory and never ended."""
    begun = time.monotonic()
    assert run_times(scheduler.get_job("job"), 10) <= 2
    assert time.monotonic() - begun < 1
    scheduler.shutdown()


@pytest.mark.parametrize("hours", [-24, -1, 1, 24, 87660])
@pytest.mark.parametrize("seen", [False, True], ids=["before", "after the scheduler"])
def test_the_next_run_is_within_an_interval(scheduler: BackgroundScheduler, hours: int, seen: bool) -> None:
    """Also when the scheduler woke first and planned by the new time already."""
    now = NOW + timedelta(hours=hours)
    if seen:
        scheduler.modify_job("job", next_run_time=now + timedelta(seconds=4))
    ClockWatch(scheduler, now.timestamp)._move()
    assert timedelta(0) <= scheduler.get_job("job").next_run_time - now <= timedelta(seconds=10)
    scheduler.shutdown()


def test_a_missed_turn_is_made_up_for_once() -> None:
    """The last of those that are over, then the next."""
    trigger = Every(10, NOW)
    last = trigger.get_next_fire_time(NOW, NOW + timedelta(seconds=35))
    assert last == NOW + timedelta(seconds=30)
    assert trigger.get_next_fire_time(last, NOW + timedelta(seconds=35)) == NOW + timedelta(seconds=40)
