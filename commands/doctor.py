"""`trivet doctor`: is this machine fit to run Trivet and its reference stack?"""

import os
import resource
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from commands import house
from commands.say import Stop
from metrics.config import Config
from stack.native.tools import Toolbox

LEAST_FILES = 4096
LEAST_DISK = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is well, what was found, and what mends it. Advice does not fail the command."""

    well: bool
    what: str
    found: str
    cure: str = ""
    advice: bool = False


@click.command()
@house.config_option(required=False)
def doctor(config: Path | None) -> None:
    """Look at this machine: Python, SQLite, servers at hand, open files, disk, memory settings, data folder.

    Exits with 1 when something would keep Trivet from running; advice does not count. `trivet check` looks at the
    config file and the servers that it names.
    """
    settings = house.read(config) if config else Config()
    findings = [*_python(), *_tools(), *_limits(), *_folder(settings.folder)]
    for finding in findings:
        mark = _mark(finding)
        click.echo(f"{mark}  {finding.what}: {finding.found}")
        if finding.cure and not finding.well:
            click.echo(f"        {finding.cure}")
    if not all(finding.well or finding.advice for finding in findings):
        sys.exit(Stop.exit_code)


def _mark(finding: Finding) -> str:
    if finding.well:
        return click.style("ok    ", fg="green")
    return click.style("advice", fg="yellow") if finding.advice else click.style("bad   ", fg="red")


def _python() -> Iterator[Finding]:
    yield Finding(True, "Python", sys.version.split()[0])
    new_enough = sqlite3.sqlite_version_info >= (3, 35)
    yield Finding(new_enough, "SQLite", sqlite3.sqlite_version, "3.35 or newer is needed: use Debian 12's Python.")


def _tools() -> Iterator[Finding]:
    box = Toolbox(house.HOME / "tools", lambda line: None)
    for name in ("postgres", "pgbouncer", "redis-server", "k6"):
        tool = box.find(name)
        found = str(tool.path) if tool else "not here; `trivet run` fetches it when it starts the reference stack"
        yield Finding(True, name, found)


def _limits() -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Finding(
        hard >= LEAST_FILES or hard == resource.RLIM_INFINITY,
        "open files",
        f"{soft} now, up to {hard}",
        f"At least {LEAST_FILES} are needed for 1,000 clients: raise nofile in /etc/security/limits.conf.",
    )
    overcommit = Path("/proc/sys/vm/overcommit_memory")
    if overcommit.exists():
        value = overcommit.read_text(encoding="ascii").strip()
        cure = "Redis may fail to save in the background: sudo sysctl vm.overcommit_memory=1"
        yield Finding(value == "1", "memory overcommit", value, cure, advice=True)


def _folder(folder: Path) -> Iterator[Finding]:
    there = next(parent for parent in [folder, *folder.absolute().parents] if parent.exists())
    free = shutil.disk_usage(there).free
    yield Finding(free >= LEAST_DISK, "disk", f"{free / 2**30:.1f} GiB free below {there}", "Samples need room: 2 GiB.")
    writable = os.access(there, os.W_OK)
    yield Finding(writable, "data folder", f"{folder}", f"{there} cannot be written by {os.geteuid()}.")
