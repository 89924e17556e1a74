"""Where the newest peers come from."""

from pathlib import Path

import pytest

from benchmarks import newer
from benchmarks.newer import renamed
from stack.native.debian import NotFetched
from stack.native.tools import Tool, Toolbox

SOURCES = """Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
"""


def test_only_the_main_suite_is_taken_under_the_later_name() -> None:
    found = renamed(SOURCES, ".sources", "bookworm")
    assert "Suites: trixie\n" in found
    assert "bookworm" not in found
    assert "security" not in found


def test_third_parties_are_left_out() -> None:
    assert renamed("deb http://elsewhere/apt bookworm-tools main\n", ".list", "bookworm") == ""


def test_the_one_at_hand_does_where_the_later_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> str:
        raise NotFetched("no network")

    said: list[str] = []
    box = Toolbox(tmp_path, said.append)
    at_hand = Tool("prometheus", tmp_path / "prometheus")
    monkeypatch.setattr(newer.LaterDebian, "fetch", fails)
    monkeypatch.setattr(Toolbox, "need", lambda _box, _name: at_hand)
    assert newer.newest("prometheus", box, said.append) == (at_hand, "of unknown version")
    assert said == ["No prometheus of Debian trixie (no network): the one at hand is taken."]
