"""The reading half of the embedded store: any number of processes, none of which blocks the writer."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metrics.duration import spoken
from metrics.model import Labels, Selector
from metrics.points import LOOKBACK, Column, Points
from storage import files, migrations, records, wal
from storage.cold import Cold
from storage.files import StoreError, StoreSlow
from storage.grid import Parts, columns_of, fold_parts, joined, top_of
from storage.hot import Hot, Run
from storage.index import Index, Name
from storage.plan import RAW, pieces, preference, thinned
from storage.rollup import LAST
from storage.segment import Filled, Times
from storage.spans import spans
from storage.store import Fold, Grid, Health, StoredRecord
from storage.trouble import told

LONGEST = 30.0
"""Seconds for which a question may hold one state of the file: as long as it does, no WAL can be written back."""
LOOK_EVERY = 100_000
"""Steps of SQLite's machine between two looks at the clock: about every millisecond."""
PATIENT = 20
"""How often a view is tried again before what is known is taken to be of another file."""


class SeriesReader:
    """The Reader protocol over the data folder's series file; until a collector has made it, everything is empty."""

    def __init__(self, folder: Path, *, longest: float = LONGEST) -> None:
        """Nothing is opened before the first question; one that takes more than ``longest`` ends in StoreSlow."""
        self.path = folder / files.SERIES
        self._longest = longest
        self._local = threading.local()
        self._index = Index()
        self._hot = Hot(self._index)
        self._cold = Cold()
        self._ill_records: set[int] = set()

    def raw(self, selector: Selector, start: float, end: float, step: float = 0.0) -> list[Points]:
        """See Reader.raw."""
        after, until = files.milliseconds(start) - 1, files.milliseconds(end)
        found: dict[Name, list[tuple[Times, Column]]] = {}
        with self._view() as db:
            for stream, names in self._index.chosen(db, selector).items():
                for name, times, values, _ in self._parts(db, stream, names, after, until, step, (LAST,)):
                    if len(times):
                        found.setdefault(name, []).append((times, values[LAST]))
        return [Points(name.mapping, *joined(parts)) for name, parts in found.items()]

    def window(
        self, selector: Selector, t0: float, step: float, n: int, fold: Fold, top: int | None = None
    ) -> list[Grid]:
        """See Reader.window."""
        grids = self.windows(selector, t0, step, n, [fold])[fold]
        return top_of(grids, top) if top else grids

    def windows(
        self, selector: Selector, t0: float, step: float, n: int, folds: Sequence[Fold]
    ) -> dict[Fold, list[Grid]]:
        """Several folds of the same values in one pass."""
        ends: Column = t0 + step * np.arange(n, dtype=np.float64)
        back = LOOKBACK if {Fold.INCREASE, Fold.RATE} & set(folds) else 0.0
        after, until = files.milliseconds(t0 - step - back) - 1, files.milliseconds(float(ends[-1]))
        found: dict[Name, Parts] = {}
        columns = columns_of(folds)
        with self._view() as db:
            for stream, names in self._index.chosen(db, selector).items():
                for name, times, values, rolled in self._parts(db, stream, names, after, until, step, columns, t0):
                    found.setdefault(name, Parts()).add(times, values, rolled)
        grids: dict[Fold, list[Grid]] = {fold: [] for fold in folds}
        for name, parts in found.items():
            for fold, line in fold_parts(parts, ends, step, folds).items():
                grids[fold].append(Grid(name.labels, t0, step, line))
        return grids

    def latest(self, selector: Selector | None = None) -> list[tuple[str, Labels, float, float]]:
        """See Reader.latest."""
        found: dict[int, tuple[float, float]] = {}
        with self._view() as db:
            self._index.refresh(db)
            hot = dict(self._hot.newest())
            for (stream,) in db.execute("select id from stream").fetchall():
                if stream in hot:
                    run = hot[stream]
                    at = int(run.times[-1])
                    pairs: Iterable[tuple[int, float]] = zip(
                        run.numbers.tolist(), run.row(run.count - 1).tolist(), strict=True
                    )
                else:
                    at, pairs = self._last_of(db, stream)
                seconds = float(at) / 1000
                for number, value in pairs:
                    if number not in found or found[number][0] <= seconds:
                        found[number] = (seconds, value)
        names = ((self._index.name(number), pair) for number, pair in found.items())
        return [
            (name.metric, name.labels, at, value)
            for name, (at, value) in names
            if name is not None
            if selector is None or (name.metric == selector.metric and selector.accepts(name.mapping))
        ]

    def series(self, metric: str | None = None) -> list[tuple[str, Labels]]:
        """See Reader.series."""
        with self._view() as db:
            return sorted((name.metric, name.labels) for name in self._index.all(db, metric))

    def labels(self, metric: str) -> dict[str, list[str]]:
        """See Reader.labels."""
        values: dict[str, set[str]] = {}
        for _, labels in self.series(metric):
            for name, value in labels:
                values.setdefault(name, set()).add(value)
        return {name: sorted(found) for name, found in sorted(values.items())}

    def records(self, source: str, kind: str, keys: Sequence[str] | None = None) -> list[StoredRecord]:
        """See Reader.records."""
        with self._view() as db:
            found = [*records.found(db, source, kind, self._ill_records)]
        return [record for record in found if keys is None or record.key in keys]

    def health(self) -> Health:
        """See Reader.health."""
        try:
            with self._view() as db:
                polls = db.execute("select count(*) from hot").fetchone()[0]
                runs = [run for _, run in self._hot.newest()]
                sealed = [*spans(db, self._cold.damaged, " where s.res = ?", (RAW,))]
                series = len(list(self._index.all(db, None)))
                aside = db.execute("select count(*) from quarantine").fetchone()[0]
                ill = self._ill(db)
                dropped = dict(records.dropped(db))
        except (sqlite3.Error, StoreError) as error:
            return Health(0, 0, 0, None, None, problem=told(self.path.parent) or str(error))
        first = [*(span.start for span in sealed), *(int(run.times[0]) for run in self._hot.all())]
        last = [*(span.stop for span in sealed), *(int(run.times[-1]) for run in runs)]
        return Health(
            series,
            polls + sum(span.ticks for span in sealed),
            files.size(self.path),
            min(first) / 1000 if first else None,
            max(last) / 1000 if last else None,
            self._problem(ill, aside),
            ill + aside,
            wal.size(self.path),
            dropped,
        )

    def close(self) -> None:
        """Close this thread's connection."""
        self._let_go()

    def _let_go(self) -> None:
        if hasattr(self._local, "db"):
            self._local.db.close()
            del self._local.db

    @contextmanager
    def _view(self) -> Iterator[sqlite3.Connection]:
        """One consistent state of the file, with the hot rows that belong to it."""
        try:
            with self._transaction() as db:
                yield db
        except sqlite3.OperationalError as error:
            # The disk, the folder or the file may be another by the next question.
            self._let_go()
            if self._late():
                raise self._slow() from error
            raise

    def _late(self) -> bool:
        until: float = self._local.until
        return time.monotonic() > until

    def _slow(self) -> StoreSlow:
        return StoreSlow(f"the question took longer than {spoken(self._longest)}: ask for less at once")

    def _hurry(self) -> None:
        """What SQLite is not asked for takes time as well."""
        if self._late():
            raise self._slow()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        tries = 0
        self._local.until = time.monotonic() + self._longest
        while True:
            db = self._db
            db.execute("begin")
            try:
                generation = db.execute("select value from meta where name = 'generation'").fetchone()
                if generation is None or not isinstance(generation[0], int):
                    raise sqlite3.DatabaseError(f"{self.path.name}: the table meta is damaged")
                if self._hot.refresh(db, generation[0]):
                    break
            except BaseException:
                _end(db)
                raise
            # Another thread has seen a later state: come again, and see it too.
            _end(db)
            tries += 1
            if tries > PATIENT:
                self._forget()
        try:
            yield db
        finally:
            _end(db)

    def _forget(self) -> None:
        """Nothing of what is known holds: the file is another one."""
        self._index = Index()
        self._hot = Hot(self._index)
        self._cold = Cold()

    @property
    def _db(self) -> sqlite3.Connection:
        if hasattr(self._local, "db") and files.moved(self.path, self._local.db):
            # A restored backup, or a WAL that was deleted under the writer, who has gone on with a new one.
            self._let_go()
            self._forget()
        if not hasattr(self._local, "db") and not self.path.exists():
            return files.empty(migrations.series)
        if not hasattr(self._local, "db"):
            opened = files.connect(self.path, write=False)
            if not self._furnished(opened):
                # The collector has made the file, and not yet its tables.
                opened.close()
                return files.empty(migrations.series)
            opened.set_progress_handler(self._late, LOOK_EVERY)
            self._local.db = opened
        connection: sqlite3.Connection = self._local.db
        return connection

    @staticmethod
    def _furnished(opened: sqlite3.Connection) -> bool:
        try:
            return files.furnished(opened, migrations.NEWEST)
        except BaseException:
            opened.close()
            raise

    def _parts(
        self,
        db: sqlite3.Connection,
        stream: int,
        names: Sequence[Name],
        after: int,
        until: int,
        step: float,
        columns: Sequence[int],
        t0: float | None = None,
    ) -> Iterator[tuple[Name, Times, dict[int, Column], bool]]:
        """Times and columns of each wanted series, piece by piece, and whether it is of a rollup; raw has LAST only.

        With ``t0`` steps end there and all values come, without it they are thinned to one a step.
        """
        runs = self._hot.runs(stream)
        coarse = step if t0 is None and len(runs) < 2 else 0.0
        # A rollup does not have the neighbours of a poll that came late: until that is sealed, raw values answer.
        late = runs and _sealed(db, stream) >= min(int(run.times[0]) for run in runs)
        order = preference(0.0 if late else step, t0 or 0.0)
        for piece in pieces(db, self._cold.damaged, stream, after, until, order):
            self._hurry()
            head = self._cold.head(db, piece.segment)
            if head is None:
                continue
            low, high = np.searchsorted(head.times, (piece.after, piece.until), side="right").tolist()
            picked = _picked(head.times[low:high], head.turns[low:high], coarse, runs)
            for name in names:
                if name.number not in head:
                    continue
                cuts = {}
                for column in columns if piece.res else (LAST,):
                    filled = self._cold.column(db, piece.segment, head, name.number, column)
                    if filled is not None:
                        cuts[column] = cut(filled, head.times, low, high, picked)
                for times, values in _even(cuts):
                    yield name, times, values, piece.res > 0
        for run in runs:
            low, high = np.searchsorted(run.times, (after, until), side="right").tolist()
            picked = _picked(run.times[low:high], run.turns[low:high], coarse, ())
            for name in names:
                if name.number in run.position:
                    times, last = cut(Filled(run.column(name.number)), run.times, low, high, picked)
                    yield name, times, {LAST: last}, False

    def _last_of(self, db: sqlite3.Connection, stream: int) -> tuple[int, Iterator[tuple[int, float]]]:
        """The newest poll of a stream that has no hot rows."""
        where = " where s.stream = ? and s.res = ? order by s.start desc"
        newest = next(spans(db, self._cold.damaged, where, (stream, RAW)), None)
        head = self._cold.head(db, newest.segment) if newest else None
        if newest is None or head is None or not len(head.times):
            return 0, iter(())
        columns = ((int(n), self._cold.column(db, newest.segment, head, int(n))) for n in head.numbers)
        last = ((n, f) for n, f in columns if f is not None and (f.mask is None or f.mask[-1]))
        return int(head.times[-1]), ((n, float(f.values[-1])) for n, f in last)

    def _ill(self, db: sqlite3.Connection) -> int:
        """How many damaged pieces were met and are there still."""
        return (
            _there(db, "segment where id", self._cold.damaged)
            + _there(db, "hot where seq", self._hot.damaged)
            + _there(db, "record where rowid", self._ill_records)
            + self._index.ill(db)
        )

    def _problem(self, ill: int, aside: int) -> str:
        trouble = told(self.path.parent)
        if trouble:
            return trouble
        found = []
        if ill:
            found.append(f"{ill} damaged pieces are left out: run `trivet store scrub`")
        if aside and not ill:
            cure = "`trivet store scrub --forget` deletes them"
            found.append(f"{aside} damaged pieces are left out and in quarantine: {cure}")
        return ". ".join(filter(None, [*found, wal.problem(self.path)]))


