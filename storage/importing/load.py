"""Files of other programs into the store: all of them are read before the first poll is written."""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from storage import files
from storage.cold import Cold
from storage.compaction import Retention
from storage.files import StoreError
from storage.importing.formats import read
from storage.importing.gathered import Gathered
from storage.importing.problems import ImportRefused
from storage.plan import RAW
from storage.series import SeriesStore

TOGETHER = 200
"""Polls of one commit: few enough for a collector's own polls to come in between."""
COMPACT_AFTER = 5_000_000
"""Samples after which what was imported is compressed: eight bytes each until then."""
SAY_EVERY = 2.0

Say = Callable[[str], None]


def gather(paths: Sequence[Path], form: str, say: Say) -> Gathered:
    """The samples of all files; ImportRefused with what is wrong with them."""
    found, problems = Gathered(), []
    for path in paths:
        say(f"reading {path}")
        problems += read(path, form, found)
    if not problems and not found:
        problems.append("there is no sample in it" if len(paths) == 1 else "there is no sample in them")
    if problems:
        raise ImportRefused(problems)
    return found


def load(
    store: SeriesStore,
    paths: Sequence[Path],
    source: str,
    form: str,
    replace: bool,
    retention: Retention,
    say: Say,
) -> Mapping[str, float]:
    """Everything or, when the files are not in order, nothing; how much it was.

    replace  a poll of the source that is there already, at the same millisecond, is replaced instead of refused
    """
    found = gather(paths, form, say)
    times = found.times()
    there = _there(store.path, source, times[0], times[-1]) & set(times)
    if there and not replace:
        first = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(min(there) / 1000))
        raise ImportRefused(
            [
                f"{source} has samples at {len(there):,} of these {len(times):,} times, the first at {first} UTC.",
                "Give all files of a source to one import, or another --source; --replace drops what is there.",
            ]
        )
    if times[0] / 1000 < time.time() - retention.raw:
        say("what is older than keep, keep_10m and keep_1h stays as values of 10 minutes, of hours, or not at all")
    _write(store, found, source, len(times), retention, say)
    return {"samples": len(found), "series": found.series, "polls": len(times), "from": times[0], "to": times[-1]}


def _write(store: SeriesStore, found: Gathered, source: str, count: int, retention: Retention, say: Say) -> None:
    polls, done, fresh, told = found.polls(source), 0, 0, time.monotonic()
    try:
        while batch := list(islice(polls, TOGETHER)):
            store.append_many(batch)
            done += len(batch)
            fresh += sum(len(poll.samples) for poll in batch)
            if fresh >= COMPACT_AFTER:
                store.compact(time.time())
                fresh = 0
            if time.monotonic() - told > SAY_EVERY:
                told = time.monotonic()
                say(f"{done:,} of {count:,} polls written")
        say("compressing")
        store.compact(time.time(), retention)
    except (sqlite3.Error, OSError, StoreError) as error:
        raise StoreError(
            f"{done:,} of {count:,} polls were imported, then: {error}. Import the same again with --replace."
        ) from None


def _there(path: Path, source: str, first: int, last: int) -> set[int]:
    """When the source has polls already, in milliseconds."""
    with closing(files.connect(path, write=False)) as db:
        stream = "select t.id from stream t join source s on s.id = t.source where s.name = ? and t.tier = 'fast'"
        hot = f"select at from hot where stream in ({stream}) and at between ? and ?"  # noqa: S608
        found = {row[0] for row in db.execute(hot, (source, first, last))}
        cold = f"select id from segment where stream in ({stream}) and res = ? and start < ? and stop >= ?"  # noqa: S608
        segments = [row[0] for row in db.execute(cold, (source, RAW, last, first))]
        kept = Cold()
        for segment in segments:
            head = kept.head(db, segment)
            if head is not None:
                found.update(head.times.tolist())
    return found
