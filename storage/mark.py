"""A number beside the file that says how far it was written: a WAL that somebody deleted is noticed.

SQLite opens a database whose WAL is gone without a word, and without the commits that were in it.
"""

import os
import struct
from pathlib import Path

_LAYOUT = struct.Struct("<Q")


class HighWater:
    """Kept current without waiting for the disk: it is for deleted files, not for power cuts."""

    def __init__(self, path: Path) -> None:
        """Beside ``path``, with .mark at the end."""
        self._file = os.open(path.with_suffix(f"{path.suffix}.mark"), os.O_RDWR | os.O_CREAT, 0o600)
        kept = os.pread(self._file, _LAYOUT.size, 0)
        self.number: int = _LAYOUT.unpack(kept)[0] if len(kept) == _LAYOUT.size else 0

    def set(self, number: int) -> None:
        """The last number that was acknowledged."""
        self.number = number
        os.pwrite(self._file, _LAYOUT.pack(number), 0)

    def lost(self, found: int) -> int:
        """How many numbers were acknowledged and are not in the file."""
        return max(0, self.number - found)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
