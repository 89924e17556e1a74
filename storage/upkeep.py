"""What the writing process does beside writing: compaction every few minutes, and errands for other commands."""

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from storage import wal
from storage.compaction import Report, Retention
from storage.errands import Errands, Say
from storage.files import StoreError
from storage.importing.load import load
from storage.scrub import Damage
from storage.series import SeriesStore

COMPACT_EVERY = 300.0


class Upkeep:
    """Keeps a store in order from start() to close().

    ready  whether the store can be written to at all: while it cannot, nothing is compacted
    """

    def __init__(
        self,
        store: SeriesStore,
        retention: Retention,
        say: Say,
        ready: Callable[[], bool] = lambda: True,
        *,
        every: float = COMPACT_EVERY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing runs yet."""
        self._store, self._retention, self._say, self._ready = store, retention, say, ready
        self._every, self._clock = every, clock
        self._stop = threading.Event()
        # An import's polls are older than what is kept: they have to be rolled up before they are forgotten.
        self._one = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._errands: Errands | None = None
        self._told, self._large = "", False

    def start(self) -> None:
        """Begin with a compaction: the process may have been away for long."""
        self._thread.start()
        known = {
            "compact": self._asked_compact,
            "quarantine": self._asked_quarantine,
            "forget": self._asked_forget,
            "import": self._asked_import,
        }
        try:
            self._errands = Errands(self._store.path.parent, known)
        except OSError as error:
            self._say(f"`trivet store` commands that write have to wait until this process ends: {error}")

    def close(self) -> None:
        """Returns soon; a compaction under way ends after its step, with the store."""
        self._stop.set()
        if self._errands is not None:
            self._errands.close()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        while True:
            if self._ready():
                self._tend()
            if self._stop.wait(self._every):
                return

    def _tend(self) -> None:
        try:
            with self._one:
                now = self._clock()
                report = self._store.compact(now, self._retention)
                self._store.prune_records(now - self._retention.raw)
        except (sqlite3.Error, OSError, StoreError) as error:
            if not self._stop.is_set() and str(error) != self._told:
                self._say(f"cannot compact: {type(error).__name__}: {error}")
            self._told = str(error)
        else:
            large = wal.problem(self._store.path)
            if large and not self._large:
                self._say(large)
            self._told, self._large = "", bool(large)
            self._tell(report)

    def _tell(self, report: Report) -> None:
        for damage in report.damaged:
            self._say(f"damaged, now in quarantine: {damage}")

    def _asked_compact(self, _: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        with self._one:
            report = self._store.compact(self._clock(), self._retention)
        self._tell(report)
        return told(report)

    def _asked_quarantine(self, asked: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        damage = [Damage(str(kind), int(number), str(reason)) for kind, number, reason in asked["damage"]]
        done = self._store.quarantine(damage)
        for piece in done:
            self._say(f"damaged, now in quarantine: {piece}")
        return {"taken": len(done)}

    def _asked_forget(self, _: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        return {"forgotten": self._store.forget_quarantine()}

    def _asked_import(self, asked: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        with self._one:
            files = [Path(path) for path in asked["files"]]
            source, form, replace = str(asked["source"]), str(asked["format"]), bool(asked["replace"])
            done = load(self._store, files, source, form, replace, self._retention, say)
        self._say(f"{done['samples']:,} samples of {done['series']:,} series were imported into {source}")
        return done


def told(report: Report) -> dict[str, int]:
    """A compaction's report as numbers."""
    return {
        "windows": report.windows,
        "merged": report.merged,
        "forgotten": report.forgotten,
        "damaged": len(report.damaged),
    }
