"""A `trivet collect` of its own, watched from outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from metrics import watch
from metrics.model import Selector
from metrics.points import Points
from storage.reading import SeriesReader

ROOT = Path(__file__).resolve().parents[2]
FIRST_POLL = 60.0

Block = Mapping[str, Any]


class Collecting:
    """Runs from ``with`` to its end. ``quick``: see benchmarks/collecting/child.py."""

    def __init__(self, folder: Path, sources: Sequence[Block], *, quick: bool = False) -> None:
        folder.mkdir(parents=True)
        self.data = folder / "data"
        self._config = folder / "trivet.toml"
        self._config.write_text(written({"folder": str(self.data)}, sources))
        self._config.chmod(0o600)
        self._log = folder / "log"
        self._words = ["-m", "benchmarks.collecting.child", str(self._config), *(["--quick"] if quick else [])]
        self._popen: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                [sys.executable, *self._words], cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "TZ": "UTC"}
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._popen is not None:
            self._popen.terminate()
            self._popen.wait(30)

    @property
    def pid(self) -> int:
        if self._popen is None:
            raise RuntimeError("it does not run")
        return self._popen.pid

    def polls(self, start: float = 0.0, end: float | None = None) -> int:
        """How many polls of the fast tier are in its store, of all sources, from one time to another."""
        return sum(len(points.times) for points in self._raw(Selector(watch.UP.name), start, end))

    def series(self) -> int:
        """How many series its store has."""
        reader = SeriesReader(self.data)
        try:
            return reader.health().series
        finally:
            reader.close()

    def down(self) -> list[str]:
        """Sources whose newest poll failed."""
        return [p.source for p in self._raw(Selector(watch.UP.name)) if p.values[-1] != 1]

    def lags(self, start: float, without: str) -> list[float]:
        """Seconds that each poll since ``start`` began late, but for sources that are called so."""
        found = self._raw(Selector(watch.POLL_LAG.name), start)
        return [float(v) for p in found if not p.source.startswith(without) for v in p.values]

    def missed(self) -> float:
        """Polls that did not happen."""
        return sum(float(p.values[-1]) for p in self._raw(Selector(watch.POLLS_MISSED.name)))

    def wait(self, polls: int, sources: int = 1) -> None:
        """Until each source was polled so often, on average."""
        end = time.monotonic() + FIRST_POLL + 30 * polls
        while self.polls() < polls * sources:
            if self._popen is None or self._popen.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the collector does not collect:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.2)

    def said(self) -> str:
        """Its log."""
        return self._log.read_text()

    def _raw(self, selector: Selector, start: float = 0.0, end: float | None = None) -> Sequence[Points]:
        if not (self.data / "series.db").exists():
            return ()
        reader = SeriesReader(self.data)
        try:
            return reader.raw(selector, start, time.time() + 1 if end is None else end)
        finally:
            reader.close()


def written(store: Block, sources: Sequence[Block]) -> str:
    """A config file: strings as JSON writes them are TOML's."""
    lines = ["[store]", *(f"{name} = {json.dumps(value)}" for name, value in store.items())]
    for source in sources:
        lines += ["", "[[source]]", *(f"{name} = {json.dumps(value)}" for name, value in source.items())]
    return "\n".join(lines) + "\n"
