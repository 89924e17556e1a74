"""What a figure was measured on."""

import importlib.metadata
import os
import platform
import re
import sqlite3
import time
from pathlib import Path

import numpy as np

CYCLE = 20 << 10
FLUSHES = 50


def described(folder: Path) -> str:
    """One line on the machine, with how long its disk takes to promise something."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return (
        f"{_cpu()}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()},"
        f" fdatasync of 20 KiB {flush_ms(folder):.2f} ms (p50)"
    )


def versions(peers: dict[str, str]) -> str:
    """Of all that had a part in the figures."""
    ours = {
        "Trivet": _installed("trivet"),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "numpy": _installed("numpy"),
        "pcodec": _installed("pcodec"),
    }
    return ", ".join(f"{name} {version}" for name, version in {**ours, **peers}.items() if version)


def flush_ms(folder: Path) -> float:
    """Median milliseconds of writing and flushing 20 KiB at a file's end."""
    spent = []
    path = folder / "flush"
    with path.open("wb", buffering=0) as file:
        for _ in range(FLUSHES):
            begun = time.perf_counter()
            file.write(os.urandom(CYCLE))
            os.fdatasync(file.fileno())
            spent.append((time.perf_counter() - begun) * 1000)
    path.unlink()
    return float(np.median(spent))


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def _installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
