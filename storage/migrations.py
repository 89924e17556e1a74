"""Schema of the two files, one function per change, each in a transaction of its own.

`storage/FORMAT.md` says what the tables hold.
"""

import hashlib

import numpy as np
from sqlite_utils import Database, Migrations

from storage import checks, meta, names

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
            (*new_row[:5], checks.of_hot(*new_row[1:]), new_row[5]),
        )
    db.execute("drop table old_layout")
    return seq


@series(name="m003_checks")
def _m003_checks(db: Database) -> None:
    """Every name and every span has a checksum; of equal texts one is kept; what is dropped is counted."""
    for table in ("source", "series", "stream", "layout"):
        db.execute(f"alter table {table} add column crc integer")
    _check_names(db)
    # The rows themselves are not written anew: each would be written with all its data.
    db.table("segment_check").create({"segment": int, "crc": int}, pk="segment")
    db.execute(
        "create trigger segment_gone after delete on segment"
        " begin delete from segment_check where segment = old.id; end"
    )
    for row in db.execute("select id, stream, res, start, stop, ticks, samples from segment").fetchall():
        db.execute("insert into segment_check (segment, crc) values (?, ?)", (row[0], checks.of_segment(*row)))
    _move_records(db)
    db.table("dropped").create({"source": int, "records": int, "last": float}, pk="source")
    db.execute("alter table meta add column crc integer")
    db.table("meta").insert({"name": meta.NAMES, "value": names.highest(db.conn)})
    for name, value in db.execute("select name, value from meta").fetchall():
        meta.put(db.conn, name, value)


def _check_names(db: Database) -> None:
    for name, table in names.TABLES.items():
        for number, row, _ in table.rows(db.conn):
            if not names.readable(table, row):
                continue
            db.execute(f"update {name} set crc = ? where id = ?", (table.crc(number, row), number))  # noqa: S608
    for number, stream, digest in db.execute("select id, stream, digest from layout").fetchall():
        crc = checks.of_layout(number, stream, digest)
        db.execute("update layout set crc = ? where id = ?", (crc, number))


def _move_records(db: Database) -> None:
    """The texts into a table of their own, each once."""
    db.execute("alter table record rename to old_record")
    db.table("text").create({"id": int, "digest": bytes, "body": str}, pk="id")
    db.table("text").create_index(["digest"], unique=True)
    db.table("record").create(
        {"source": int, "kind": str, "key": str, "at": float, "bytes": int, "crc": int, "text": int},
        pk=("source", "kind", "key"),
    )
    for source, kind, key, at, body in db.execute("select source, kind, key, at, body from old_record").fetchall():
        digest, size = checks.digest(body.encode()), len(body.encode()) + len(key.encode())
        crc = checks.of_record(source, kind.encode(), key.encode(), at, digest)
        db.execute("insert into text (digest, body) values (?, ?) on conflict do nothing", (digest, body))
        db.execute(
            "insert into record (source, kind, key, at, bytes, crc, text)"
            " select ?, ?, ?, ?, ?, ?, id from text where digest = ?",
            (source, kind, key, at, size, crc, digest),
        )
    db.execute("drop table old_record")


@state(name="m001_events")
def _m001_events(db: Database) -> None:
    """Moments and spans that every chart shows."""
    db.table("event").create({"id": int, "kind": str, "at": float, "until": float, "source": str, "text": str}, pk="id")
    db.table("event").create_index(["at"])


@state(name="m002_alerts")
def _m002_alerts(db: Database) -> None:
    """What is firing, what was told to whom, and what is kept quiet."""
    db.table("mind").create(
        {"key": str, "rule": str, "source": str, "labels": str, "phase": str, "at": float, "body": str}, pk="key"
    )
    db.table("incident").create(
        {
            "id": int,
            "key": str,
            "rule": str,
            "source": str,
            "labels": str,
            "severity": str,
            "began": float,
            "fired": float,
            "resolved": float,
            "lost": int,
            "flapping": int,
            "value": float,
            "ended_value": float,
            "bound": float,
            "reason": str,
            "evidence": str,
            "acked": float,
            "acked_by": str,
            "ack_note": str,
        },
        pk="id",
    )
    db.execute("create unique index idx_incident_open on incident (key) where resolved is null")
    db.table("incident").create_index(["fired"])
    db.table("incident").create_index(["resolved"])
    db.table("incident").create_index(["key", "fired"])
    db.table("alert").create(
        {
            "id": int,
            "incident": int,
            "key": str,
            "at": float,
            "old": str,
            "new": str,
            "lost": int,
            "value": float,
            "bound": float,
            "reason": str,
            "evidence": str,
            "by_wall": int,
        },
        pk="id",
    )
    db.table("alert").create_index(["incident"])
    db.table("alert").create_index(["at"])
    db.table("told").create(
        {"incident": int, "channel": str, "state": str, "at": float, "times": int, "delivery": str},
        pk=("incident", "channel"),
    )
    db.table("delivery").create(
        {
            "id": str,
            "channel": str,
            "kind": str,
            "incidents": str,
            "body": str,
            "made": float,
            "due": float,
            "tries": int,
            "state": str,
            "holder": str,
            "claimed": float,
            "error": str,
            "answer": str,
            "sent": float,
            "instead_of": str,
        },
        pk="id",
    )
    db.table("delivery").create_index(["state", "channel", "due"])
    db.table("delivery").create_index(["made"])
    db.table("silence").create(
        {
            "id": int,
            "rule": str,
            "source": str,
            "labels": str,
            "starts": float,
            "ends": float,
            "recurring": str,
            "zone": str,
            "reason": str,
            "author": str,
            "made": float,
            "ended": float,
            "everything": int,
        },
        pk="id",
    )
    db.table("audit").create({"id": int, "at": float, "who": str, "what": str, "detail": str}, pk="id")
    db.table("audit").create_index(["at"])


NEWEST = max(migration.name for migration in series.pending(Database(memory=True)))
"""The last change of the series file."""
