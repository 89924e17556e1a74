"""Processor time of one poll by ours and of one scrape by the exporter, of the same server."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.collecting.collector import Block, Collecting
from benchmarks.collecting.weighing import Cost, cost
from stack.native.exporter import Exporter
from stack.native.server import Server
from stack.native.tools import Tool

WARM = 3
CYCLE = 6
"""Polls from one with tables and statements to the next."""


@dataclass(frozen=True)
class Pair:
    """What one row of the table compares."""

    name: str
    what: str
    trivet: Cost
    exporter: Cost
    series: tuple[int, int]

    @property
    def ratio(self) -> float:
        """Ours over the exporter's."""
        return self.trivet.each_ms / self.exporter.each_ms


def ours(folder: Path, source: Block, times: int) -> tuple[Cost, int]:
    """A whole collect process, storing included, with its slower tiers; and how many series came of it."""
    with Collecting(folder, [source], quick=True) as collecting:
        collecting.wait(CYCLE + 1)
        begun = collecting.polls()
        found = cost(collecting.pid, collecting.polls, lambda: collecting.wait(begun + times))
        return found, collecting.series()


def theirs(exporter: Exporter, times: int, pause: float) -> tuple[Cost, int]:
    """The exporter's process, asked as often as ours asks; and how many lines of samples its page has."""
    page = ""
    for _ in range(WARM):
        page = exporter.page()
    done = 0

    def scrape() -> None:
        nonlocal done
        for _ in range(times):
            exporter.page()
            done += 1
            time.sleep(pause)

    found = cost(running(exporter), lambda: done, scrape)
    return found, sum(1 for line in page.splitlines() if line and not line.startswith("#"))


def running(server: Server) -> int:
    """Its process id."""
    if server.pid is None:
        raise RuntimeError(f"{server.name} has ended")
    return server.pid


@contextmanager
def exporter(tool: Tool, folder: Path, secrets: Mapping[str, str], *flags: str) -> Iterator[Exporter]:
    """An exporter that runs for the block."""
    made = Exporter(tool, folder, secrets=dict(secrets), flags=flags)
    made.start()
    try:
        yield made
    finally:
        made.stop()
