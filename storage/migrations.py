"""Schema of the two files, one function per change, each in a transaction of its own."""

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
    # Covers the thinning of long ranges: times and turns are read without touching the values.
    db.table("poll").create_index(["source", "tier", "at", "turn"], unique=False, index_name="poll_time")
    db.table("record").create(
        {"source": int, "kind": str, "key": str, "at": float, "body": str}, pk=("source", "kind", "key")
    )


@state(name="m001_events")
def _m001_events(db: Database) -> None:
    """Moments and spans that every chart shows."""
    db.table("event").create({"id": int, "kind": str, "at": float, "until": float, "source": str, "text": str}, pk="id")
    db.table("event").create_index(["at"])
