"""The embedded store: one SQLite file, one row per poll.

A row holds the values of one poll as doubles, in the order of a layout (the series that the poll had). Sources
report the same series poll after poll, so layouts are few and a poll costs eight bytes per value and one index entry.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from metrics.model import Labels, Sample, Selector, labelled
from metrics.points import Column, Points
from metrics.poll import Poll
from metrics.watch import EPOCH
from storage import files, migrations
from storage.blocks import blocks
from storage.grid import fold_points, top_of
from storage.index import Index
from storage.store import Fold, Grid, Health, StoredRecord

_COUNTS = ("_total", "_bucket", "_count", "_sum")


class SeriesReader:
    """The reading half of the Store protocol; any number of processes may hold one."""

    def __init__(self, folder: Path) -> None:
        """Read the folder's series file; until a collector has made it, everything is empty."""
        self.path = folder / files.SERIES
        self._local = threading.local()
        self._index = Index()

    @property
    def _db(self) -> sqlite3.Connection:
        """One connection per thread: a reader sees one state per statement and blocks nobody."""
        if not hasattr(self._local, "db") and not self.path.exists():
            return files.empty(migrations.series)
        if not hasattr(self._local, "db"):
            self._local.db = files.connect(self.path, write=False)
        connection: sqlite3.Connection = self._local.db
        return connection

    def raw(self, selector: Selector, start: float, end: float, step: float = 0.0) -> list[Points]:
        """See Store.raw."""
        found: list[Points] = []
        for source, members in self._index.chosen(self._db, selector).items():
            for block in blocks(self._db, source, list(members), start, end, step):
                found += block.points(members)
        return _joined(found)

    def window(
        self, selector: Selector, t0: float, step: float, n: int, fold: Fold, top: int | None = None
    ) -> list[Grid]:
        """See Store.window."""
        ends: Column = t0 + step * np.arange(n, dtype=np.float64)
        grids = [
            Grid(labelled(points.labels), t0, step, fold_points(points, ends, step, fold))
            for points in self.raw(selector, t0 - step, float(ends[-1]))
        ]
        return top_of(grids, top) if top else grids

    def latest(self, selector: Selector | None = None) -> list[tuple[str, Labels, float, float]]:
        """See Store.latest."""
        found: dict[tuple[str, Labels], tuple[float, float]] = {}
        newest = (
            "select p.layout, p.data, p.at from poll p join (select source, tier, max(at) as at from poll"
            " group by source, tier) m on p.source = m.source and p.tier = m.tier and p.at = m.at"
        )
        for layout, data, at in self._db.execute(newest).fetchall():
            ids = self._index.layout(self._db, layout)
            for number, value in zip(ids, np.frombuffer(data), strict=True):
                metric, labels = self._index.series(self._db, int(number))
                if selector is None or (metric == selector.metric and selector.accepts(dict(labels))):
                    key = (metric, labels)
                    found[key] = max(found.get(key, (at, float(value))), (at, float(value)), key=lambda pair: pair[0])
        return sorted((metric, labels, at, value) for (metric, labels), (at, value) in found.items())

    def series(self, metric: str | None = None) -> list[tuple[str, Labels]]:
        """See Store.series."""
        return sorted(self._index.all(self._db, metric))

    def labels(self, metric: str) -> dict[str, list[str]]:
        """See Store.labels."""
        values: dict[str, set[str]] = {}
        for _, labels in self.series(metric):
            for name, value in labels:
                values.setdefault(name, set()).add(value)
        return {name: sorted(found) for name, found in sorted(values.items())}

    def records(self, source: str, kind: str, keys: Sequence[str] | None = None) -> list[StoredRecord]:
        """See Store.records."""
        rows = self._db.execute(
            "select s.name, r.kind, r.key, r.at, r.body from record r join source s on s.id = r.source"
            " where s.name = ? and r.kind = ? order by r.at desc",
            (source, kind),
        )
        return [record for row in rows if (record := StoredRecord(*row)) and (keys is None or record.key in keys)]

    def health(self) -> Health:
        """See Store.health."""
        try:
            polls, oldest, newest = self._db.execute("select count(*), min(at), max(at) from poll").fetchone()
            series = self._db.execute("select count(*) from series").fetchone()[0]
        except sqlite3.Error as error:
            return Health(0, 0, 0, None, None, problem=str(error))
        size = sum(part.stat().st_size for part in self.path.parent.glob(f"{self.path.name}*"))
        return Health(series, polls, size, oldest, newest)

    def close(self) -> None:
        """Close this thread's connection."""
        if hasattr(self._local, "db"):
            self._local.db.close()
            del self._local.db


