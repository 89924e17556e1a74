"""What is wrong with a file that was to be imported: where, and what was expected there."""

import re
from collections.abc import Sequence
from pathlib import Path

from storage.files import StoreError
from storage.importing.gathered import EARLIEST, LATEST

MOST = 20
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class BadLine(ValueError):
    """One line that is not what it should be."""

    def __init__(self, line: int, text: str) -> None:
        """Where, and what was expected."""
        super().__init__(text)
        self.line = line

    def told(self, path: Path) -> str:
        """As people and editors read it."""
        return f"{path}:{self.line}: {self}"


class ImportRefused(StoreError):
    """Nothing was imported, because of these."""

    def __init__(self, problems: Sequence[str]) -> None:
        """The first of them, and how many there are."""
        more = [f"… and {len(problems) - MOST} more"] if len(problems) > MOST else []
        super().__init__("\n".join([*problems[:MOST], *more, "Nothing was imported."]))


def metric(line: int, name: object) -> str:
    """A metric's name."""
    if not isinstance(name, str) or not _METRIC.fullmatch(name):
        raise BadLine(line, f"{str(name)[:80]!r} is no name of a metric: expected letters, digits, _ and :")
    return name


def milliseconds(line: int, at: float) -> int:
    """A time in seconds, as milliseconds."""
    try:
        found = round(at * 1000)
    except (ValueError, OverflowError):
        found = 0
    if not EARLIEST < found < LATEST:
        raise BadLine(line, f"{at} is no time: expected seconds of the epoch, such as 1760000000")
    return found
