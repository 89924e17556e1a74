"""Debian packages unpacked into a folder, without root, without installing, without the system's package lists.

apt-get works out which packages are missing here, from a private state and cache; dpkg-deb unpacks them. No
maintainer script runs, so no service starts and nothing outside the folder changes.

Of another suite than this system's, all libraries are fetched as well, the C library included: programs are built
for the one of their own suite, and `stack.native.loader` has them run by it.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from stack.native import suites

Say = Callable[[str], None]
PATIENCE = 900.0
# What packages ask for to be installed as services, and for pages of their own: none of it runs here.
# fmt: off
HELPERS = (
    "adduser", "debconf", "init-system-helpers", "locales", "perl", "perl-base", "ssl-cert", "tzdata", "ucf",
    "postgresql-client-17", "postgresql-client-15", "postgresql-client-common", "postgresql-common", "daemon",
    "fonts-glyphicons-halflings", "javascript-common", "promtool", "sysuser-helper", "libjs-bootstrap",
    "libjs-bootstrap4", "libjs-eonasdan-bootstrap-datetimepicker", "libjs-jquery", "libjs-jquery-hotkeys",
    "libjs-moment", "libjs-moment-timezone", "libjs-mustache", "libjs-popper.js", "libjs-rickshaw",
    "libpam-runtime",
)
# fmt: on
STUB = "Package: {}\nStatus: install ok installed\nVersion: 9999\nArchitecture: all\nMaintainer: -\nDescription: -\n\n"


class NotFetched(RuntimeError):  # noqa: N818 - a statement
    """The package could not be had this way; the message says why."""


class Debian:
    """A private view of the Debian archive that this system's sources name, kept in `home`/apt.

    With a `suite`, of that suite of it, kept in `home`/apt-SUITE.
    """

    def __init__(self, home: Path, say: Say, suite: str = "") -> None:
        self._apt = home / (f"apt-{suite}" if suite else "apt")
        self._say = say
        self._suite = suite

    def unpack(self, packages: Sequence[str], into: Path, *, pretend_missing: str | None = None) -> None:
        """Unpacks `packages` and those they need that the system lacks into the new folder `into`.

        Installed packages whose names match `pretend_missing` count as lacking. With a suite nothing counts as
        installed but HELPERS. Raises NotFetched.
        """
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise NotFetched("this system has no apt-get")
        self._configure(pretend_missing)
        self._say(f"Reading the list of {' '.join(['Debian', self._suite]).strip()} packages …")
        # Its status is not looked at: a broken third-party source is no obstacle if the packages are found.
        self._apt_get("update", check=False)
        self._say(f"Fetching {' '.join(packages)} (Debian packages) …")
        archives = self._archives()
        shutil.rmtree(archives, ignore_errors=True)
        (archives / "partial").mkdir(parents=True)
        self._apt_get("install", "--yes", "--no-install-recommends", "--download-only", *packages)
        for archive in sorted(archives.glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(archive), str(into)])
        shutil.rmtree(archives)

    def _archives(self) -> Path:
        return self._apt / "cache" / "archives"

    def _configure(self, pretend_missing: str | None) -> None:
        for folder in (self._apt / "state" / "lists" / "partial", self._archives() / "partial"):
            folder.mkdir(parents=True, exist_ok=True)
        status = self._apt / "status"
        installed = map(STUB.format, HELPERS) if self._suite else _installed(pretend_missing)
        status.write_text("".join(installed))
        (self._apt / "apt.conf").write_text(
            f'Dir::State "{self._apt}/state/";\n'
            f'Dir::State::status "{status}";\n'
            f'Dir::Cache "{self._apt}/cache/";\n'
            # Nobody else works on the private folders, and the system's locks are not ours to take.
            'Debug::NoLocking "true";\n'
            # As root apt would download as user _apt, who cannot enter a clone below /root.
            'APT::Sandbox::User "";\n'
            'Acquire::Languages "none";\n'
            # Container images delete the system's package cache in these hooks.
            "#clear APT::Update::Pre-Invoke;\n"
            "#clear APT::Update::Post-Invoke;\n"
            "#clear APT::Update::Post-Invoke-Success;\n"
            f"{self._sources()}"
        )

    def _sources(self) -> str:
        """The lines of apt.conf that choose the suite; none when it is the system's own."""
        if not self._suite:
            return ""
        parts = self._apt / "sources"
        if not suites.write(self._suite, parts):
            raise NotFetched("this system's apt sources name no suite of Debian")
        return f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{parts}/";\n'

    def _apt_get(self, *words: str, check: bool = True) -> None:
        _run(["apt-get", f"--config-file={self._apt / 'apt.conf'}", *words], check=check)


def libraries(root: Path) -> list[Path]:
    """The folders below an unpacked root that hold shared libraries, the usual ones first."""
    usual = sorted((*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*")))
    nested = sorted({found.parent for found in root.glob("usr/lib/*-linux-gnu*/*/*.so*")})
    return [folder for folder in (*usual, root / "usr/lib", *nested) if folder.is_dir()]


def _installed(pretend_missing: str | None) -> Iterator[str]:
    """The system's list of installed packages, without those whose names match."""
    listed = Path("/var/lib/dpkg/status")
    text = listed.read_text(errors="replace") if listed.exists() else ""
    for stanza in text.split("\n\n"):
        named = re.match(r"Package: (\S+)", stanza)
        if named and not (pretend_missing and re.fullmatch(pretend_missing, named[1])):
            yield stanza.strip("\n") + "\n\n"


def _run(argv: list[str], *, check: bool = True) -> None:
    env = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            argv, env=env, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotFetched(f"{argv[0]} took longer than {PATIENCE:g} s") from None
    if check and done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NotFetched(f"{argv[0]}: {' '.join(reason) or done.returncode}")
