"""Sees to it that a run of the tests leaves no process behind, however the run ends.

`Guard` is for pytest's controller; the rest of this file is a process of its own, which outlives a killed controller:

- The run ends by itself: what still runs after a while is named and ended, and the run has failed.
- The run is killed (SIGKILL too): what it had started is ended.

A process belongs to a run when the controller or one of its descendants has started it (orphans become the
controller's own), or when its environment says so. Servers write over their environment, and once the controller is
gone its orphans are nobody's: so the tree is looked at all the while.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from stack.native.process import TICK, Mark, children

RUN = "TRIVET_TEST_RUN"
"""The run that a process belongs to; a run inside another has the other's name, a slash and its own."""

PATIENCE = "TRIVET_TEST_PATIENCE"
"""Seconds in which what a run has started may end by itself."""

ROOT = Path(__file__).parents[1]
PR_SET_CHILD_SUBREAPER = 36
"""What prctl(2) calls it when orphans of one's children become one's own."""

WATCHES, BY_ITSELF = b".", b"."
"""What a guard tells its run, and what a run that has come to its end tells its guard; a killed one tells nothing."""

LOOKS = 1.0
"""Seconds between two looks at the tree."""


class Guard:
    """Watches over this process and all that it starts from now on."""

    def __init__(self) -> None:
        outer = os.environ.get(RUN)
        run = f"{outer}/{uuid.uuid4()}" if outer else str(uuid.uuid4())
        # A session of its own: the terminal's Ctrl-C is for the run.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.guard", run, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.read(1) == WATCHES
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        os.environ[RUN] = run

    def is_content(self) -> bool:
        """Whether the run has left nothing. What it has left is named on stderr, and ended."""
        self._process.communicate(BY_ITSELF)
        return self._process.returncode == 0


class Watch:
    """The processes of a run."""

    def __init__(self, run: str, controller: int) -> None:
        self._told = (f"{RUN}={run}\0".encode(), f"{RUN}={run}/".encode())
        self._controller = Mark.of(controller)
        self._seen: set[Mark] = set()

    def look(self) -> None:
        """Remembers what runs now: a killed controller takes the knowledge of its orphans along."""
        if self._controller is not None:
            self._seen = set(_below(self._controller))

    def left(self, patience: float = 0.0) -> list[Mark]:
        """What still runs, once there were so many seconds in which to end."""
        end, pause = time.monotonic() + patience, threading.Event()
        while (found := self._found()) and time.monotonic() < end:
            pause.wait(TICK)
        return found

    def _found(self) -> list[Mark]:
        roots = {mark for mark in self._seen if mark.runs()} | set(self._marked())
        if self._controller is not None and self._controller.runs():
            roots |= set(children(self._controller.pid))
        all_of_them = roots.union(*map(_below, roots)) - {self._controller, Mark.of(os.getpid())}
        return sorted((mark for mark in all_of_them if mark is not None), key=lambda mark: mark.pid)

    def _marked(self) -> Iterable[Mark]:
        for file in Path("/proc").glob("[0-9]*/environ"):
            try:
                environment = b"\0" + file.read_bytes() + b"\0"
            except OSError:
                continue
            if any(b"\0" + told in environment for told in self._told) and (mark := Mark.of(int(file.parts[2]))):
                yield mark


def _below(mark: Mark) -> Iterator[Mark]:
    for child in children(mark.pid):
        yield child
        yield from _below(child)


def _words(mark: Mark) -> str:
    try:
        return Path(f"/proc/{mark.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    except OSError:
        return "gone by now"


def main(run: str, controller: int) -> int:
    """Watches until the run or its controller ends. Returns the exit status: 1 when something was left."""
    watch = Watch(run, controller)
    with open(os.pidfd_open(controller), "rb", buffering=0) as gone:
        sys.stdout.buffer.write(WATCHES)
        sys.stdout.flush()
        while not (heard := select.select([sys.stdin, gone], [], [], LOOKS)[0]):
            watch.look()
    # Its forks may hold the other end of stdin for long.
    by_itself = sys.stdin in heard and sys.stdin.buffer.read(1) == BY_ITSELF
    # A killed run's processes are not waited for: nobody is there any more who would stop them.
    left = watch.left(float(os.environ.get(PATIENCE, "20")) if by_itself else 0.0)
    for mark in left:
        sys.stderr.write(f"left behind: process {mark.pid}: {_words(mark)}\n")
    status = 1 if left else 0
    while left:
        for mark in left:
            mark.end(signal.SIGKILL, 10.0)
        left = watch.left()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
