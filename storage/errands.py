"""What other commands ask of the process that writes: a socket beside the files, open to the account it runs under.

One JSON object a line: the asker sends {"errand": name, ...}, the answer is any number of {"say": text} and at last
{"done": {...}} or {"failed": text}. The socket dies with its process; nothing is left to be done later.
"""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from storage.files import StoreError

NAME = "collector.sock"
PAUSE = 1.0
LONGEST_REQUEST = 1 << 20

Say = Callable[[str], None]
Errand = Callable[[Mapping[str, Any], Say], Mapping[str, Any]]


class NobodyError(StoreError):
    """No process serves errands in this folder."""


class Errands:
    """Serves them, one after another, on a thread of its own."""

    def __init__(self, folder: Path, known: Mapping[str, Errand]) -> None:
        """``known`` has what can be asked for; a StoreError, OSError or ValueError of theirs is told to the asker."""
        self._known = known
        self._stop = threading.Event()
        with _near(folder) as place:
            Path(place).unlink(missing_ok=True)
            self._socket = socket.socket(socket.AF_UNIX)
            before = os.umask(0o177)
            try:
                self._socket.bind(place)
            finally:
                os.umask(before)
        self._socket.listen(8)
        self._path = folder / NAME
        self._thread = threading.Thread(target=self._serve, name="errands", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No more of them; one that is under way ends with the process."""
        self._stop.set()
        with suppress(OSError):
            # Wakes the thread that waits for the next asker.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(2 * PAUSE)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                asker, _ = self._socket.accept()
            except OSError:
                # Most likely out of file descriptors: accept would fail at once, again and again.
                self._stop.wait(PAUSE)
                continue
            with asker:
                self._answer(asker)

    def _answer(self, asker: socket.socket) -> None:
        def say(text: str) -> None:
            # An asker that has left does not keep the errand from being done to its end.
            with suppress(OSError):
                _send(asker, {"say": text})

        try:
            asker.settimeout(10)
            asked = json.loads(next(_lines(asker), "{}"))
            errand = self._known.get(str(asked.get("errand")))
            if errand is None:
                raise ValueError(f"the collector knows no errand {asked.get('errand')!r}")
            _send(asker, {"done": dict(errand(asked, say))})
        except Exception as error:  # noqa: BLE001 - the loop's edge: an errand that fails must not end those to come
            with suppress(OSError):
                _send(asker, {"failed": str(error) or type(error).__name__})


def ask(folder: Path, errand: str, say: Say = lambda text: None, **given: object) -> dict[str, Any]:
    """Have it done; NobodyError when nobody is there, StoreError with the collector's words when it failed."""
    with socket.socket(socket.AF_UNIX) as door:
        try:
            with _near(folder) as place:
                door.connect(place)
        except OSError as error:
            raise NobodyError(f"no collector answers in {folder}: {error.strerror}") from None
        _send(door, {"errand": errand, **given})
        for line in _lines(door):
            heard = json.loads(line)
            if "say" in heard:
                say(str(heard["say"]))
            elif "done" in heard:
                return dict(heard["done"])
            else:
                raise StoreError(str(heard.get("failed")))
    raise StoreError("the collector ended before it was done")


@contextmanager
def _near(folder: Path) -> Iterator[str]:
    """The socket's path by way of the folder's descriptor: a path of a socket has 107 bytes at most."""
    whole = str((folder / NAME).absolute())
    if len(whole.encode()) < 100:
        yield whole
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{NAME}"
    finally:
        os.close(opened)


def _send(door: socket.socket, message: Mapping[str, object]) -> None:
    door.sendall(json.dumps(message).encode() + b"\n")


def _lines(door: socket.socket) -> Iterator[str]:
    with door.makefile("rb") as file:
        while line := file.readline(LONGEST_REQUEST):
            yield line.decode()
