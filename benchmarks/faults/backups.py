"""Fault 9: a backup while two sources are written and compacted, restored elsewhere."""

import time
from pathlib import Path

from benchmarks.faults.checking import wrong
from benchmarks.faults.child import writer
from benchmarks.faults.fault import Outcome
from storage import backup


def under_load(ground: Path, times: int) -> Outcome:
    """What was acknowledged before the backup began is in it, whole; and it takes new polls."""
    outcome = Outcome()
    with writer(ground / "live", "--compact", 0.1, "--every", 0.001) as child:
        child.acks(50)
        for i in range(times):
            time.sleep(0.2)
            acked = set(child.acked)
            archive, folder = ground / f"{i}.backup", ground / str(i)
            backup.write(ground / "live", archive, lambda line: None)
            backup.restore(folder, archive, lambda line: None)
            outcome.count(wrong(folder, acked), f"backup {i}")
        lines = child.stop()
    lines += child.errors[:1]
    lines += wrong(ground / "live", child.acked)
    if lines:
        outcome.count(lines, "the writer")
    outcome.note = f"{len(child.acked)} acknowledged"
    return outcome
