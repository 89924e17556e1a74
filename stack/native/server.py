"""What the four servers have in common: a folder, a port, a start that survives what an earlier run left, a stop.

The folder of a server, made at the first start:

    lock, run.json, log   ours: who holds the folder, which process runs, what it said (the longer past in log.1)
    *.conf, *.ini, …      ours: written anew at each start, readable by the server only
    data/                 the server's
    program/              a copy of its program, when the folder had to move
    s/                    its unix socket, or in a short folder elsewhere (a socket's path has at most 107 bytes)

ServerError
├── FolderInUse   another process runs a server in this folder
└── PortTaken     another process listens on its port
"""

import fcntl
import hashlib
import os
import shutil
import signal
import stat
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Self

from stack.native import process
from stack.native.identity import Identity, NoIdentity, choose
from stack.native.ports import LOOPBACK, free_port, is_free, listens
from stack.native.process import Child, ExitedEarly, Mark
from stack.native.tools import Tool

Say = Callable[[str], None]
LONGEST_SOCKET = 107
LONG_LOG = 10 << 20
OUTSIDE = Path("/var/tmp")  # noqa: S108 - the owner of what is found there is checked


class ServerError(RuntimeError):
    pass


LETS_GO = 1.0
"""Seconds within which what was killed lets go: a child that was just being started still has its files."""


class FolderInUse(ServerError):  # noqa: N818 - a statement
    pass


class PortTaken(ServerError):  # noqa: N818 - a statement
    pass


def nickname(folder: Path) -> str:
    """A short name that stands for a server's folder."""
    return f"trivet-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"


def silent(_line: str) -> None:
    """For callers who want no progress lines."""


