"""Fault 13: the k-th fdatasync or pwrite64 of the writer fails, by strace."""

import shutil
from pathlib import Path

from benchmarks.faults.checking import wrong
from benchmarks.faults.child import Child, writer
from benchmarks.faults.fault import NotHere, Outcome
from stack.native.debian import Debian, NotFetched
from storage.series import SeriesStore

TOOLS = Path(__file__).parents[2] / "var" / "tools"
COUNT = 80
CALLS = (("fdatasync", "EIO"), ("pwrite64", "ENOSPC"), ("pwrite64", "EIO"))


def system_calls(ground: Path, times: int) -> Outcome:
    """An append whose call failed is not acknowledged; the next are, and what was acknowledged is there."""
    outcome, strace, felt = Outcome(), _strace(), 0
    for i in range(times):
        call, error = CALLS[i % len(CALLS)]
        k, folder = 1 + i, ground / str(i)
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={k}"]
        if i >= len(CALLS):
            # Else every early call would be one of those that make the file.
            SeriesStore(folder).close()
        before = [strace, "-f", "-qq", "-o", "/dev/null", *inject]
        with writer(folder, "--sources", 1, "--count", COUNT, before=before) as child:
            child.until(lambda child=child: child.process.poll() is not None, 30)  # type: ignore[misc]
            child.wait()
        felt += bool(child.errors or child.process.returncode)
        outcome.count(_after(folder, child), f"{call} {k} {error}")
    outcome.note = f"{felt} of {times} felt by the writer"
    return outcome


def _after(folder: Path, child: Child) -> list[str]:
    """A process that failed while it opened the file said so; one that runs has to go on."""
    acked, said = len(child.acked), child.complaint()
    lines = [] if acked == COUNT or (said and not acked) else [f"{acked} of {COUNT} acknowledged: {said}"]
    if not acked:
        # Not even the tables need be there, until the next start makes them.
        SeriesStore(folder).close()
    return [*lines, *wrong(folder, child.acked)]


def _strace() -> str:
    found = shutil.which("strace") or next((str(path) for path in TOOLS.glob("strace/usr/bin/strace")), None)
    if found is not None:
        return found
    try:
        Debian(TOOLS, lambda line: None).unpack(["strace"], TOOLS / "strace")
    except NotFetched as error:
        raise NotHere(f"there is no strace: {error}") from None
    return str(TOOLS / "strace/usr/bin/strace")
