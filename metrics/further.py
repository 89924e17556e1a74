"""The last line of a list of changes that is too long: it stands for all that follow, and is counted as them."""

import re

_LINE = re.compile(r"\band (\d{1,9}) further changes$")


def further(count: int) -> str:
    """The line for so many changes."""
    return f"and {count} further changes"


def changes(text: str) -> int:
    """How many changes a text speaks of: one, unless it ends as such a line does.

    >>> changes(f"shop: {further(408)}"), changes("shop: table s.a altered")
    (408, 1)
    """
    found = _LINE.search(text)
    return int(found[1]) if found else 1
