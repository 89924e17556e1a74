"""What was found to be odd about a source, with the line that mends it: said once, and kept while it is so."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

FINDINGS = "findings"
"""Kind of the records that hold them: a key for each tier, a JSON list as body."""

ANY = "*"
"""As a metric: all of the source's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One of them.

    key        short, and the same while it is the same
    text       a sentence
    hint       the setting, statement or command that mends it
    metric     the metric whose values are unknown because of it, where there is one
    statement  the reading that it came with: while that is not asked or fails, the finding stays
    since      seconds of the epoch
    """

    key: str
    text: str
    hint: str = ""
    metric: str = ""
    statement: str = ""
    since: float = 0.0


def packed(findings: Sequence[Finding]) -> str:
    """As the body of a record; empty for none.

    >>> unpacked(packed([Finding(key="k", text="Odd.")]))[0].text, unpacked("no JSON"), packed([])
    ('Odd.', [], '')
    """
    return json.dumps([asdict(each) for each in findings], ensure_ascii=False) if findings else ""


def unpacked(body: str) -> list[Finding]:
    """What a record holds; what cannot be read is passed over."""
    try:
        return [Finding(**each) for each in json.loads(body or "[]")]
    except (TypeError, ValueError):
        return []
