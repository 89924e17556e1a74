"""What a process has cost so far: processor time and memory, as the kernel counts them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Processor time of all threads that live, to the nanosecond; /proc/PID/stat only knows hundredths."""
    spent = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            spent += int(file.read_text().split()[0])
        except FileNotFoundError:
            continue
    return spent / 1e9


def resident_mb(pid: int) -> float:
    """Memory that is in use now."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(lines["VmRSS"].split()[0]) * 1024 / 1e6


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor time for each of so many polls or scrapes."""

    each_ms: float
    times: int


def cost(pid: int, count: Callable[[], int], work: Callable[[], None]) -> Cost:
    """What a process spends while ``work`` goes on, for each time that ``count`` rises."""
    times, spent = count(), cpu_seconds(pid)
    work()
    times, spent = count() - times, cpu_seconds(pid) - spent
    if times <= 0:
        raise RuntimeError("nothing happened while it was measured")
    return Cost(spent * 1000 / times, times)
