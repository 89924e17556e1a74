"""What a set of processes costs in CPU, read from /proc."""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, its reaped children's included; 0 when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # The name in parentheses may hold anything, also spaces.
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / _TICKS


class Cost:
    """CPU of groups of processes between two looks."""

    def __init__(self) -> None:
        """Nothing is known before the second look."""
        self._before: dict[int, float] = {}
        self._at = time.monotonic()

    def look(self, groups: Mapping[str, Iterable[int]]) -> dict[str, float]:
        """Share of one core that each group took since the last look; processes that were not there then count 0."""
        now = time.monotonic()
        elapsed = max(now - self._at, 1e-9)
        seen = {name: {pid: cpu_seconds(pid) for pid in pids} for name, pids in groups.items()}
        shares = {
            name: sum(max(0.0, used - self._before[pid]) for pid, used in pids.items() if pid in self._before) / elapsed
            for name, pids in seen.items()
        }
        self._before = {pid: used for pids in seen.values() for pid, used in pids.items()}
        self._at = now
        return shares


def sentence(shares: Mapping[str, float]) -> str:
    """What the banner says.

    >>> sentence({"postgres": 0.11, "traffic": 0.032})
    'It takes 14 % of one core now: postgres 11 %, traffic 3 %.'
    """
    parts = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())
    return f"It takes {100 * sum(shares.values()):.0f} % of one core now: {parts}."
