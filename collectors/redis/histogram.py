"""LATENCY HISTOGRAM made into cumulative buckets that have the same edges for every command and at every time.

Redis leaves out the buckets that add nothing, so an edge comes up when it is first needed. A series that begins then
has no earlier sample, and the slowest calls, those of interest, would be lost: so all edges are always there.
"""

from collections.abc import Sequence
from typing import Any

from metrics.forms import edge
from metrics.model import Sample

EDGES = tuple((129 * 2 ** (3 + step) - 1) // 1000 for step in range(21))
"""Microseconds: highest values that Redis' histogram of two digits holds as one with 1,024 ns, 2,048 ns … 1.07 s.

>>> EDGES[:8]
(1, 2, 4, 8, 16, 33, 66, 132)
"""

LE = tuple(edge(number / 1e6) for number in EDGES)
COLUMNS = tuple(f"le_{number}" for number in EDGES)


def rows(answer: Sequence[Any]) -> list[dict[str, Any]]:
    """One row for each command: its calls, and calls at or under each edge.

    >>> rows(["get", ["calls", 3, "histogram_usec", [2, 1, 8, 3]]])[0]["le_4"]
    1
    """
    found = []
    for name, told in zip(answer[::2], answer[1::2], strict=False):
        values = dict(zip(told[::2], told[1::2], strict=False))
        buckets = dict(zip(values["histogram_usec"][::2], values["histogram_usec"][1::2], strict=False))
        row: dict[str, Any] = {"cmd": str(name), "calls": int(values["calls"])}
        below = 0
        for number, column in zip(EDGES, COLUMNS, strict=True):
            below = row[column] = int(buckets.get(number, below))
        found.append(row)
    return found


def samples(row: dict[str, Any], name: str, seconds: float | None) -> list[Sample]:
    """The series of one command; ``seconds`` is the sum of its durations where it is known."""
    cmd = ("cmd", str(row["cmd"]))
    found = [
        Sample(f"{name}_bucket", (cmd, ("le", le)), float(row[column])) for le, column in zip(LE, COLUMNS, strict=True)
    ]
    found.append(Sample(f"{name}_bucket", (cmd, ("le", "+Inf")), float(row["calls"])))
    found.append(Sample(f"{name}_count", (cmd,), float(row["calls"])))
    if seconds is not None:
        found.append(Sample(f"{name}_sum", (cmd,), seconds))
    return found
