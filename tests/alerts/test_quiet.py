"""Silences and windows: what they cover, and when, minute by minute over the nights in which clocks are set."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.quiet import QuietError, Window, check, covers, lasts, names_all, until, window, within, zone
from storage.silences import Silence

BERLIN = zone("Europe/Berlin")
MADE = Silence(labels={}, starts=0.0, ends=1e12, reason="backup", author="cron", made=0.0)


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone_name", "night"),
    [
        ("Europe/Berlin", "2026-03-28"),
        ("Europe/Berlin", "2026-10-24"),
        ("America/New_York", "2026-03-07"),
        ("America/New_York", "2026-10-31"),
        ("Asia/Kathmandu", "2026-05-01"),
    ],
)
def test_over_midnight_minute_by_minute(zone_name: str, night: str) -> None:
    hours, where = window("22:00-06:00"), zone(zone_name)
    start = stamp(f"{night}T00:00")
    for minute in range(3 * 24 * 60):
        at = start + 60 * minute
        local = datetime.fromtimestamp(at, where)
        assert within(hours, where, at) == (local.hour >= 22 or local.hour < 6)


def test_days_belong_to_the_evening_on_which_a_window_begins() -> None:
    hours = window("fri 22:00-06:00")
    # 2026-12-04 is a Friday.
    for text, inside in (
        ("2026-12-04T20:59", False),
        ("2026-12-04T21:00", True),
        ("2026-12-05T04:59", True),
        ("2026-12-05T05:00", False),
        ("2026-12-05T21:30", False),
        ("2026-12-04T03:00", False),
    ):
        assert within(hours, BERLIN, stamp(text)) is inside, text


def test_a_window_ends_when_its_clock_says_so() -> None:
    hours = window("22:00-06:00")
    assert until(hours, BERLIN, stamp("2026-12-04T21:30")) == stamp("2026-12-05T05:00")
    assert until(hours, BERLIN, stamp("2026-10-24T20:30")) == stamp("2026-10-25T05:00")
    assert until(hours, BERLIN, stamp("2026-12-04T12:00")) == stamp("2026-12-04T12:00")


def test_all_day_is_all_day() -> None:
    assert window("sun-mon 00:00-24:00") == Window(frozenset({6, 0}), 0, 24 * 60)
    assert within(window("00:00-24:00"), BERLIN, stamp("2026-12-04T22:59"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22-06", "expected hours such as"),
        ("22:00-22:00", "two different times"),
        ("25:00-26:00", "25:00 is no time of a day"),
        ("22:60-23:00", "22:60 is no time of a day"),
        ("mom 22:00-23:00", 'did you mean "mon"'),
        ("", "expected hours such as"),
    ],
)
def test_what_is_no_window_says_what_is_one(text: str, expected: str) -> None:
    with pytest.raises(QuietError, match=expected):
        window(text)


def test_a_label_that_is_not_there_fits_nothing_and_a_name_is_a_whole_one() -> None:
    labels = {"database": "shop", "environment": "production"}
    assert covers(replace(MADE, labels={"environment": "prod*"}), "r", "s", labels)
    for silence in (
        replace(MADE, labels={"nolabel": "*"}),
        replace(MADE, labels={"environment": "prod"}),
        replace(MADE, source="ain"),
        replace(MADE, rule="x", labels={"database": "shop"}),
        MADE,
    ):
        assert not covers(silence, "r", "main", labels)
    assert covers(replace(MADE, everything=True), "r", "main", labels)


def test_what_names_nothing_in_particular_has_to_be_confirmed() -> None:
    assert names_all(MADE)
    assert names_all(replace(MADE, source="*", labels={"environment": "*"}))
    assert not names_all(replace(MADE, source="cache"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": " "},
        {"author": ""},
        {"ends": 0.0},
        {"labels": {"a": ""}},
        {"zone": "Mars/Olympus"},
        {"zone": "../etc/passwd"},
        {"recurring": "sometimes"},
    ],
)
def test_a_silence_has_a_reason_an_author_and_an_end(wrong: dict[str, object]) -> None:
    check(MADE)
    with pytest.raises(QuietError):
        check(replace(MADE, **wrong))  # type: ignore[arg-type]  # one field at a time


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100), st.one_of(st.none(), st.integers(0, 100)))
def test_a_silence_holds_from_its_start_up_to_its_end(at: int, starts: int, length: int, ended: int | None) -> None:
    silence = replace(MADE, starts=float(starts), ends=float(starts + length), ended=ended)
    assert lasts(silence, float(at)) == (starts <= at < min(starts + length, 1000 if ended is None else ended))


def test_a_recurring_silence_holds_in_its_window_alone() -> None:
    silence = replace(MADE, recurring="02:30-03:30", zone="Europe/Berlin")
    day = datetime(2026, 6, 1, tzinfo=UTC)
    held = [minute for minute in range(24 * 60) if lasts(silence, (day + timedelta(minutes=minute)).timestamp())]
    assert (held[0], held[-1], len(held)) == (30, 89, 60)
