"""What a fault is, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MOST_DETAILS = 5


class NotHere(Exception):
    """This machine lacks what the fault needs; the message says what."""


@dataclass(slots=True)
class Outcome:
    """How many times a fault was caused and survived, and what went wrong otherwise."""

    of: int = 0
    survived: int = 0
    details: list[str] = field(default_factory=list)
    note: str = ""

    def count(self, wrong: Sequence[str], what: str = "") -> None:
        """One more time; nothing wrong means that it was survived."""
        self.of += 1
        self.survived += not wrong
        self.details += [f"{what}: {line}" if what else line for line in wrong[:MOST_DETAILS]]

    @property
    def good(self) -> bool:
        """Whether it was survived every time, and at least once."""
        return self.of > 0 and self.survived == self.of


Cause = Callable[[Path, int], Outcome]
"""Given an empty folder and how many times."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of misfortune, with how often it is caused in the gate, and in full."""

    number: int
    name: str
    cause: Cause
    gate: int
    full: int
