"""`python -m stack.native.clean FOLDER`: end what a killed run left, and remove what had to live outside the folder.

Only servers whose folders lie below FOLDER are touched, each told apart from any later process of its number.
"""

import shutil
import signal
import sys
from pathlib import Path

from stack.native.process import Mark
from stack.native.server import OUTSIDE, nickname

GRACE = 10.0


def clean(folder: Path) -> None:
    """Nothing of a stack below the folder runs, or is left elsewhere, when this returns."""
    for server in (folder.absolute() / "stack").glob("*"):
        outside = OUTSIDE / nickname(server)
        for home in (server, outside):
            mark = Mark.read(home / "run.json")
            if mark is not None:
                mark.end(signal.SIGTERM, GRACE)
        shutil.rmtree(outside, ignore_errors=True)


if __name__ == "__main__":
    clean(Path(sys.argv[1]))