class SeriesStore(SeriesReader):
    """The whole Store protocol, for the one process that writes."""

    def __init__(self, folder: Path) -> None:
        """Take the writer's lock (StoreBusy names who has it) and bring the file up to date."""
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = files.WriterLock(folder)
        super().__init__(folder)
        try:
            files.migrate(self.path, migrations.series)
            self._writer = files.connect(self.path, write=True)
        except BaseException:
            self._lock.release()
            raise
        self._one = threading.Lock()
        self._before: dict[tuple[str, str], tuple[float, dict[int, float]]] = {}
        self._known: dict[tuple[int, str, Labels], int] = {}
        self._kinds: dict[int, str] = {}

    def append(self, poll: Poll) -> None:
        """See Store.append."""
        with self._one:
            self._writer.execute("begin immediate")
            try:
                self._insert(poll)
            except BaseException:
                self._writer.execute("rollback")
                # Numbers given to series inside the transaction are gone with it.
                self._known.clear()
                self._before.clear()
                raise
            self._writer.execute("commit")

    def prune(self, before: float) -> int:
        """See Store.prune."""
        with self._one:
            gone = self._writer.execute("delete from poll where at < ?", (before,)).rowcount
            self._writer.execute("delete from record where at < ?", (before,))
            self._writer.execute("delete from layout where id not in (select layout from poll)")
        return gone

    def close(self) -> None:
        """Close the file and let the next process write."""
        super().close()
        with self._one:
            self._writer.close()
        self._lock.release()

    def _insert(self, poll: Poll) -> None:
        source = self._source(poll.source)
        epochs = [Sample(EPOCH.name, (("epoch", name),), value) for name, value in sorted(poll.epochs.items())]
        values = {self._number(source, sample): sample.value for sample in [*poll.samples, *epochs]}
        layout = self._layout(source, poll.tier, list(values))
        self._writer.execute("delete from poll where source = ? and tier = ? and at = ?", (source, poll.tier, poll.at))
        self._writer.execute(
            "insert into poll (source, tier, at, turn, layout, data) values (?, ?, ?, ?, ?, ?)",
            (
                source,
                poll.tier,
                poll.at,
                self._turn(poll, values),
                layout,
                np.array(list(values.values()), dtype=np.float64).tobytes(),
            ),
        )
        self._writer.executemany(
            "insert into record (source, kind, key, at, body) values (?, ?, ?, ?, ?)"
            " on conflict do update set at = excluded.at, body = excluded.body",
            [(source, record.kind, record.key, poll.at, record.body) for record in poll.records],
        )

    def _turn(self, poll: Poll, values: dict[int, float]) -> int:
        """1 when a counter may have been reset between this poll and the one before it, so that thinning keeps both."""
        at, before = self._before.get((poll.source, poll.tier), (np.inf, {}))
        self._before[poll.source, poll.tier] = (poll.at, values)
        if poll.at <= at:
            return 1
        turned = (number for number, old in before.items() if _turns(self._kinds[number], old, values.get(number, old)))
        return int(any(turned))

    def _source(self, name: str) -> int:
        self._writer.execute("insert into source (name) values (?) on conflict do nothing", (name,))
        number: int = self._writer.execute("select id from source where name = ?", (name,)).fetchone()[0]
        return number

    def _number(self, source: int, sample: Sample) -> int:
        key = (source, sample.metric, sample.labels)
        if key not in self._known:
            labels = json.dumps(dict(sample.labels), sort_keys=True, ensure_ascii=False)
            row = (source, sample.metric, labels)
            self._writer.execute(
                "insert into series (source, metric, labels) values (?, ?, ?) on conflict do nothing", row
            )
            find = "select id from series where source = ? and metric = ? and labels = ?"
            self._known[key] = self._writer.execute(find, row).fetchone()[0]
            self._kinds[self._known[key]] = sample.metric
        return self._known[key]

    def _layout(self, source: int, tier: str, numbers: Sequence[int]) -> int:
        packed = np.array(numbers, dtype=np.int64).tobytes()
        digest = hashlib.blake2b(packed, digest_size=16).digest()
        self._writer.execute(
            "insert into layout (source, tier, digest, series) values (?, ?, ?, ?) on conflict do nothing",
            (source, tier, digest, packed),
        )
        find = "select id from layout where source = ? and tier = ? and digest = ?"
        number: int = self._writer.execute(find, (source, tier, digest)).fetchone()[0]
        return number


def _turns(metric: str, old: float, new: float) -> bool:
    """Whether a change of value may hide a reset."""
    return new != old if metric == EPOCH.name else new < old and metric.endswith(_COUNTS)


def _joined(found: Iterable[Points]) -> list[Points]:
    """One Points per series, in time order, though its values came in several blocks."""
    grouped: dict[Labels, list[Points]] = {}
    for points in found:
        grouped.setdefault(labelled(points.labels), []).append(points)
    return [_merge(parts) for _, parts in sorted(grouped.items())]


def _merge(parts: Sequence[Points]) -> Points:
    if len(parts) == 1:
        return parts[0]
    times = np.concatenate([points.times for points in parts])
    values = np.concatenate([points.values for points in parts])
    times, first = np.unique(times, return_index=True)
    return Points(parts[0].labels, times, values[first])
