"""Another suite of the same archive: only Debian's own, only the main one."""

from pathlib import Path

import pytest

from stack.native import suites
from stack.native.suites import renamed

SOURCES = """Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
"""


def test_only_the_main_suite_is_taken_under_the_other_name() -> None:
    found = renamed(SOURCES, ".sources", "trixie", "bookworm")
    assert "Suites: trixie\n" in found
    assert "bookworm" not in found
    assert "security" not in found


def test_third_parties_are_left_out() -> None:
    assert renamed("deb http://elsewhere/apt bookworm-tools main\n", ".list", "trixie", "bookworm") == ""


def test_an_earlier_suite_can_be_asked_for_as_well() -> None:
    assert "Suites: bookworm\n" in renamed(SOURCES.replace("bookworm", "trixie"), ".sources", "bookworm", "trixie")


def test_a_system_without_debian_s_sources_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "SOURCES", tmp_path / "etc")
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "old.sources").write_text("old")
    assert not suites.write("trixie", tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []
