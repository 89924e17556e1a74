"""Each fault is caused once or twice, so that the harness is known to work; and it is known to be able to fail."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.faults import __main__ as faults
from benchmarks.faults import checking, child, clock, collectors, killing, polls
from benchmarks.faults.catalog import FAULTS
from benchmarks.faults.fault import Fault, NotHere, Outcome
from storage.series import SeriesStore

TIMES = {4: 1, 7: 3, 8: 4, 12: 3, 13: 4, 19: 0, 20: 3000}


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter than in the gate."""
    monkeypatch.setattr(clock, "STAY", 3.0)
    monkeypatch.setattr(clock, "STEPS", {"ten years on": clock.STEPS["ten years on"]})
    monkeypatch.setattr(collectors, "SHORT", 3.0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_it_is_survived(fault: Fault, tmp_path: Path) -> None:
    try:
        outcome = fault.cause(tmp_path, TIMES.get(fault.number, 1))
    except NotHere as lacking:
        pytest.skip(str(lacking))
    assert outcome.good, outcome.details


def test_their_numbers_are_those_of_the_issue() -> None:
    assert [fault.number for fault in FAULTS] == list(range(1, 27))


def test_a_writer_that_lies_is_found_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It acknowledges what it does not write: the line is red, and so is the exit code."""

    def lying(folder: Path, *words: object, before: Sequence[str] = ()) -> AbstractContextManager[child.Child]:
        return child.writer(folder, *words, "--lie", before=before)

    monkeypatch.setattr(killing, "writer", lying)
    assert faults.main(["1", "--times", "2"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "kill -9 in mid-write: 0/2 survived"
    assert "lost: " in said[1]


def test_what_cannot_be_had_is_not_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said, it is not survived, and it alone is no failure; a mistake in the harness is one."""

    def lacking(ground: Path, times: int) -> Outcome:
        raise NotHere("there are no loop devices")

    def mistaken(ground: Path, times: int) -> Outcome:
        raise KeyError("oops")

    monkeypatch.setattr(faults, "FAULTS", (Fault(3, "power cut", lacking, 1, 1),))
    assert faults.main([]) == 0
    assert capsys.readouterr().out == "power cut: not run: there are no loop devices\n"
    monkeypatch.setattr(faults, "FAULTS", (Fault(3, "power cut", mistaken, 1, 1),))
    assert faults.main([]) == 1
    assert capsys.readouterr().out.startswith("power cut: 0/1 survived\n")


def test_wrong_and_torn_polls_are_seen(tmp_path: Path) -> None:
    """What the checks after each fault are worth."""
    whole, harmed, torn = polls.poll(0), polls.poll(1), polls.poll(2)
    samples = [sample._replace(value=0.5) if i == 3 else sample for i, sample in enumerate(harmed.samples)]
    with closing(SeriesStore(tmp_path)) as store:
        store.append_many([whole, replace(harmed, samples=samples), replace(torn, samples=torn.samples[:-1])])
    said = "\n".join(checking.wrong(tmp_path, {(0, 0), (0, 1), (0, 2), (0, 3)}))
    assert "source0 series 3: 1 of 3 values are wrong" in said
    assert "torn: 1 polls of source0 lack series" in said
    assert "lost: 1 of 4 acknowledged polls, such as [(0, 3)]" in said
