"""Faults 5, 14, 15 and 16: limits of the process, set from outside while it writes and lifted again."""

import resource
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.checking import wrong
from benchmarks.faults.child import Child, writer
from benchmarks.faults.fault import Outcome

NONE = resource.RLIM_INFINITY
MEGABYTE = 1 << 20
Limit = Callable[[Child], int]


def _caused(ground: Path, times: int, kind: int, limit: Limit, *words: object) -> Outcome:
    """Set a limit until an append fails, lift it, and see the same process go on."""
    outcome = Outcome()
    for i in range(times):
        folder = ground / str(i)
        with writer(folder, *words) as child:
            child.acks(20)
            _set(child, kind, limit(child))
            failed = child.until(lambda child=child: child.errors, 20)  # type: ignore[misc]
            lines = [] if failed else ["the limit was not felt"]
            _set(child, kind, NONE)
            lines += _goes_on(child)
            lines += child.stop()
            outcome.count([*lines, *wrong(folder, child.acked)], f"time {i}: {child.errors[:1]}")
    return outcome


def file_size(ground: Path, times: int) -> Outcome:
    """RLIMIT_FSIZE: writes behind a file's limit fail, and the signal is ignored as Python does."""
    return _caused(ground, times, resource.RLIMIT_FSIZE, lambda child: 400 << 10, "--every", 0.001)


def memory(ground: Path, times: int) -> Outcome:
    """RLIMIT_AS: first with room for a day of 2,000 series, then with none at all."""
    outcome = Outcome()
    for i in range(times):
        folder, series = ground / str(i), 2000
        with writer(folder, "--series", series, "--sources", 1, "--compact", 0.5) as child:
            child.acks(5)
            _set(child, resource.RLIMIT_AS, _size(child) + 256 * MEGABYTE)
            lines = [] if child.acks(300, 60) else ["nothing is acknowledged with 256 MiB to spare"]
            lines += child.errors[:1]
            _set(child, resource.RLIMIT_AS, _size(child))
            time.sleep(1)
            _set(child, resource.RLIMIT_AS, NONE)
            lines += _goes_on(child)
            lines += child.stop()
            outcome.count([*lines, *wrong(folder, child.acked, series)], f"time {i}")
    return outcome


def descriptors(ground: Path, times: int) -> Outcome:
    """RLIMIT_NOFILE: the writer's own connection goes on; after the limit new ones can be made."""
    outcome = Outcome()
    for i in range(times):
        folder = ground / str(i)
        with writer(folder, "--compact", 0.1) as child:
            child.acks(20)
            _set(child, resource.RLIMIT_NOFILE, len(list(Path(f"/proc/{child.pid}/fd").iterdir())))
            lines = [] if child.acks(200) else ["nothing is acknowledged at the limit"]
            lines += child.errors[:1]
            _set(child, resource.RLIMIT_NOFILE, 1024)
            lines += _goes_on(child)
            lines += child.stop()
            outcome.count([*lines, *wrong(folder, child.acked)], f"time {i}")
    return outcome


def many_series(ground: Path, times: int) -> Outcome:
    """10,000 series in each poll of one source: whole or not at all, also when killed, with less than 512 MB."""
    outcome, series = Outcome(), 10_000
    for i in range(times):
        folder = ground / str(i)
        with writer(folder, "--series", series, "--sources", 1) as child:
            lines = [] if child.acks(30) else [f"30 polls took too long: {child.errors[:1]} {child.complaint()}"]
            peak = _peak(child)
            child.kill()
        lines += [f"{peak / MEGABYTE:.0f} MiB resident"] if peak > 512e6 else []
        outcome.count([*lines, *wrong(folder, child.acked, series)], f"time {i}")
        outcome.note = f"{peak / MEGABYTE:.0f} MiB resident at most"
    return outcome


def _goes_on(child: Child) -> list[str]:
    return [] if child.acks(20, 10) else [f"it does not go on: {child.errors[-1:]} {child.complaint()}"]


def _set(child: Child, kind: int, limit: int) -> None:
    _, hard = resource.prlimit(child.pid, kind)
    resource.prlimit(child.pid, kind, (limit if hard == NONE else min(hard, limit) if limit != NONE else hard, hard))


def _size(child: Child) -> int:
    return int(Path(f"/proc/{child.pid}/statm").read_text().split()[0]) * resource.getpagesize()


def _peak(child: Child) -> float:
    status = Path(f"/proc/{child.pid}/status").read_text()
    return next(float(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
