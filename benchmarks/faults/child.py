"""A writer process seen from outside: what it acknowledged, what failed, and its end."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

PATIENCE = 30.0
Acked = set[tuple[int, int]]


class Child:
    """Its lines are read as they come, so that its pipe never fills."""

    def __init__(self, argv: Sequence[str], env: dict[str, str] | None = None) -> None:
        """Start it."""
        # With it SIGABRT shows where each thread is.
        env = {**(os.environ if env is None else env), "PYTHONFAULTHANDLER": "1"}
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        self.acked: Acked = set()
        self.errors: list[str] = []
        self.lines: list[str] = []
        self.complaints: list[str] = []
        self.last_ack = 0.0
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """The process' number."""
        return self.process.pid

    def until(self, true: Callable[[], object], patience: float = PATIENCE) -> bool:
        """Whether something came about in time and before the process ended."""
        end = time.monotonic() + patience
        while not true():
            if time.monotonic() > end or (self.process.poll() is not None and not self._alive()):
                return bool(true())
            time.sleep(0.002)
        return True

    def acks(self, more: int, patience: float = PATIENCE) -> bool:
        """Wait for that many more acknowledgements."""
        goal = len(self.acked) + more
        return self.until(lambda: len(self.acked) >= goal, patience)

    def kill(self) -> Acked:
        """SIGKILL; everything that was acknowledged, to the last line in the pipe."""
        self.process.send_signal(signal.SIGKILL)
        return self.wait()

    def stop(self, patience: float = 10.0) -> list[str]:
        """SIGTERM; what is wrong with how it ended."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.wait()
            where = "; ".join(
                line.strip() for line in self.complaints if line.startswith(("Thread", "Current", "  File"))
            )
            return [f"still there {time.monotonic() - begun:.1f} s after SIGTERM: {where}"]
        self.wait()
        return [f"exit code {self.process.returncode}: {self.complaint()}"] if self.process.returncode else []

    def wait(self) -> Acked:
        """Until it has ended and everything it said was read."""
        self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return self.acked

    def complaint(self) -> str:
        """The last line on stderr."""
        return self.complaints[-1] if self.complaints else ""

    def _alive(self) -> bool:
        return any(reader.is_alive() for reader in self._readers)

    def _read(self) -> None:
        for line in self.process.stdout or ():
            kind, _, rest = line.rstrip("\n").partition(" ")
            if kind == "a":
                source, number = rest.split()
                self.acked.add((int(source), int(number)))
                self.last_ack = time.monotonic()
            elif kind == "e":
                self.errors.append(rest)
            else:
                self.lines.append(kind)

    def _listen(self) -> None:
        for line in self.process.stderr or ():
            self.complaints.append(line.rstrip())


@contextlib.contextmanager
def writer(folder: Path, *words: object, before: Sequence[str] = ()) -> Iterator[Child]:
    """A writer over a folder, killed at the end at the latest."""
    argv = [*before, sys.executable, "-m", "benchmarks.faults.writer", str(folder), *map(str, words)]
    with ended(Child(argv)) as child:
        yield child


@contextlib.contextmanager
def ended(child: Child) -> Iterator[Child]:
    """Whatever happens, no process stays behind."""
    try:
        yield child
    finally:
        if child.process.poll() is None:
            child.kill()
        for pipe in (child.process.stdout, child.process.stderr):
            if pipe is not None:
                pipe.close()
