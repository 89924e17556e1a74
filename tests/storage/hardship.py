"""Runs one hardship in a process of its own, and prints what became of it.

`python -m tests.storage.hardship NAME FOLDER`

Where a mount is needed, the process is started in a mount namespace of its own.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from metrics.model import Sample, Selector
from metrics.poll import Poll, Tier
from storage.patience import Patience
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.trouble import TroubleFile

SERIES = 200


def poll(at: int) -> Poll:
    """A poll whose values are all its time."""
    samples = [Sample("n_total", (("i", str(i)),), float(at)) for i in range(SERIES)]
    return Poll(source="cache", tier=Tier.FAST, at=float(at), duration=0.0, up=True, samples=samples)


class Scene:
    """A store with its patience, and a writer that goes on all the time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.said: list[str] = []
        self.store = SeriesStore(folder, linger=0.02)
        self.trouble = TroubleFile(folder)
        self.patience = Patience(self.store.append, self.store, self.said.append, self.trouble.tell)
        self.written = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        while not self._stop.wait(0.005):
            self.written += 1
            self.patience.write(poll(self.written))

    def until(self, true: Callable[[], object], seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.said} {self.written}")
            threading.Event().wait(0.02)

    def through(self, begin: Callable[[], object], end: Callable[[], object]) -> dict[str, object]:
        """Write, be in trouble, write on, be out of it, write on; then what is in the store."""
        self.until(lambda: self.written > 20)
        reader = SeriesReader(self.folder)
        reader.series()
        begin()
        self.until(lambda: self.patience.trouble)
        # The file may not be readable from within, without a descriptor to spare; from elsewhere it is.
        kept = os.pread(self.trouble._file, 4096, 0).decode().strip()
        told = self._asked(lambda: reader.health().problem) or kept
        history = self._asked(lambda: len(reader.raw(Selector("n_total"), 0, 1e9)))
        reason = self.patience.trouble
        self.until(lambda: self.patience.waiting > 30)
        end()
        before = time.monotonic()
        self.until(lambda: not self.patience.trouble)
        took = time.monotonic() - before
        more = self.written + 20
        self.until(lambda: self.written > more)
        self._stop.set()
        self._thread.join()
        self.patience.close()
        found = self.store.raw(Selector("n_total"), 0, 1e9)
        lasting = SeriesReader(self.folder)
        seen = len(reader.raw(Selector("n_total"), 0, 1e9)[0].times)
        self.store.close()
        return {
            "written": self.written,
            "series": len(found),
            "whole": all(points.times.tolist() == [float(i) for i in range(1, self.written + 1)] for points in found),
            "seen": seen,
            "fresh": len(lasting.raw(Selector("n_total"), 0, 1e9)[0].times),
            "history": history,
            "told": told,
            "well": lasting.health().problem,
            "reason": reason,
            "said": self.said,
            "took": took,
        }

    def _asked(self, ask: Callable[[], object]) -> object:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - what a page would show
            return f"{type(error).__name__}: {error}"


def full(folder: Path) -> dict[str, object]:
    """A disk of 4 MB that somebody else fills and empties."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "small", str(folder)], check=True)
    ballast = folder / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                return

    return Scene(folder).through(fill, ballast.unlink)


def readonly(folder: Path) -> dict[str, object]:
    """A folder whose file system is read-only for a while: what has to be opened anew cannot be written."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "small", str(folder)], check=True)
    scene = Scene(folder)

    def begin() -> None:
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        # What is open stays writable: a collector notices when it has to begin anew.
        scene.store._inode = (-1,)

    return scene.through(begin, lambda: subprocess.run(["umount", "--lazy", str(folder)], check=True))


def size_limit(folder: Path) -> dict[str, object]:
    """RLIMIT_FSIZE: a write fails with EFBIG."""
    scene = Scene(folder)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def begin() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096 * 4, hard))

    return scene.through(begin, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)))


def descriptors(folder: Path) -> dict[str, object]:
    """No file descriptors left, just when the store has to begin anew."""
    scene = Scene(folder)
    taken: list[int] = []

    def begin() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        scene.store._inode = (-1,)
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            pass

    def end() -> None:
        for number in taken:
            os.close(number)

    return scene.through(begin, end)


def wal_gone(folder: Path) -> dict[str, object]:
    """Somebody deletes the WAL under the collector and a reader."""
    return Scene(folder).through((folder / "series.db-wal").unlink, lambda: None)


def shm_gone(folder: Path) -> dict[str, object]:
    """The same with the WAL's index, by which writer and readers know of one another."""
    return Scene(folder).through((folder / "series.db-shm").unlink, lambda: None)


def all_gone(folder: Path) -> dict[str, object]:
    """Somebody deletes all that there is."""

    def begin() -> None:
        for path in folder.glob("series.db*"):
            path.unlink()

    return Scene(folder).through(begin, lambda: None)


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]))))  # noqa: T201
    sys.stdout.flush()
