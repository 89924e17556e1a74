"""LATENCY HISTOGRAM made into cumulative buckets that have the same edges for every command and at every time.

Redis leaves out the buckets that add nothing, so an edge comes up when it is first needed. A series that begins then
has no earlier sample, and the slowest calls, those of interest, would be lost: so all edges are always there.
"""

from collections.abc import Mapping, Sequence
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
MOST_KEPT = 1000
Row = Mapping[str, Any]


class Buckets:
    """Remembers what was made of each command: one that was not called since costs nothing."""

    def __init__(self, name: str) -> None:
        """``name`` is that of the metric."""
        self._name = name
        self._rows: dict[str, tuple[Any, Row]] = {}
        self._samples: dict[str, tuple[Row, list[Sample]]] = {}

    def rows(self, answer: Sequence[Any], usec: Mapping[str, float]) -> list[Row]:
        """One row for each command: its calls, calls at or under each edge, and the sum of their durations if known.

        >>> Buckets("x_seconds").rows(["get", ["calls", 3, "histogram_usec", [2, 1, 8, 3]]], {})[0]["le_4"]
        1
        """
        kept = {}
        for name, told in zip(answer[::2], answer[1::2], strict=False):
            known = self._rows.get(name)
            sum_ = usec.get(str(name))
            same = known is not None and known[0] == told and known[1]["usec"] == sum_
            kept[str(name)] = known if known is not None and same else (told, _row(str(name), told, sum_))
        self._rows = kept
        return [row for _, row in kept.values()]

    def samples(self, row: Row) -> list[Sample]:
        """The series of one command."""
        cmd = str(row["cmd"])
        known = self._samples.get(cmd)
        if known is not None and known[0] is row:
            return known[1]
        if len(self._samples) > MOST_KEPT:
            self._samples.clear()
        found = _samples(row, self._name)
        self._samples[cmd] = (row, found)
        return found


def _row(name: str, told: Sequence[Any], usec: float | None) -> Row:
    values = dict(zip(told[::2], told[1::2], strict=False))
    buckets = dict(zip(values["histogram_usec"][::2], values["histogram_usec"][1::2], strict=False))
    row: dict[str, Any] = {"cmd": name, "calls": int(values["calls"]), "usec": usec}
    below = 0
    for number, column in zip(EDGES, COLUMNS, strict=True):
        below = row[column] = int(buckets.get(number, below))
    return row


def _samples(row: Row, name: str) -> list[Sample]:
    cmd, calls = ("cmd", str(row["cmd"])), float(row["calls"])
    bucket = f"{name}_bucket"
    found = [Sample(bucket, (cmd, ("le", le)), float(row[column])) for le, column in zip(LE, COLUMNS, strict=True)]
    found.append(Sample(bucket, (cmd, ("le", "+Inf")), calls))
    found.append(Sample(f"{name}_count", (cmd,), calls))
    if row["usec"] is not None:
        found.append(Sample(f"{name}_sum", (cmd,), row["usec"] / 1e6))
    return found
