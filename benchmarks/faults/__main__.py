"""Cause faults and say what was survived: `python -m benchmarks.faults [--full] [--record] [NUMBER …]`.

One line for each fault, `NAME: N/N survived`. Exit code 1 when one was not survived each time.
"""

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faults.catalog import FAULTS
from benchmarks.faults.fault import Fault, NotHere, Outcome
from benchmarks.machine import described

RESULTS = Path(__file__).parents[1] / "faults.md"
ROOM = Path(__file__).parents[2] / "var" / "faults"


def run(fault: Fault, times: int) -> tuple[bool, list[str]]:
    """Whether it was survived (or cannot be had), and the lines that say so."""
    ROOM.mkdir(parents=True, exist_ok=True)
    ground = Path(tempfile.mkdtemp(dir=ROOM, prefix=f"{fault.number}-"))
    begun = time.monotonic()
    try:
        outcome = fault.cause(ground, times)
    except NotHere as lacking:
        return True, [f"{fault.name}: not run: {lacking}"]
    except Exception:  # noqa: BLE001 - a mistake in one fault must not hide the others
        outcome = Outcome(of=times, details=traceback.format_exc().splitlines())
    finally:
        shutil.rmtree(ground, ignore_errors=True)
    line = f"{fault.name}: {outcome.survived}/{outcome.of} survived"
    aside = f"    {time.monotonic() - begun:.0f} s{outcome.note and ', '}{outcome.note}"
    return outcome.good, [line, *(f"    {detail}" for detail in outcome.details), aside]


def main(words: Sequence[str] | None = None) -> int:
    """Read the arguments, run, and perhaps record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, help="which faults; all of them when empty")
    parser.add_argument("--full", action="store_true", help="as often as is promised, and recorded")
    parser.add_argument("--record", action="store_true", help=f"append the results to {RESULTS.name}")
    parser.add_argument("--aside", action="store_true", help="also print how long each took, and what it counted")
    parser.add_argument("--times", type=int, help="how often each is caused")
    given = parser.parse_args(words)
    chosen = [fault for fault in FAULTS if not given.numbers or fault.number in given.numbers]
    lines, good = [], bool(chosen)
    for fault in chosen:
        survived, said = run(fault, given.times or (fault.full if given.full else fault.gate))
        print(*said[: None if given.aside or not survived else 1], sep="\n", flush=True)
        lines += said
        good = good and survived
    if given.full or given.record:
        record(lines)
    return 0 if good else 1


def record(lines: Sequence[str]) -> None:
    """Append to the results, with date and machine."""
    ROOM.mkdir(parents=True, exist_ok=True)
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(f"\n## {when}\n{described(ROOM)}\n\n```\n" + "\n".join(lines) + "\n```\n")


if __name__ == "__main__":
    sys.exit(main())
