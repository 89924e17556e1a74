"""How large the WAL may grow: beyond that somebody keeps SQLite from writing it back, and the disk fills."""

import sqlite3
from pathlib import Path

from storage import files

MOST = files.WAL_BYTES


def size(path: Path) -> int:
    """Bytes of the WAL of a file."""
    wal = path.with_name(f"{path.name}-wal")
    try:
        return wal.stat().st_size
    except OSError:
        return 0


def problem(path: Path) -> str:
    """What to do about a WAL that is too large; empty when it is not."""
    found = size(path)
    if found <= MOST:
        return ""
    large = f"{path.name}-wal is {found / 2**20:,.0f} MiB, over {MOST // 2**20} MiB"
    causes = "a reader holds an old state of the file (a backup, another program that has it open)"
    cure = "End that reader; the next compaction, or `trivet store compact`, then makes it small"
    return f"{large}: {causes}, or a compaction could not write it back. {cure}"


def write_back(db: sqlite3.Connection) -> None:
    """Into the main file, and the WAL made small, where no reader keeps it from that; polls wait meanwhile."""
    _, frames, done = db.execute("pragma wal_checkpoint(passive)").fetchone()
    if frames == done:
        # It waits for those who read what was just written.
        db.execute("pragma busy_timeout = 1000").fetchall()
        try:
            db.execute("pragma wal_checkpoint(truncate)").fetchall()
        finally:
            db.execute(f"pragma busy_timeout = {files.BUSY_MS}").fetchall()
