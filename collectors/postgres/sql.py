"""The statements in queries/: one question a file; of several versions the highest that the server reaches."""

import re
from functools import cache
from importlib import resources

MARK = "/* trivet */"
"""Tells our own statements in pg_stat_statements, pg_stat_activity and logs: behind their first word, because
PostgreSQL 18 drops what stands before it."""


@cache
def versions() -> dict[str, list[tuple[int, str]]]:
    """By name, the least version and the text of each."""
    found: dict[str, list[tuple[int, str]]] = {}
    for file in resources.files(__package__).joinpath("queries").iterdir():
        if match := re.fullmatch(r"(\w+?)(?:\.(\d+))?\.sql", file.name):
            body = "\n".join(line for line in file.read_text("utf-8").splitlines() if not line.startswith("--"))
            found.setdefault(match[1], []).append((int(match[2] or 0), re.sub(r"^\s*(\w+)", rf"\1 {MARK}", body)))
    return {name: sorted(versions) for name, versions in found.items()}


def statement(name: str, major: int) -> str:
    """The text of a statement for a server of this version.

    >>> "pg_stat_checkpointer" in statement("checkpoints", 16), "pg_stat_checkpointer" in statement("checkpoints", 18)
    (False, True)
    """
    return [text for least, text in versions()[name] if least <= major][-1]
