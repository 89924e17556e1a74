"""Faults 4 and 6, the mounts: a file system that is full or read-only for a while."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.checking import Found, shown, wrong
from benchmarks.faults.child import Child, writer
from benchmarks.faults.fault import Outcome
from benchmarks.faults.ground import apart, mount, unmount

SIZE = "3m"
WITHIN = 5.0


def full(ground: Path, times: int) -> Outcome:
    """In a mount namespace."""
    return apart("disk:full_inside", ground, times)


def full_inside(ground: Path, times: int) -> Outcome:
    """A tmpfs of a few MB with a ballast that is deleted when the writer has met its end."""
    outcome = Outcome()
    for i in range(times):
        place = ground / str(i)
        place.mkdir()
        mount("-t", "tmpfs", "-o", f"size={SIZE}", "none", str(place))
        try:
            ballast = place / "ballast"
            ballast.write_bytes(bytes(1 << 20))
            outcome.count(_filled_and_freed(place / "data", ballast.unlink), f"time {i}")
        finally:
            unmount(place)
    return outcome


def _filled_and_freed(folder: Path, free: Callable[[], None]) -> list[str]:
    with writer(folder, "--sources", 1, "--series", 200) as child:
        lines = [] if child.until(lambda: child.errors) else ["the disk did not become full"]
        lines += readable(folder, child, 200)
        free()
        lines += recovers(child)
        lines += child.stop()
    return [*lines, *wrong(folder, child.acked, 200)]


def readable(folder: Path, child: Child, series: int) -> list[str]:
    """History is served while nothing can be written, and no number of it is wrong."""
    time.sleep(0.2)
    acked, found = set(child.acked), Found()
    # It stands still meanwhile: what is shown is asked for metric by metric.
    child.process.send_signal(signal.SIGSTOP)
    lines = list(shown(folder, found, series))
    child.process.send_signal(signal.SIGCONT)
    there = {(source, int(number)) for source, numbers in found.items() for number in numbers}
    return lines + ([f"not readable: {len(acked - there)} acknowledged polls"] if acked - there else [])


def recovers(child: Child) -> list[str]:
    """It writes again soon, by itself."""
    begun = time.monotonic()
    if child.acks(5, WITHIN):
        return []
    return [f"no acknowledgement {time.monotonic() - begun:.0f} s after: {child.errors[-1:]} {child.complaint()}"]


def read_only_inside(ground: Path, times: int) -> Outcome:
    """Remounted read-only under a live writer, and back again."""
    outcome = Outcome()
    for i in range(times):
        place = ground / f"remounted{i}"
        place.mkdir()
        mount("-t", "tmpfs", "-o", "size=16m", "none", str(place))
        try:
            outcome.count(_remounted(place), "remounted read-only while running")
        finally:
            unmount(place)
    return outcome


def _remounted(place: Path) -> list[str]:
    folder, image = place / "data", place
    with writer(folder, "--every", 0.01) as child:
        child.acks(20)
        # Files that are open for writing keep a file system writable; a bind mount over the path does not.
        mount("--bind", "-o", "ro", str(image), str(image))
        lines = readable(folder, child, 8)
        unmount(image)
        lines += recovers(child)
        lines += child.stop()
    return [*lines, *wrong(folder, child.acked)]
