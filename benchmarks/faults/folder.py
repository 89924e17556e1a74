"""Fault 6: a data folder that is read-only, somebody else's, or none."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.faults.checking import Found, shown, wrong
from benchmarks.faults.child import Acked
from benchmarks.faults.collecting import argv, config
from benchmarks.faults.fault import NotHere, Outcome
from benchmarks.faults.ground import apart, mount, unmount
from benchmarks.faults.polls import poll
from storage.series import SeriesStore

NOWHERE = "http://127.0.0.1:9/metrics"
POLLS = 50


def unwritable(ground: Path, times: int) -> Outcome:
    """Five ways at the start: one line that names the path, no traceback; then one under a live writer."""
    outcome = apart("folder:at_start", ground, times)
    live = apart("disk:read_only_inside", ground, times)
    return Outcome(outcome.of + live.of, outcome.survived + live.survived, outcome.details + live.details)


def at_start(ground: Path, times: int) -> Outcome:
    """In a mount namespace."""
    outcome = Outcome()
    for i in range(times):
        for name, lines in _ways(ground / str(i)):
            outcome.count(lines, name)
    return outcome


def _ways(ground: Path) -> Iterator[tuple[str, list[str]]]:
    for name, mode in (("an empty folder without write permission", 0o500), ("no permission at all", 0o000)):
        path, data = config(ground / oct(mode), [NOWHERE]), ground / oct(mode) / "data"
        data.mkdir()
        data.chmod(mode)
        yield name, _refused(path, data, _humble())
        data.chmod(0o700)
    path, data = config(ground / "file", [NOWHERE]), ground / "file" / "data"
    data.write_text("")
    yield "a file in its place", _refused(path, data)
    path, data = config(ground / "foreign", [NOWHERE]), ground / "foreign" / "data"
    acked = _made(data)
    for part in data.iterdir():
        part.chmod(0o400)
    yield "files of somebody else", [*_refused(path, data, _humble()), *_history(data, acked)]
    yield "a read-only file system", _read_only(ground / "mounted")


def _read_only(ground: Path) -> list[str]:
    """History is there all the same."""
    path, data = config(ground, [NOWHERE]), ground / "data"
    data.mkdir()
    mount("-t", "tmpfs", "-o", "size=16m", "none", str(data))
    try:
        acked = _made(data)
        mount("-o", "remount,ro", str(data))
        lines = [*_refused(path, data), *_history(data, acked)]
        mount("-o", "remount,rw", str(data))
        return [*lines, *wrong(data, acked)]
    finally:
        unmount(data)


def _made(data: Path) -> Acked:
    with closing(SeriesStore(data)) as store:
        store.append_many([poll(number) for number in range(POLLS)])
    return {(0, number) for number in range(POLLS)}


def _history(data: Path, acked: Acked) -> list[str]:
    found: Found = {}
    try:
        lines = list(shown(data, found))
    except sqlite3.Error as error:
        return [f"its history cannot be read: {error}"]
    there = {(source, int(number)) for source, numbers in found.items() for number in numbers}
    return lines + (["its history cannot be read"] if acked - there else [])


def _refused(path: Path, data: Path, before: Sequence[str] = ()) -> list[str]:
    """Whether it ends soon, with a code and one line that names the folder."""
    done = subprocess.run([*before, *argv(path)], capture_output=True, text=True, timeout=30, check=False)
    said = done.stderr.strip().splitlines()
    lines = [] if done.returncode in (1, 2) else [f"exit code {done.returncode}"]
    lines += [] if len(said) == 1 and str(data) in said[0] else [f"it says: {said[-1:]}, {len(said)} lines"]
    return lines


def _humble() -> list[str]:
    """Root without its power over permissions."""
    if os.geteuid():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NotHere("there is no setpriv, and root may write everywhere")
    without = "-dac_override,-dac_read_search"
    return [setpriv, "--inh-caps", without, "--bounding-set", without]
