"""The embedded store: one SQLite file, written by one process.

A poll is one row of `hot`, its values as doubles in the order of a layout, on disk when `append` returns. Every two
hours rows become compressed segments, every day segments are merged and rolled up (`storage/compaction.py`).
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from metrics.poll import Poll
from storage import backup, checks, compaction, files, meta, migrations, records, scrub, wal
from storage.commits import Commits
from storage.compaction import Retention
from storage.counters import Declared
from storage.mark import HighWater
from storage.numbering import Numbering
from storage.reading import SeriesReader

BAD_POLL = (sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.IntegrityError, ValueError, TypeError)
"""What the poll itself is to blame for, not the disk."""


class SeriesStore(SeriesReader):
    """The whole Store protocol, for the one process that writes."""

    def __init__(
        self,
        folder: Path,
        *,
        linger: float = 0.0,
        declared: Declared | None = None,
        bounds: records.Bounds | None = None,
    ) -> None:
        """Take the writer's lock (StoreBusy names who has it) and bring the file up to date.

        linger    seconds for which a poll waits for others to share its commit
        declared  the kinds of metrics that are known; of others the names of a poll say which are counters
        bounds    how many records are kept of each source
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = files.WriterLock(folder)
        super().__init__(folder)
        self._writing = threading.RLock()
        self._commits: Commits[Poll] = Commits(self._commit, linger)
        self._numbering = Numbering(self._number, declared or {})
        self._records = records.Records(bounds)
        self._mark = HighWater(self.path)
        try:
            backup.finish(folder)
            files.migrate(self.path, migrations.series, backup.before_migration)
            self._open()
        except BaseException:
            self._lock.release()
            raise

    def append(self, poll: Poll) -> None:
        """See Store.append."""
        self._commits.write(poll)

    def append_many(self, polls: Sequence[Poll]) -> None:
        """Several polls in one commit."""
        self._commits.write_all(polls)

    def prune(self, before: float) -> int:
        """See Store.prune."""
        with self._writing:
            return compaction.prune(self._writer, self._number, files.milliseconds(before))

    def compact(self, now: float, retention: Retention | None = None) -> compaction.Report:
        """Move what is old enough into segments, merge, roll up and forget: what a collector does every few minutes.

        Polls can be appended while it works; each of its steps is one transaction.
        """
        at, layouts = files.milliseconds(now), self._numbering.layouts
        report = compaction.compact(self._writer, self._writing, self._number, at, retention, layouts)
        if wal.problem(self.path):
            # Nothing may have been due, and whoever held it may be gone.
            with self._writing:
                wal.write_back(self._writer)
        return report

    def prune_records(self, before: float) -> None:
        """Forget records that were last seen before, and the oldest of a source that has too many."""
        with self._writing, self._transaction_of_ours():
            records.forget(self._writer, before)
            self._records.bound(self._writer, time.time())

    def quarantine(self, damage: Sequence[scrub.Damage]) -> list[scrub.Damage]:
        """Take damaged pieces out, their good series excepted; those that were still there and are damaged indeed."""
        with self._writing:
            try:
                return scrub.quarantine(self._writer, self._number, damage)
            finally:
                # What is out has a number that must not be used any more.
                self._numbering.forget()

    def forget_quarantine(self) -> int:
        """Delete what was put aside as damaged; how many pieces."""
        with self._writing:
            return self._writer.execute("delete from quarantine").rowcount

    def reopen(self) -> None:
        """Begin anew on a fresh connection, after an error that leaves the old one in doubt."""
        with self._writing:
            self._writer.close()
            self._open()

    @property
    def linger(self) -> float:
        """Seconds for which a poll waits for others to share its commit."""
        return self._commits.linger

    @linger.setter
    def linger(self, seconds: float) -> None:
        self._commits.linger = seconds

    def close(self) -> None:
        """Close the file and let the next process write."""
        self._commits.hurry()
        with self._writing:
            super().close()
            self._writer.close()
            self._mark.close()
        self._lock.release()

    def _open(self) -> None:
        self._writer = files.connect(self.path, write=True)
        self._numbering.forget()
        self._seq: int = meta.reached(self._writer)
        self.lost = self._mark.lost(self._seq)
        self._seq = max(self._seq, self._mark.number)
        self._inode = files.inodes(self.path)

    def _number(self) -> int:
        """The next number: of rows, layouts and segments alike, and never given twice."""
        self._seq += 1
        return self._seq

    def _commit(self, polls: Sequence[Poll]) -> list[Exception | None]:
        with self._writing:
            files.check_in_place(self.path, self._inode, self._writer)
            try:
                outcomes = self._in_one(polls, self._put)
            except BAD_POLL:
                # One of them cannot be stored: again, each by itself within the transaction.
                outcomes = self._in_one(polls, self._put_each)
            self._mark.set(self._seq)
            return outcomes

    def _in_one(
        self, polls: Sequence[Poll], put: Callable[[Sequence[Poll]], list[Exception | None]]
    ) -> list[Exception | None]:
        """All polls in one transaction, whole or not at all."""
        with self._transaction_of_ours():
            return put(polls)

    @contextmanager
    def _transaction_of_ours(self) -> Iterator[None]:
        self._writer.execute("begin immediate")
        try:
            yield
            self._writer.execute("commit")
        except BaseException:
            self._numbering.forget()
            if self._writer.in_transaction:
                self._writer.execute("rollback")
            raise

    def _put_each(self, polls: Sequence[Poll]) -> list[Exception | None]:
        """Each poll within a shared transaction: whole, or not at all."""
        outcomes: list[Exception | None] = []
        for poll in polls:
            self._writer.execute("savepoint poll")
            try:
                outcomes += self._put([poll])
            except BAD_POLL as error:
                self._writer.execute("rollback to poll")
                self._numbering.forget()
                outcomes.append(error)
            finally:
                self._writer.execute("release poll")
        return outcomes

    def _put(self, polls: Sequence[Poll]) -> list[Exception | None]:
        """All polls, or none and the error of one."""
        self._writer.executemany(
            "insert into hot (seq, stream, at, layout, turn, crc, data) values (?, ?, ?, ?, ?, ?, ?)",
            [self._row(poll) for poll in polls],
        )
        for poll in polls:
            if poll.records:
                self._records.put(self._writer, poll)
        return [None] * len(polls)

    def _row(self, poll: Poll) -> tuple[int, int, int, int, int, int, bytes]:
        at = files.milliseconds(poll.at)
        stream, layout, turn, data = self._numbering.row(self._writer, poll, at)
        return self._number(), stream, at, layout, turn, checks.of_hot(stream, at, layout, turn, data), data
