"""Schema of the two files, one function per change, each in a transaction of its own.

`storage/FORMAT.md` says what the tables hold.
"""

import hashlib
import zlib

import numpy as np
from sqlite_utils import Database, Migrations

series = Migrations("trivet.series")
state = Migrations("trivet.state")


@series(name="m001_polls")
def _m001_polls(db: Database) -> None:
    """A poll is one row: its values as doubles, in the order of the series that its layout lists."""
    db.table("source").create({"id": int, "name": str}, pk="id")
    db.table("source").create_index(["name"], unique=True)
    db.table("series").create({"id": int, "source": int, "metric": str, "labels": str}, pk="id")
    db.table("series").create_index(["metric", "source", "labels"], unique=True)
    db.table("layout").create({"id": int, "source": int, "tier": str, "digest": bytes, "series": bytes}, pk="id")
    db.table("layout").create_index(["source", "tier", "digest"], unique=True)
    db.table("poll").create(
        {"id": int, "source": int, "tier": str, "at": float, "turn": int, "layout": int, "data": bytes}, pk="id"
    )
    db.table("record").create(
        {"source": int, "kind": str, "key": str, "at": float, "body": str}, pk=("source", "kind", "key")
    )


@series(name="m002_segments")
def _m002_segments(db: Database) -> None:
    """Polls go into ``hot``, and from there into compressed segments; a stream is one source's tier."""
    db.table("stream").create({"id": int, "source": int, "tier": str}, pk="id")
    db.table("stream").create_index(["source", "tier"], unique=True)
    db.execute("insert into stream (source, tier) select distinct source, tier from layout")
    # No index on time: hot rows are few, and each index entry would be a page more to write for every poll.
    db.table("hot").create(
        {"seq": int, "stream": int, "at": int, "layout": int, "turn": int, "crc": int, "data": bytes}, pk="seq"
    )
    db.table("segment").create(
        {
            "id": int,
            "stream": int,
            "res": int,
            "start": int,
            "stop": int,
            "ticks": int,
            "samples": int,
            "data": bytes,
        },
        pk="id",
    )
    db.table("segment").create_index(["stream", "res", "start"])
    db.table("quarantine").create(
        {
            "id": int,
            "kind": str,
            "stream": int,
            "start": int,
            "stop": int,
            "found": float,
            "reason": str,
            "data": bytes,
        },
        pk="id",
    )
    db.table("meta").create({"name": str, "value": int}, pk="name")
    count = _move_polls(db)
    db.table("meta").insert_all([{"name": "seq", "value": count}, {"name": "generation", "value": 1}])
    db.execute("drop table poll")


def _move_polls(db: Database) -> int:
    """Rows of the first version become hot rows, numbered in the order of their time; the highest number used."""
    layouts: dict[int, int] = {}
    db.execute("alter table layout rename to old_layout")
    db.execute("drop index if exists idx_layout_source_tier_digest")
    db.table("layout").create({"id": int, "stream": int, "digest": bytes, "series": bytes}, pk="id")
    db.table("layout").create_index(["stream", "digest"], unique=True)
    streams = {(row["source"], row["tier"]): row["id"] for row in db.query("select * from stream")}
    for row in db.query("select * from old_layout"):
        layouts[row["id"]] = streams[row["source"], row["tier"]]
        numbers = np.frombuffer(row["series"], np.int64).astype(np.uint32).tobytes()
        # The old digest was of numbers of eight bytes.
        digest = hashlib.blake2b(numbers, digest_size=16).digest()
        new = (row["id"], layouts[row["id"]], digest, numbers)
        db.execute("insert into layout (id, stream, digest, series) values (?, ?, ?, ?)", new)
    seq = max(layouts, default=0)
    for row in db.query("select * from poll order by at, id"):
        seq += 1
        at = round(row["at"] * 1000)
        new_row = (seq, layouts[row["layout"]], at, row["layout"], row["turn"], row["data"])
        db.execute(
            "insert into hot (seq, stream, at, layout, turn, crc, data) values (?, ?, ?, ?, ?, ?, ?)",
            (*new_row[:5], hot_check(*new_row[1:]), new_row[5]),
        )
    db.execute("drop table old_layout")
    return seq


def hot_check(stream: int, at: int, layout: int, turn: int, data: bytes) -> int:
    """The checksum of a hot row: CRC-32 of its numbers, as text, and its values."""
    return zlib.crc32(data, zlib.crc32(b"%d %d %d %d" % (stream, at, layout, turn)))


@state(name="m001_events")
def _m001_events(db: Database) -> None:
    """Moments and spans that every chart shows."""
    db.table("event").create({"id": int, "kind": str, "at": float, "until": float, "source": str, "text": str}, pk="id")
    db.table("event").create_index(["at"])
