"""A page's question while a collector writes at its real rate and three readers ask without a pause.

Each is a process of its own, as in a house with a collector and three web workers. At the end the writer compacts,
which happens every two hours in earnest: what was asked meanwhile is counted apart.
"""

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from benchmarks.engines import Grid
from benchmarks.trivet import Asked
from metrics.model import Selector
from metrics.poll import Poll
from storage.series import SeriesStore

READERS = 3
# How long readers go on after the writer began to compact.
AFTER = 2.0
PATIENCE = 120.0
TWO_HOURS = 7200.0

Question = tuple[Selector, Grid]
Span = tuple[float, float]


@dataclass(frozen=True)
class Crowd:
    """Milliseconds; nan where nothing was asked."""

    median: float
    p99: float
    worst: float
    compacting: float
    asked: int


def measure(folder: Path, polls: Sequence[tuple[float, Poll]], questions: Sequence[Question], seconds: float) -> Crowd:
    """`polls` with the second after the begin at which each is due. The folder's writer must be closed."""
    context = multiprocessing.get_context("spawn")
    answers: Queue[list[Span]] = context.Queue()
    notes: Queue[Span] = context.Queue()
    # Who has opened and read what it needs waits for the others: the begin is common.
    gate = context.Barrier(READERS + 1)
    readers = [
        context.Process(target=_read, args=(folder, list(questions[n:]) + list(questions[:n]), seconds, gate, answers))
        for n in range(READERS)
    ]
    writer = context.Process(target=_write, args=(folder, polls, seconds, gate, notes))
    for process in (writer, *readers):
        process.start()
    compacted = notes.get(timeout=seconds + PATIENCE)
    spans = [span for _ in readers for span in answers.get(timeout=seconds + PATIENCE)]
    for process in (writer, *readers):
        process.join()
    return _summed(spans, compacted)


def _summed(spans: Sequence[Span], compacted: Span) -> Crowd:
    took = np.array([finish - begun for begun, finish in spans if begun < compacted[0]]) * 1000
    during = [(f - b) * 1000 for b, f in spans if f > compacted[0] and b < compacted[1]]
    return Crowd(
        median=float(np.median(took)),
        p99=float(np.quantile(took, 0.99)),
        worst=float(took.max()),
        compacting=float(max(during, default=np.nan)),
        asked=len(took),
    )


def _read(
    folder: Path, questions: Sequence[Question], seconds: float, gate: Barrier, answers: "Queue[list[Span]]"
) -> None:
    store = Asked(folder)
    for selector, grid in questions:
        store.window(selector, grid)
    gate.wait(PATIENCE)
    end = time.time() + seconds + AFTER
    spans: list[Span] = []
    while time.time() < end:
        for selector, grid in questions:
            begun = time.time()
            store.window(selector, grid)
            spans.append((begun, time.time()))
    store.reader.close()
    answers.put(spans)


def _write(
    folder: Path, polls: Sequence[tuple[float, Poll]], seconds: float, gate: Barrier, notes: "Queue[Span]"
) -> None:
    store = SeriesStore(folder)
    gate.wait(PATIENCE)
    start = time.time()
    for due, poll in polls:
        time.sleep(max(0.0, start + due - time.time()))
        store.append(poll)
    time.sleep(max(0.0, start + seconds - time.time()))
    begun = time.time()
    store.compact((store.health().newest or begun) + TWO_HOURS)
    notes.put((begun, time.time()))
    store.close()
