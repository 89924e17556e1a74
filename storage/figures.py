"""What there is and what it costs, for `trivet store stats`."""

from contextlib import closing
from pathlib import Path

from storage import files, records, wal
from storage.plan import HOUR, RAW, TEN_MINUTES

NAMES = {RAW: "raw", TEN_MINUTES: "10 min", HOUR: "1 h"}
WIDTHS = (12, 9, 14, 14, 13)
Row = list[tuple[str, int]]


def figures(path: Path) -> list[Row]:
    """Rows of a table: cells and their widths; the first row names the columns."""
    with closing(files.connect(path, write=False)) as db:
        db.execute("begin")
        counts = [
            db.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608
            for table in ("source", "series", "record", "quarantine")
        ]
        hot = db.execute("select count(*), sum(length(data)) / 8, sum(length(data)) from hot").fetchone()
        segments = db.execute(
            "select res, count(*), sum(samples), sum(length(data)) from segment group by res order by res"
        ).fetchall()
        dropped = records.dropped(db)
    whole = files.size(path)
    rows = [("", "pieces", "samples", "bytes", "bytes/sample")]
    rows.append(_row("hot", *hot))
    rows += [_row(NAMES.get(res, f"{res} s"), *rest) for res, *rest in segments]
    samples = (hot[1] or 0) + sum(row[2] for row in segments if row[0] == RAW)
    rows.append(_row("file", 1, samples, whole))
    named = ("sources", "series", "records", "quarantined")
    rows += [(name, f"{count:,}", "", "", "") for name, count in zip(named, counts, strict=True)]
    rows += [(f"dropped of {source}", f"{count:,}", "", "", "") for source, count in dropped]
    rows.append(("WAL", "", "", f"{wal.size(path):,}", ""))
    return [list(zip(row, WIDTHS, strict=True)) for row in rows]


def _row(name: str, pieces: int, samples: int | None, size: int | None) -> tuple[str, str, str, str, str]:
    each = f"{size / samples:.2f}" if size and samples else "–"
    return name, f"{pieces:,}", f"{samples or 0:,}", f"{size or 0:,}", each