def _there(db: sqlite3.Connection, where: str, numbers: Iterable[int]) -> int:
    """How many of these rows are there still; ``where`` is ours."""
    find = f"select count(*) from {where} = ?"  # noqa: S608
    return sum(db.execute(find, (number,)).fetchone()[0] for number in list(numbers))


def _end(db: sqlite3.Connection) -> None:
    """After some errors SQLite has ended the transaction itself."""
    if db.in_transaction:
        db.execute("rollback")


def _even(cuts: dict[int, tuple[Times, Column]]) -> Iterator[tuple[Times, dict[int, Column]]]:
    """Columns of one piece that share their ticks, together; a tick that a turn keeps has a last value only."""
    by_ticks: dict[bytes, tuple[Times, dict[int, Column]]] = {}
    for column, (times, values) in cuts.items():
        key = times.tobytes() if len(cuts) > 1 else b""
        by_ticks.setdefault(key, (times, {}))[1][column] = values
    yield from by_ticks.values()


def _sealed(db: sqlite3.Connection, stream: int) -> int:
    """Until when a stream is in segments."""
    found = db.execute("select coalesce(max(stop), 0) from segment where stream = ? and res = ?", (stream, RAW))
    return int(found.fetchone()[0])


def _picked(times: Times, turns: NDArray[np.bool_], step: float, runs: Sequence[Run]) -> NDArray[np.int64] | None:
    """Which ticks of a piece are wanted, None for all: thinned, and without those that a late poll replaced.

    Where polls came late, nothing is thinned: the neighbours of a late poll are not known to be worth keeping.
    """
    late = [run.times for run in runs if len(times) and run.times[0] <= times[-1]]
    if late:
        return np.flatnonzero(~np.isin(times, np.concatenate(late)))
    return thinned(times, turns, step) if step else None


def cut(filled: Filled, times: Times, low: int, high: int, picked: NDArray[np.int64] | None) -> tuple[Times, Column]:
    """The values of a column between two ticks, with their times; of those, only the picked ticks."""
    times = times[low:high]
    if filled.mask is None:
        values = filled.values[low:high]
        return (times, values) if picked is None else (times[picked], values[picked])
    mask = filled.mask[low:high]
    begin = int(filled.mask[:low].sum())
    values = filled.values[begin : begin + int(mask.sum())]
    if picked is None:
        return times[mask], values
    chosen = picked[mask[picked]]
    return times[chosen], values[np.cumsum(mask)[chosen] - 1]
