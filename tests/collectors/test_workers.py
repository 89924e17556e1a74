"""The threads that jobs run on: no more than are needed, none that ends with a job that fails."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.executors.base import MaxInstancesReachedError
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler

from collectors.workers import Workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(3, time.time)
    made.start(BackgroundScheduler(), "default")
    yield made
    made.shutdown()


def job(name: str, work: Callable[[], object]) -> Job:
    scheduler = BackgroundScheduler(timezone="UTC")
    return scheduler.add_job(work, "interval", hours=1, id=name, misfire_grace_time=5, max_instances=1)


def submit(workers: Workers, *jobs: Job, late: float = 0.0) -> None:
    for each in jobs:
        workers.submit_job(each, [datetime.now(UTC) - timedelta(seconds=late)])


def wait(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_one_thread_is_enough_for_jobs_that_follow_one_another(workers: Workers) -> None:
    ran: list[int] = []
    for number in range(20):
        submit(workers, job("a", lambda: ran.append(threading.get_ident())))
        wait(lambda number=number: len(ran) == number + 1)  # type: ignore[misc]
        wait(lambda: not workers._instances)
        time.sleep(0.01)
    assert len(set(ran)) == len(workers._threads) == 1


def test_jobs_wait_when_all_threads_work_and_then_run(workers: Workers) -> None:
    gate, ran = threading.Event(), []

    def work() -> None:
        gate.wait(5)
        ran.append(1)

    jobs = [job(str(number), work) for number in range(7)]
    submit(workers, *jobs)
    assert len(workers._threads) == 3
    assert ran == []
    gate.set()
    wait(lambda: len(ran) == 7)
    assert len(workers._threads) == 3


def test_a_job_that_fails_ends_nothing(workers: Workers) -> None:
    ran: list[int] = []
    submit(workers, job("bad", lambda: 1 / 0))
    wait(lambda: not workers._instances)
    submit(workers, job("good", lambda: ran.append(1)))
    wait(lambda: ran == [1])


def test_what_still_runs_is_not_begun_again_and_keeps_its_plan(workers: Workers) -> None:
    gate = threading.Event()
    long = job("long", lambda: gate.wait(5))
    submit(workers, long)
    planned = workers.planned["long"]
    with pytest.raises(MaxInstancesReachedError):
        submit(workers, long)
    assert workers.planned["long"] == planned
    gate.set()


def test_a_job_that_comes_too_late_is_passed_over(workers: Workers) -> None:
    ran: list[int] = []
    submit(workers, job("late", lambda: ran.append(1)), late=6)
    wait(lambda: not workers._instances)
    assert ran == []


def test_a_thread_that_could_not_be_had_is_had_later(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    ran: list[int] = []
    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", none_left)
        for _ in range(5):
            with pytest.raises(RuntimeError):
                submit(workers, job("a", lambda: ran.append(1)))
    submit(workers, job("a", lambda: ran.append(1)))
    wait(lambda: ran == [1])
