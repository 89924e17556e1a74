"""A process that writes polls and says which were acknowledged: `python -m benchmarks.faults.writer FOLDER`.

Lines on stdout: `ready`; `a SOURCE NUMBER` after a poll was acknowledged; `e SOURCE NUMBER ERROR` when it was not,
and it is tried again; `c` and `C` around each compaction; `closed` after SIGTERM or --count polls of each source.
"""

import argparse
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

from benchmarks.faults.polls import SERIES, moment, poll
from storage.files import StoreError
from storage.series import SeriesStore

ERRORS = (sqlite3.Error, StoreError, OSError, MemoryError)
PAUSE = 0.05


class Writer:
    """One thread for each source, and perhaps one that compacts."""

    def __init__(self, given: argparse.Namespace) -> None:
        """Open the store."""
        self.given = given
        self.store = SeriesStore(given.folder)
        self.stopping = threading.Event()
        self.newest = given.first

    def write(self, source: int) -> None:
        """Poll after poll until told to stop; one that fails is tried again."""
        last = self.given.first + self.given.count if self.given.count else sys.maxsize
        number = self.given.first
        while number < last and not self.stopping.is_set():
            if self.given.lie and number % 10 == 9:
                tell(f"a {source} {number}")
                number += 1
                continue
            try:
                self.store.append(poll(number, source, self.given.series))
            except ERRORS as error:
                tell(f"e {source} {number} {type(error).__name__}: {error}")
                self.again()
                continue
            tell(f"a {source} {number}")
            number += 1
            self.newest = max(self.newest, number)
            if self.given.every:
                self.stopping.wait(self.given.every)

    def again(self) -> None:
        """What a collector does after an error: a pause, and a fresh connection."""
        self.stopping.wait(PAUSE)
        try:
            self.store.reopen()
        except ERRORS as error:
            tell(f"e reopen {type(error).__name__}: {error}")

    def compact(self) -> None:
        """Over and over, as if the clock were that of the polls."""
        while not self.stopping.wait(self.given.compact):
            tell("c")
            try:
                self.store.compact(moment(self.newest) + self.given.ahead)
            except ERRORS as error:
                tell(f"e compact {type(error).__name__}: {error}")
            tell("C")

    def run(self) -> None:
        """Until all sources are through or SIGTERM comes."""
        threads = [threading.Thread(target=self.write, args=(i,)) for i in range(self.given.sources)]
        if self.given.compact:
            threading.Thread(target=self.compact, daemon=True).start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while not threads and not self.stopping.is_set():
            time.sleep(PAUSE)
        self.stopping.set()
        self.store.close()
        tell("closed")


def tell(line: str) -> None:
    """In one write, so that lines of several threads do not mix."""
    os.write(1, f"{line}\n".encode())


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--sources", type=int, default=2)
    parser.add_argument("--series", type=int, default=SERIES)
    parser.add_argument("--every", type=float, default=0.0)
    parser.add_argument("--compact", type=float, default=0.0)
    parser.add_argument("--ahead", type=float, default=0.0)
    # For the test that the harness notices.
    parser.add_argument("--lie", action="store_true", help="acknowledge each tenth poll without writing it")
    writer = Writer(parser.parse_args())
    signal.signal(signal.SIGTERM, lambda *_: writer.stopping.set())
    tell("ready")
    writer.run()


if __name__ == "__main__":
    main()
