"""Where the newest peers come from."""

from pathlib import Path

import pytest

from benchmarks import newer
from stack.native.tools import Tool, Toolbox, ToolMissing


def test_the_one_at_hand_does_where_the_later_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand = Tool("prometheus", tmp_path / "prometheus", root=tmp_path)

    def need(_: Toolbox, name: str, release: str = "") -> Tool:
        if release:
            raise ToolMissing(f"{name} {release}", "a network", "no network")
        return at_hand

    said: list[str] = []
    monkeypatch.setattr(Toolbox, "need", need)
    assert newer.newest("prometheus", Toolbox(tmp_path), said.append) == (at_hand, "of unknown version")
    assert said == [
        "prometheus 2.53 is missing (no network). Get it with: a network The one at hand is taken.",
    ]
