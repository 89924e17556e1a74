"""The peers of a later Debian than this system's, unpacked beside the other tools and not installed.

A peer should be measured at its best, and Debian 12 has those of 2022.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from stack.native.catalog import PROGRAMS
from stack.native.tools import Tool, Toolbox, ToolMissing

Say = Callable[[str], None]


def newest(name: str, box: Toolbox, say: Say) -> tuple[Tool, str]:
    """The newest of a peer that can be had here, and its version. Raises ToolMissing when there is none."""
    tool = _newest(name, box, say)
    return tool, _packaged(tool) or "of unknown version"


def _newest(name: str, box: Toolbox, say: Say) -> Tool:
    release = list(PROGRAMS[name].releases)[-1]
    try:
        return box.need(name, release)
    except ToolMissing as missing:
        say(f"{missing} The one at hand is taken.")
        return box.need(name)


def _packaged(tool: Tool) -> str:
    """Debian's VictoriaMetrics prints no version: the changelog beside it does not lie."""
    root = tool.root or Path("/")
    for log in (root / "usr/share/doc" / tool.name).glob("changelog.Debian*"):
        done = subprocess.run(["zcat", "--force", str(log)], capture_output=True, text=True, check=False)
        found = re.search(r"\(([^)]+)\)", done.stdout)
        if found:
            return found[1]
    return ""
