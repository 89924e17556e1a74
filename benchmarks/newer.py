"""The peers of a later Debian than this system's, unpacked beside the other tools and not installed.

A peer should be measured at its best, and Debian 12 has those of 2022. The sources are the machine's own with the
suite's name changed, in a folder of our own: no system file and no system list is touched.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from stack.native import debian
from stack.native.debian import Debian, NotFetched
from stack.native.tools import Tool, Toolbox

LATER = "trixie"
SOURCES = Path("/etc/apt")

Say = Callable[[str], None]


class LaterDebian(Debian):
    """The same archive at a later suite. One package alone, without those it needs: they would be another libc."""

    def __init__(self, home: Path, say: Say) -> None:
        super().__init__(home, say)
        self._folder = home / "apt"

    def fetch(self, package: str, into: Path) -> str:
        """Unpacks the package into the new folder; its version. Raises NotFetched."""
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise NotFetched("this system has no apt-get")
        self._configure(None)
        self._rename_suites()
        self._say(f"Reading the list of Debian {LATER}'s packages …")
        self._apt_get("update", check=False)
        archives = self._archives()
        debian._run(["sh", "-c", 'cd "$0" && exec apt-get --config-file="$1" download "$2"', *self._words(package)])
        for archive in archives.glob(f"{package}_*.deb"):
            debian._run(["dpkg-deb", "--extract", str(archive), str(into)])
            archive.unlink()
            return archive.name.split("_")[1].replace("%3a", ":")
        raise NotFetched(f"{LATER} has no {package}")

    def _words(self, package: str) -> list[str]:
        return [str(self._archives()), str(self._folder / "apt.conf"), package]

    def _rename_suites(self) -> None:
        """The machine's sources of Debian itself, with only the main suite, under the later name."""
        parts = self._folder / "sources"
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(parents=True)
        listed = [SOURCES / "sources.list", *sorted((SOURCES / "sources.list.d").glob("*"))]
        for number, file in enumerate(each for each in listed if each.suffix in {".list", ".sources"}):
            if file.is_file() and (text := renamed(file.read_text(errors="replace"), file.suffix)):
                (parts / f"{number}{file.suffix}").write_text(text)
        with (self._folder / "apt.conf").open("a") as config:
            config.write(f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{parts}/";\n')


def renamed(text: str, suffix: str, now: str | None = None) -> str:
    """What of a sources file speaks of Debian's main suite, under the later suite's name.

    >>> renamed("deb http://deb.debian.org/debian bookworm main\\ndeb http://elsewhere/x bookworm-tool main", ".list",
    ...     "bookworm")
    'deb http://deb.debian.org/debian trixie main\\n'
    >>> stanza = "URIs: http://deb.debian.org/debian\\nSuites: bookworm bookworm-updates\\n"
    >>> print(renamed(stanza, ".sources", "bookworm"))
    URIs: http://deb.debian.org/debian
    Suites: trixie
    <BLANKLINE>
    """
    suite = now or _suite()
    if suffix == ".list":
        kept = [line for line in text.splitlines() if re.match(rf"deb\s.*\s{suite}\s", line)]
        return "".join(re.sub(rf"\s{suite}\s", f" {LATER} ", line) + "\n" for line in kept)
    stanzas = [stanza for stanza in text.split("\n\n") if re.search(rf"^Suites:.*\b{suite}(\s|$)", stanza, re.M)]
    return "\n\n".join(re.sub(r"^Suites:.*$", f"Suites: {LATER}", stanza, flags=re.M) for stanza in stanzas)


def _suite() -> str:
    release = Path("/etc/os-release")
    found = re.search(r"^VERSION_CODENAME=(\w+)", release.read_text(), re.M) if release.exists() else None
    return found[1] if found else "bookworm"


def newest(name: str, box: Toolbox, say: Say) -> tuple[Tool, str]:
    """The newest of a peer that can be had here, and its version. Raises ToolMissing when there is none."""
    root = box.home / f"{name}-{LATER}"
    tool, note = Tool(name, root / "usr/bin" / name, root=root), root / "version"
    box.home.mkdir(parents=True, exist_ok=True)
    with (box.home / f".{LATER}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not note.exists():
                _fetch(name, root, box, say)
            if _runs(tool):
                return tool, note.read_text()
            say(f"{name} of Debian {LATER} does not run here: the one at hand is taken.")
        except NotFetched as error:
            say(f"No {name} of Debian {LATER} ({error}): the one at hand is taken.")
    tool = box.need(name)
    return tool, _packaged(tool) or "of unknown version"


def _fetch(name: str, root: Path, box: Toolbox, say: Say) -> None:
    fresh = root.with_name(f"{root.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    version = LaterDebian(box.home / f"{LATER}.apt", say).fetch(name, fresh)
    (fresh / "version").write_text(version)
    shutil.rmtree(root, ignore_errors=True)
    fresh.replace(root)


def _packaged(tool: Tool) -> str:
    """Debian's VictoriaMetrics prints no version: the changelog beside it does not lie."""
    root = tool.root or Path("/")
    for log in (root / "usr/share/doc" / tool.name).glob("changelog.Debian*"):
        done = subprocess.run(["zcat", "--force", str(log)], capture_output=True, text=True, check=False)
        found = re.search(r"\(([^)]+)\)", done.stdout)
        if found:
            return found[1]
    return ""


def _runs(tool: Tool) -> bool:
    try:
        asked = [str(tool.path), "-help" if tool.name == "victoria-metrics" else "--help"]
        env = {**os.environ, **tool.env}
        done = subprocess.run(asked, env=env, capture_output=True, timeout=30, check=False)
    except OSError:
        return False
    return b"storage" in done.stdout + done.stderr