class Server(ABC):
    """One server process on 127.0.0.1 and a unix socket, in its own folder.

    `start()` returns when it takes connections and leaves nothing running when it raises. A server that an earlier
    run left running in the same folder (ours was killed) is stopped first, by its own process id; while another
    *living* process of ours holds the folder, `start()` raises FolderInUse. `stop()` and `kill()` return when the
    process is gone and may be called at any time. One thread at a time.
    """

    name: str
    stop_signal = signal.SIGTERM
    deadline = 30.0
    grace = 15.0

    def __init__(self, tool: Tool, folder: Path, *, port: int | None = None, say: Say = silent) -> None:
        self.tool = tool
        self.folder = folder.absolute()
        self.port = port if port is not None else free_port()
        self.say = say
        self.host = LOOPBACK
        self._child: Child | None = None
        self._lock: IO[bytes] | None = None
        self._identity = Identity.ourselves()

    @property
    def pid(self) -> int | None:
        """The server's process id, while it runs."""
        return self._child.pid if self._child is not None and self._child.is_alive() else None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def sockets(self) -> Path:
        """The folder of the unix socket: below ours when the path is short enough."""
        near = self.folder / "s"
        if len(os.fsencode(near / self._socket_name())) <= LONGEST_SOCKET:
            return near
        return Path("/tmp", self._nickname())  # noqa: S108 - its owner is checked

    @property
    def socket(self) -> Path:
        return self.sockets / self._socket_name()

    def start(self) -> None:
        """Starts the server and waits until it is ready. Does nothing when it runs."""
        if self.pid is not None:
            return
        self._settle()
        self._hold()
        try:
            self._end_leftover()
            self._make_folders()
            self._turn_log()
            self._prepare()
            self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops the server the way that loses nothing and is quick; kills it when that takes too long."""
        if self._child is not None:
            self._child.stop(self.grace)
        self._forget()

    def kill(self) -> None:
        """Ends the server as a power cut would. What it leaves behind does not prevent a later start()."""
        if self._child is not None:
            below = process.children(self._child.pid)
            self._child.kill()
            for mark in below:
                mark.wait(self.grace)
        self._forget()

    def pause(self) -> None:
        """Freezes the process: connections stay open and get no answer."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers now."""

    @abstractmethod
    def _prepare(self) -> None:
        """Writes what the server needs before it starts."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The words that start it in the foreground. No secrets: everybody can read them."""

    @abstractmethod
    def _socket_name(self) -> str:
        """The file name of its unix socket."""

    def _launch(self) -> None:
        if not is_free(self.port):
            raise PortTaken(f"Another process listens on port {self.port}, which {self.name} was to have.")
        self._child = child = process.start(
            self.name,
            self._command(),
            log=self.log,
            identity=self._identity,
            env=self._env(),
            cwd=self.folder,
            stop_signal=self.stop_signal,
        )
        mark = Mark.of(child.pid)
        if mark is not None:
            mark.write(self._record)
        child.wait_until(lambda: listens(child.pid, self.port) and self.is_ready(), self.deadline)

    def _send(self, number: signal.Signals) -> None:
        if self._child is None:
            raise ServerError(f"{self.name} does not run.")
        self._child.send(number)

    @property
    def _record(self) -> Path:
        return self.folder / "run.json"

    def _env(self) -> Mapping[str, str]:
        """Nothing of ours goes in: PGDATA, PGPORT and secrets in our environment are not the server's business."""
        kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": str(self.folder), **self.tool.env}

    def _settle(self) -> None:
        """Chooses who the server runs as, and when nobody can live in our folder, another folder."""
        # The folder itself will be made passable; what is above it is not ours to change.
        try:
            self._identity = choose(self.folder.parent, self.data, [self.tool.path])
        except NoIdentity:
            outside = OUTSIDE / self._nickname()
            # A fetched program moves along; the system's has to be reachable where it is.
            programs = [self.tool.path] if self.tool.root is None else []
            self._identity = choose(OUTSIDE, outside / "data", programs)
            self.say(f"No account but root may enter {self.folder}: {self.name} lives in {outside}.")
            self.folder = outside

    def _nickname(self) -> str:
        """A short name that stands for our folder."""
        return nickname(self.folder)

    def _hold(self) -> None:
        if self._lock is not None:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder.lstat().st_uid not in {os.geteuid(), self._identity.uid} or self.folder.is_symlink():
            raise ServerError(f"{self.folder} belongs to somebody else; remove it.")
        self._lock = hold(self.folder, self.name)

    def _forget(self) -> None:
        self._child = None
        if self._lock is None:
            return
        self._record.unlink(missing_ok=True)
        if self.sockets.parent != self.folder:
            shutil.rmtree(self.sockets, ignore_errors=True)
        self._lock.close()
        self._lock = None

    def _end_leftover(self) -> None:
        mark = Mark.read(self._record)
        if mark is not None and mark.runs():
            self.say(f"Stopping {self.name} (process {mark.pid}), which an earlier run left …")
            mark.end(self.stop_signal, self.grace)
        self._record.unlink(missing_ok=True)

    def _turn_log(self) -> None:
        """A log that has grown long becomes log.1, in the place of an earlier one."""
        if self.log.exists() and self.log.stat().st_size > LONG_LOG:
            self.log.replace(self.folder / "log.1")

    def _make_folders(self) -> None:
        # A server that runs as another account has to pass through, and finds nothing there that it may change.
        self.folder.chmod(0o711 if self._identity.uid != os.geteuid() else 0o700)
        program = self.folder / "program"
        if self.folder.parent == OUTSIDE and self.tool.root not in {None, program}:
            self.tool = self.tool.copied(program)
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._identity.own(self.data)
        self._make_socket_folder()

    def _make_socket_folder(self) -> None:
        self.sockets.mkdir(mode=0o711, exist_ok=True)
        found = self.sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), self._identity.uid}:
            raise ServerError(f"{self.sockets} belongs to somebody else; remove it.")
        # Whatever our umask: other accounts' clients pass here, and the server asks each for its password.
        self.sockets.chmod(0o711)
        self._identity.own(self.sockets)

    def _write(self, name: str, text: str) -> Path:
        """Writes one of our files, readable by the server and no other account, whole or not at all."""
        file = self.folder / name
        fresh = self.folder / f"{name}.new"
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as written:
            written.write(text)
        self._identity.own_file(fresh)
        return fresh.replace(file)


def retried(start: Callable[[], None], while_log_says: str, log: Path, patience: float = 10.0) -> None:
    """Calls `start()` again while it fails with a reason that passes by itself."""
    end = time.monotonic() + patience
    while True:
        try:
            return start()
        except ExitedEarly:
            if while_log_says not in process.tail(log) or time.monotonic() > end:
                raise


def hold(folder: Path, what: str) -> IO[bytes]:
    """A file that keeps other processes out of a folder until it is closed. Raises FolderInUse."""
    lock = (folder / "lock").open("ab")
    end = time.monotonic() + LETS_GO
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < end:
                time.sleep(process.TICK)
                continue
            lock.close()
            raise FolderInUse(f"Another process runs {what} in {folder}; stop that one first.") from None
        return lock
