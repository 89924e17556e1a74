import time

import pytest

from collectors import round as module
from collectors.failed import Disconnected, Failed, one_line
from collectors.round import LACKING, UNKNOWN, Off, Round
from metrics.model import Kind, Metric, Unit
from metrics.poll import ErrorClass, Tier
from metrics.reading import Reading

ONE = Metric(name="one_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="One.")
TWO = Metric(name="two_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Two.")
READING = Reading("SHOW IT", columns={"one": ONE, "two": TWO})


def fail(kind: ErrorClass) -> None:
    raise Failed(kind, "no")


def test_a_column_that_is_not_there_is_said_once_and_again_when_it_is_back() -> None:
    off, said = Off(), []
    for row in ({"one": 1}, {"one": 2}, {"one": 3, "two": 1}):
        round_ = Round("x", Tier.FAST, off)
        with round_.part("SHOW IT"):
            round_.take(READING, [row])
        found = round_.poll()
        said.append((list(found.partial), [(record.kind, record.body != "") for record in found.records]))
        assert found.samples
    assert said == [(["SHOW IT"], [(LACKING, True)]), ([], []), ([], [(LACKING, False)])]


def test_one_part_fails_and_the_others_count() -> None:
    round_ = Round("x", Tier.FAST, Off())
    with round_.part("bad"):
        fail(ErrorClass.TIMEOUT)
    with round_.part("SHOW IT"):
        round_.take(READING, [{"one": 1, "two": 2}])
    found = round_.poll()
    assert found.up
    assert found.partial["bad"].kind is ErrorClass.TIMEOUT
    assert len(found.samples) == 2


def test_a_lost_connection_ends_the_round() -> None:
    round_ = Round("x", Tier.FAST, Off())
    with pytest.raises(Disconnected), round_.part("bad"):
        raise Disconnected(ErrorClass.CONNECTION_LOST, "gone")


def test_what_is_forbidden_is_left_alone_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    off = Off()
    round_ = Round("x", Tier.FAST, off)
    with round_.part("bad"):
        fail(ErrorClass.FORBIDDEN)
    assert not round_.wants("bad")
    now[0] += 3601
    assert round_.wants("bad")


def test_too_many_rows_are_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    with pytest.raises(Failed, match="more than 2 rows"):
        Round("x", Tier.FAST, Off()).take(READING, [{"one": 1, "two": 1}] * 3)


def test_texts_from_elsewhere_are_one_short_line() -> None:
    assert one_line("a\x1b[31m\n\tb\x00") == "a [31m b"
    assert len(one_line("x" * 10_000)) == 500


def test_secrets_are_blotted_out() -> None:
    failed = Failed(ErrorClass.AUTH, "password hunter2 is wrong", "hint").without("hunter2", "")
    assert failed.failure.text == "password … is wrong"
    assert failed.failure.hint == "hint"


def test_a_column_of_a_newer_server_is_ignored_and_named_once() -> None:
    reading = Reading("SHOW IT", columns={"one": ONE}, omitted={"avg_*": "its meaning changed"})
    off, said = Off(), []
    for row in ({"one": 1, "avg_x": 1}, {"one": 1, "new": 1}, {"one": 1, "new": 1}, {"one": 1}):
        round_ = Round("x", Tier.FAST, off)
        round_.take(reading, [row])
        assert len(round_.samples) == 1
        said.append([(record.kind, record.key, record.body) for record in round_.records])
    assert said == [[], [(UNKNOWN, "SHOW IT", "new")], [], [(UNKNOWN, "SHOW IT", "")]]
