"""Where faults are caused: a folder that goes away, or one in a mount namespace of its own."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks.faults.fault import NotHere, Outcome


def apart(function: str, ground: Path, times: int) -> Outcome:
    """Run ``module:function`` of this package where it may mount things without anybody seeing them."""
    unshare = shutil.which("unshare")
    if unshare is None:
        raise NotHere("there is no unshare")
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    argv = [unshare, "--mount", "--propagation", "private", *root, sys.executable, "-m", __spec__.name]
    done = subprocess.run(
        [*argv, function, str(ground), str(times)], capture_output=True, text=True, timeout=1800, check=False
    )
    try:
        said = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        reason = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        if "unshare" in reason:
            raise NotHere(reason) from None
        raise RuntimeError(f"{function}: {reason}") from None
    if "lacking" in said:
        raise NotHere(said["lacking"])
    return Outcome(**said)


def mount(*words: str) -> None:
    """Mount something, or NotHere."""
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(done.stderr.strip())


def unmount(place: Path) -> None:
    """Lazily, as a process may just be ending."""
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


def main() -> None:
    """The other side of `apart`."""
    module, _, name = sys.argv[1].partition(":")
    cause = getattr(import_module(f"benchmarks.faults.{module}"), name)
    try:
        said = asdict(cause(Path(sys.argv[2]), int(sys.argv[3])))
    except NotHere as lacking:
        said = {"lacking": str(lacking)}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
