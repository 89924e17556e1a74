"""Child processes that are started, awaited and stopped by their own process id, and nothing else.

ProcessError
├── ExitedEarly   it ended before it was ready
└── NotReady      it did not become ready before its deadline
"""

import contextlib
import json
import os
import queue
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from stack.native.identity import Identity

TICK = 0.02
TAIL_LINES = 15
TAIL_BYTES = 1 << 16
ENOUGH_FILES = 65_536


class ProcessError(RuntimeError):
    """A child did not do what it was started for. The message ends with the last lines of its log."""


class ExitedEarly(ProcessError):  # noqa: N818 - a statement
    pass


class NotReady(ProcessError):  # noqa: N818 - a statement
    pass


Order = Callable[[], subprocess.Popen[bytes]]
Outcome = Future[subprocess.Popen[bytes]]


class _Spawner:
    """Starts children from one thread that lives as long as this process.

    The kernel's parent-death signal is sent when the *thread* that started a child ends: a child started from a
    pool's worker would be killed with that worker.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[Order, Outcome]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="spawner", daemon=True).start()

    def start(self, order: Order) -> subprocess.Popen[bytes]:
        outcome: Outcome = Future()
        self._orders.put((order, outcome))
        return outcome.result()

    def _work(self) -> None:
        while True:
            order, outcome = self._orders.get()
            try:
                outcome.set_result(order())
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                outcome.set_exception(error)


_spawners: dict[int, _Spawner] = {}
_spawners_lock = threading.Lock()


def _spawner() -> _Spawner:
    # By process id: a forked child has a copy of this dict, and none of our threads.
    with _spawners_lock:
        if os.getpid() not in _spawners:
            _spawners[os.getpid()] = _Spawner()
        return _spawners[os.getpid()]


@dataclass(frozen=True)
class Child:
    """A running child. Only its own process is ever signalled, never a group, a name or a number from elsewhere."""

    name: str
    log: Path
    stop_signal: signal.Signals
    popen: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.popen.pid

    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Signals the child; does nothing when it has ended."""
        self.popen.send_signal(number)

    def stop(self, grace: float = 10.0) -> None:
        """Asks it to end, then kills it after `grace` seconds. When this returns it is gone and reaped."""
        # A stopped process sees no signal but KILL until it continues.
        self.send(self.stop_signal)
        self.send(signal.SIGCONT)
        try:
            self.popen.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kills it as a power cut would (SIGKILL) and reaps it."""
        self.popen.kill()
        self.popen.wait()

    def wait_until(self, ready: Callable[[], bool], deadline: float) -> None:
        """Returns once `ready()` holds. Raises ExitedEarly, or NotReady after `deadline` seconds (it runs on)."""
        end = time.monotonic() + deadline
        pause = threading.Event()
        while not ready():
            if not self.is_alive():
                raise ExitedEarly(f"{self.name} ended with status {self.popen.returncode}.\n{tail(self.log)}")
            if time.monotonic() > end:
                raise NotReady(f"{self.name} was not ready after {deadline:g} s.\n{tail(self.log)}")
            pause.wait(TICK)


def start(
    name: str,
    argv: Sequence[str],
    *,
    log: Path,
    identity: Identity,
    env: Mapping[str, str],
    cwd: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    death: signal.Signals | None = None,
) -> Child:
    """Starts `argv`, its output appended to `log`.

    The child is in a session of its own (the terminal's Ctrl-C is not its business) and gets `death`, `stop_signal`
    where none is given, from the kernel when this process ends in whatever way. Safe to call from any thread.
    """
    command = identity.command([*_more_files(), *argv], death=death or stop_signal)
    with log.open("ab") as output:

        def order() -> subprocess.Popen[bytes]:
            return subprocess.Popen(  # noqa: S603 - the words are ours, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )

        return Child(name, log, stop_signal, _spawner().start(order))


def _more_files() -> list[str]:
    """Words that raise the limit of open files as far as we may: 1,024 would lower Redis' and PgBouncer's clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted or not shutil.which("prlimit"):
        return []
    return ["prlimit", f"--nofile={wanted}:", "--"]


def run(
    name: str, argv: Sequence[str], *, log: Path, identity: Identity, env: Mapping[str, str], deadline: float = 120.0
) -> None:
    """Runs `argv` to its end. Raises ProcessError with the log's last lines when it fails or outlasts `deadline`."""
    child = start(name, argv, log=log, identity=identity, env=env, cwd=log.parent)
    try:
        status = child.popen.wait(deadline)
    except subprocess.TimeoutExpired:
        child.kill()
        raise NotReady(f"{name} took longer than {deadline:g} s.\n{tail(log)}") from None
    if status != 0:
        raise ExitedEarly(f"{name} ended with status {status}.\n{tail(log)}")


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, or nothing."""
    try:
        with log.open("rb") as opened:
            opened.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = opened.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


@dataclass(frozen=True)
class Mark:
    """A process told apart from any later one with its number: id, start time and boot."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Mark | None":
        """The mark of a running process; None when there is none, or only a zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The name in parentheses may hold anything, also spaces and parentheses.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in {"Z", "X"} else cls(pid, int(fields[19]), boot)

    def runs(self) -> bool:
        return Mark.of(self.pid) == self

    def write(self, file: Path) -> None:
        file.write_text(json.dumps({"pid": self.pid, "started": self.started, "boot": self.boot}))

    @classmethod
    def read(cls, file: Path) -> "Mark | None":
        """The mark in a file; None when there is none or it is damaged."""
        try:
            kept = json.loads(file.read_text())
            return cls(int(kept["pid"]), int(kept["started"]), str(kept["boot"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def wait(self, patience: float) -> bool:
        """Whether the process is gone, at the latest after `patience` seconds."""
        end = time.monotonic() + patience
        pause = threading.Event()
        while self.runs():
            if time.monotonic() > end:
                return False
            pause.wait(TICK)
        return True

    def end(self, number: signal.Signals, grace: float) -> None:
        """Signals exactly this process, then kills it after `grace` seconds. Returns when it is gone."""
        with contextlib.suppress(ProcessLookupError), _pidfd(self.pid) as handle:
            # Looked at again after the handle was taken: from here on the number cannot be another's.
            if not self.runs():
                return
            signal.pidfd_send_signal(handle, number)
            signal.pidfd_send_signal(handle, signal.SIGCONT)
            if not self.wait(grace):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                self.wait(grace)


def children(pid: int) -> list[Mark]:
    """The processes that `pid` has started and that still run."""
    try:
        words = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return []
    marks = [Mark.of(int(word)) for line in words for word in line]
    return [mark for mark in marks if mark is not None]


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int]:
    handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        os.close(handle)
