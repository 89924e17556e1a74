"""Fault 3: the image of a file system, copied in mid-write: what a disk holds when the power fails."""

import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.faults.checking import wrong
from benchmarks.faults.child import Acked, writer
from benchmarks.faults.fault import NotHere, Outcome
from benchmarks.faults.ground import apart, mount, unmount

SIZE = 48 << 20


def power_cut(ground: Path, times: int) -> Outcome:
    """In a mount namespace."""
    return apart("powercut:inside", ground, times)


def inside(ground: Path, times: int) -> Outcome:
    """One writer to one image, stopped for each copy."""
    outcome, chance = Outcome(), random.Random(3)  # noqa: S311
    image, live = ground / "image", ground / "live"
    _make(image)
    live.mkdir()
    mount("-o", "loop", str(image), str(live))
    try:
        with writer(live / "data", "--compact", 0.2, "--every", 0.002) as child:
            child.acks(10)
            for i in range(times):
                time.sleep(chance.uniform(0.05, 0.4))
                child.process.send_signal(signal.SIGSTOP)
                time.sleep(0.1)
                shutil.copyfile(image, ground / "copy")
                # Acknowledged before the copy was begun, as the writer stood still.
                acked = set(child.acked)
                child.process.send_signal(signal.SIGCONT)
                outcome.count(_restored(ground, acked), f"cut {i}")
            outcome.note = f"{len(child.acked)} acknowledged"
    finally:
        unmount(live)
    return outcome


def _restored(ground: Path, acked: Acked) -> list[str]:
    place = ground / "restored"
    place.mkdir(exist_ok=True)
    mount("-o", "loop", str(ground / "copy"), str(place))
    try:
        return wrong(place / "data", acked)
    finally:
        unmount(place)


def _make(image: Path) -> None:
    with image.open("wb") as file:
        file.truncate(SIZE)
    maker = shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin")
    if maker is None:
        raise NotHere("there is no mkfs.ext4")
    subprocess.run([maker, "-q", str(image)], check=True, capture_output=True)
