"""What keeps the collector from writing, told to the processes that read, also when nothing more can be written.

The file is made when there is room for it and overwritten in place, through a descriptor that stays open: a full disk
and a used-up number of files do not keep it from being told. What it says is current for a few seconds only, so that
the word of a collector that was killed does not stay.
"""

import json
import os
import time
from pathlib import Path

NAME = "collector.trouble"
SIZE = 4096
CURRENT = 15.0


class TroubleFile:
    """The collector's half."""

    def __init__(self, folder: Path) -> None:
        """Makes the file, saying nothing."""
        self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o644)
        self.tell("")

    def tell(self, text: str) -> None:
        """Say it, or that all is well when it is empty; what cannot be said now is said the next time."""
        body = json.dumps({"at": time.time(), "text": text[:600]}).encode() if text else b""
        try:
            os.pwrite(self._file, body.ljust(SIZE, b" "), 0)
        except OSError:
            return

    def close(self) -> None:
        """All is well, and nobody is here any more."""
        self.tell("")
        os.close(self._file)


def told(folder: Path, now: float | None = None) -> str:
    """What the collector says; empty when all is well or when it does not say anything any more."""
    try:
        body = (folder / NAME).read_bytes().strip()
        kept = json.loads(body) if body else {}
    except (OSError, ValueError):
        body, kept = b"", {}
    try:
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
    except OSError:
        return ""
    if read_only:
        return f"The collector cannot write: {folder} is on a read-only file system. History can be read."
    current = abs((time.time() if now is None else now) - float(kept.get("at", 0.0))) < CURRENT
    return str(kept.get("text", "")) if current else ""
