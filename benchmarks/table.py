"""Figures as a table: the bar, each store's figure, and how ours stands to each peer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.engines import NAMES, PROMETHEUS, TRIVET, VICTORIA

QUERIES = ("1x1h", "12x24h", "rate24h", "latest", "10x7d")
HEAD = ("what", "bar", "Trivet", "VictoriaMetrics", "ours ÷ VM", "Prometheus", "ours ÷ Prom", "verdict")


@dataclass(frozen=True)
class Figure:
    """A number, and beside it what the row names: a high quantile, mostly."""

    value: float
    high: float | None = None

    def __str__(self) -> str:
        return _short(self.value) if self.high is None else f"{_short(self.value)} ({_short(self.high)})"


@dataclass(frozen=True)
class Row:
    """`bar` is the most that ours may be, `to_vm` the most as a share of VictoriaMetrics' figure.

    Bars are for a certain amount of data: `judged` says whether this was as much.
    """

    what: str
    figures: Mapping[str, Figure]
    bar: float | None = None
    to_vm: float | None = None
    judged: bool = True

    def ratio(self, peer: str) -> float | None:
        if TRIVET not in self.figures or peer not in self.figures or not self.figures[peer].value:
            return None
        return self.figures[TRIVET].value / self.figures[peer].value

    def verdict(self) -> str:
        """Whether the bars are reached, and which peers are ahead.

        >>> Row("x", {"trivet": Figure(2), "prometheus": Figure(1)}, bar=1.5).verdict()
        'missed; behind Prometheus'
        """
        words = []
        ours = self.figures.get(TRIVET)
        to_vm = self.ratio(VICTORIA)
        if ours is not None and self.bar is not None and self.judged:
            within = ours.value <= self.bar and (self.to_vm is None or to_vm is None or to_vm <= self.to_vm)
            words.append("reached" if within else "missed")
            if within and self.to_vm is not None and to_vm is None:
                words.append("not set beside VictoriaMetrics")
        for peer, name in ((VICTORIA, "VictoriaMetrics"), (PROMETHEUS, "Prometheus")):
            ratio = self.ratio(peer)
            if ratio is not None and ratio > 1:
                words.append(f"behind {name}")
        return "; ".join(words)

    def cells(self) -> tuple[str, ...]:
        bar = "" if self.bar is None else f"≤ {self.bar:g}" + (f", ≤ {self.to_vm:g}× VM" if self.to_vm else "")
        shown = {name: str(self.figures.get(name, "")) for name in NAMES}
        to_vm, to_prometheus = (_times(self.ratio(peer)) for peer in (VICTORIA, PROMETHEUS))
        vm, prometheus = shown[VICTORIA], shown[PROMETHEUS]
        return self.what, bar, shown[TRIVET], vm, to_vm, prometheus, to_prometheus, self.verdict()


@dataclass
class Results:
    """Rows in the order in which they were measured, remarks, and the figures that go into the JSON."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)
    sizes: dict[str, float] = field(default_factory=dict)
    append: dict[str, float] = field(default_factory=dict)
    queries: dict[str, dict[str, float]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What was not measured is null."""
        return {
            "bytes_per_sample": {
                name: _kept(self.sizes.get(name)) for name in ("trivet_2h", "trivet_24h", VICTORIA, PROMETHEUS)
            },
            "append_ms": {name: _kept(self.append.get(name)) for name in NAMES},
            "query_ms": {
                query: {name: _kept(self.queries.get(query, {}).get(name)) for name in NAMES} for query in QUERIES
            },
        }


def aligned(rows: Sequence[Row]) -> str:
    """For a terminal."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def markdown(rows: Sequence[Row]) -> str:
    """For the file of results."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _kept(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}×"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
