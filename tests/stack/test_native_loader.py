"""An unpacked program is run by the loader that was unpacked with it, wherever the folder is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from stack.native import loader


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The system's echo, libc and loader, unpacked: `say` is a link to it, `note` is no program."""
    root = tmp_path / "a root"
    libraries, programs = root / "usr/lib/any-linux-gnu", root / "usr/bin"
    libraries.mkdir(parents=True)
    programs.mkdir()
    own = next(file for place in loader.PLACES for file in sorted(Path("/").glob(place)))
    for file in (own, own.with_name("libc.so.6")):
        shutil.copy(file, libraries / file.name)
    shutil.copy("/bin/echo", programs / "echo")
    (programs / "say").symlink_to("echo")
    (programs / "note").write_text("no program")
    (programs / "note").chmod(0o755)
    loader.give(programs, root, [libraries])
    return root


@pytest.mark.parametrize("name", ["echo", "say"])
def test_it_runs_by_either_name_also_when_moved(root: Path, name: str) -> None:
    assert said(root / "usr/bin" / name) == "it's $HOME *"
    moved = root.rename(root.with_name("elsewhere"))
    assert said(moved / "usr/bin" / name) == "it's $HOME *"


def test_it_is_the_unpacked_loader_that_runs_it(root: Path) -> None:
    (root / "usr/lib/any-linux-gnu/libc.so.6").write_bytes(b"not a library")
    done = subprocess.run([root / "usr/bin/echo"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "libc.so.6: file too short" in done.stderr


def test_what_is_no_program_stays(root: Path) -> None:
    assert (root / "usr/bin/note").read_text() == "no program"


def test_without_a_loader_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no loader"):
        loader.give(tmp_path, tmp_path, [])


def said(program: Path) -> str:
    return subprocess.run([program, "it's", "$HOME", "*"], capture_output=True, text=True, check=True).stdout.strip()
