"""The sources of this system's own Debian archive, with the name of another suite in the place of the system's."""

import re
import shutil
from pathlib import Path

SOURCES = Path("/etc/apt")


def write(suite: str, into: Path) -> bool:
    """Writes them into the folder, which is emptied first. Whether there are any."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    listed = [SOURCES / "sources.list", *sorted((SOURCES / "sources.list.d").glob("*"))]
    for number, file in enumerate(each for each in listed if each.suffix in {".list", ".sources"}):
        if file.is_file() and (text := renamed(file.read_text(errors="replace"), file.suffix, suite)):
            (into / f"{number}{file.suffix}").write_text(text)
    return any(into.iterdir())


def renamed(text: str, suffix: str, suite: str, now: str | None = None) -> str:
    """What of a sources file speaks of Debian's main suite, under the other suite's name.

    >>> renamed("deb http://deb.debian.org/debian bookworm main\\ndeb http://elsewhere/x bookworm-tool main", ".list",
    ...     "trixie", "bookworm")
    'deb http://deb.debian.org/debian trixie main\\n'
    >>> stanza = "URIs: http://deb.debian.org/debian\\nSuites: bookworm bookworm-updates\\n"
    >>> print(renamed(stanza, ".sources", "trixie", "bookworm"))
    URIs: http://deb.debian.org/debian
    Suites: trixie
    <BLANKLINE>
    """
    now = now or _own()
    if suffix == ".list":
        kept = [line for line in text.splitlines() if re.match(rf"deb\s.*\s{now}\s", line)]
        return "".join(re.sub(rf"\s{now}\s", f" {suite} ", line) + "\n" for line in kept)
    stanzas = [stanza for stanza in text.split("\n\n") if re.search(rf"^Suites:.*\b{now}(\s|$)", stanza, re.M)]
    return "\n\n".join(re.sub(r"^Suites:.*$", f"Suites: {suite}", stanza, flags=re.M) for stanza in stanzas)


def _own() -> str:
    release = Path("/etc/os-release")
    found = re.search(r"^VERSION_CODENAME=(\w+)", release.read_text(), re.M) if release.exists() else None
    return found[1] if found else "bookworm"
