"""What every store under test can be asked, in the same words. Answers are by source and item."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.generator import Column, Data
from metrics.model import Selector
from storage.store import Fold

Key = tuple[str, str]
Table = NDArray[np.float64]
FOLDS = (Fold.MIN, Fold.MAX, Fold.AVG)

TRIVET, VICTORIA, PROMETHEUS = "trivet", "victoriametrics", "prometheus"
NAMES = (TRIVET, VICTORIA, PROMETHEUS)


@dataclass(frozen=True)
class Grid:
    """n points from t0 on; the value at t is of (t − step, t]."""

    t0: float
    step: float
    n: int

    @property
    def end(self) -> float:
        return self.t0 + (self.n - 1) * self.step


class Reading(Protocol):
    """The questions that are timed."""

    name: str

    def raw(self, selector: Selector, start: float, end: float) -> dict[Key, tuple[Column, Column]]:
        """Times and values as they were stored, times in seconds."""
        ...

    def window(self, selector: Selector, grid: Grid) -> dict[Key, Table]:
        """A row for each of FOLDS."""
        ...

    def rate(self, selector: Selector, grid: Grid) -> dict[Key, Column]:
        """Per second, over each step."""
        ...

    def latest(self, at: float) -> dict[Key, float]:
        """The newest value of every series."""
        ...


class Engine(Reading, Protocol):
    """A store under test."""

    version: str

    def load(self, data: Data, start: int, end: int) -> None:
        """Takes the scrapes with these indices and has them in their final form when it returns."""
        ...

    def live(self, data: Data, start: int, end: int) -> Sequence[float]:
        """Takes one scrape of all sources after the other, each acknowledged; seconds of each."""
        ...

    def size(self) -> int:
        """Bytes on disk."""
        ...

    def written(self) -> int:
        """Bytes that the process which stores has had written to the disk so far."""
        ...

    def close(self) -> None:
        """Lets go of everything."""
        ...


def bytes_below(folder: Path) -> int:
    """The sizes of all files of a folder; what goes away meanwhile is not counted."""
    total = 0
    for above, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(above, name), follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return total


def bytes_written(pid: int | str) -> int:
    """What the kernel has booked to a process as written to disk: rewritten pages count each time."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))
