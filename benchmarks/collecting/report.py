"""What was measured, as a table for people and as figures for a program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.collecting.capacity import Load
from benchmarks.collecting.costs import Pair

BAR = 1 / 5
CORE_BAR = 0.15
LAG_BAR = 250.0
COVERAGE_BAR = 0.95
HEAD = ("what", "bar", "Trivet", "exporters", "ours ÷ theirs", "verdict")


@dataclass
class Found:
    """Everything of one run; what was not measured is not there."""

    pairs: list[Pair] = field(default_factory=list)
    crowd: Load | None = None
    hung: Load | None = None
    memory: dict[str, Mapping[str, float]] = field(default_factory=dict)
    coverage: Mapping[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def rows(self) -> list[tuple[str, ...]]:
        """The table's lines."""
        return [
            *map(_pair, self.pairs),
            *map(_weight, self.memory.items()),
            *self._loads(),
            *map(_coverage, self.coverage.items()),
        ]

    def as_json(self) -> dict[str, Any]:
        """What was not measured is null."""
        return {
            "cpu_ms": {
                pair.name: {"trivet": round(pair.trivet.each_ms, 3), "exporter": round(pair.exporter.each_ms, 3)}
                for pair in self.pairs
            },
            "capacity": {
                "sources": self.crowd and self.crowd.sources,
                "core": self.crowd and round(self.crowd.core, 4),
                "ms_per_poll": self.crowd and round(self.crowd.poll_ms, 3),
                "polls_done": self.crowd and round(self.crowd.done, 4),
                "lag_p99_ms": self.crowd and round(self.crowd.lag_p99, 2),
                "lag_p99_ms_with_a_tenth_hung": self.hung and round(self.hung.lag_p99, 2),
                "memory_mb": dict(self.memory),
            },
            "exporter_coverage": dict(self.coverage),
        }

    def _loads(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        if self.crowd is not None:
            load = self.crowd
            what = f"{load.sources:,} sources at 10 s ({load.series:,} series), share of one core, storing included"
            told = f"{load.core:.1%} ({load.poll_ms:.2f} ms a poll)"
            rows.append((what, f"≤ {CORE_BAR:.0%}", told, "", "", _within(load.core, CORE_BAR)))
            told = f"{load.done:.1%}, lag p99 {load.lag_p99:.1f} ms, {load.resident_mb:.0f} MB"
            rows.append(("the same: polls done of those due", "", told, "", "", ""))
        if self.hung is not None:
            what = f"lag p99 of the healthy of {self.hung.sources} sources, a tenth hung, ms"
            rows.append(
                (what, f"< {LAG_BAR:g}", f"{self.hung.lag_p99:.1f}", "", "", _within(self.hung.lag_p99, LAG_BAR))
            )
        return rows


def _pair(pair: Pair) -> tuple[str, ...]:
    what = f"{pair.what}, CPU ms (series)"
    ours, theirs = (
        f"{each.each_ms:.2f} ({count:,})" for each, count in zip((pair.trivet, pair.exporter), pair.series, strict=True)
    )
    return what, "≤ 1/5", ours, theirs, f"{pair.ratio:.2f}×", _within(pair.ratio, BAR)


def _weight(item: tuple[str, Mapping[str, float]]) -> tuple[str, ...]:
    what, memory = item
    ours, theirs = memory["trivet"], sum(mb for name, mb in memory.items() if name != "trivet")
    parts = ", ".join(f"{name} {mb:.0f}" for name, mb in memory.items() if name != "trivet")
    verdict = "ahead" if ours < theirs else "behind the exporters"
    return (
        f"memory of one collect process, MB: PgBouncer, Redis and {what}",
        "",
        f"{ours:.0f}",
        f"{theirs:.0f} ({parts})",
        f"{ours / theirs:.2f}×",
        verdict,
    )


def _coverage(item: tuple[str, float]) -> tuple[str, ...]:
    name, share = item
    return (
        f"{name}_exporter's default series under /metrics/{name}",
        "≥ 95 %",
        f"{share:.1%}",
        "",
        "",
        "reached" if share >= COVERAGE_BAR else "missed",
    )


def _within(value: float, bar: float) -> str:
    return "reached" if value <= bar else "missed"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """For the file of results and for a terminal."""
    lines = [HEAD, ("---",) * len(HEAD), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
