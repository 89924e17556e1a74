"""Threads that run the scheduler's jobs: an executor of APScheduler that costs less than the polls it begins."""

import queue
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from apscheduler.executors.base import BaseExecutor


class Workers(BaseExecutor):  # type: ignore[misc]  # APScheduler is not typed
    """So many threads at most, each made when all others work. A job that comes too late is passed over.

    planned  when each job was due that was begun last: APScheduler does not tell the job
    _free    how many threads have nothing to do, less what waits for one
    """

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        """None yet. ``clock`` is the wall clock."""
        super().__init__()
        self._clock = clock
        self.planned: dict[str, datetime] = {}
        self._most = most
        self._waiting: queue.SimpleQueue[tuple[Any, datetime] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._free = 0
        self._counting = threading.Lock()

    def shutdown(self, wait: bool = True) -> None:
        """They end when they have done what waits."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _do_submit_job(self, job: Any, run_times: Sequence[datetime]) -> None:
        self.planned[job.id] = run_times[-1]
        with self._counting:
            self._free -= 1
            more = self._free < 0 and len(self._threads) < self._most
            self._free += more
        if more:
            thread = threading.Thread(target=self._work, name=f"worker {len(self._threads)}", daemon=True)
            # It raises when there may be no more threads: one that is not there must not count as one of the most.
            thread.start()
            self._threads.append(thread)
        self._waiting.put((job, run_times[-1]))

    def _work(self) -> None:
        while (given := self._waiting.get()) is not None:
            self._run(*given)
            with self._counting:
                self._free += 1

    def _run(self, job: Any, due: datetime) -> None:
        try:
            if self._clock() - due.timestamp() <= job.misfire_grace_time:
                job.func(*job.args)
        except Exception as error:  # noqa: BLE001 - the loop's edge: the next turn comes, whatever became of this one
            self._run_job_error(job.id, error, error.__traceback__)
        else:
            self._run_job_success(job.id, ())
