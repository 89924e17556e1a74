"""The busiest rows and the rest: whatever comes and goes, the sums are what all rows did."""

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.pace import LAST, LONGEST, Pace
from collectors.rest import REST, Rest

NAMES = "abcdefgh"
looks = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 50), max_size=len(NAMES)), min_size=2, max_size=12
)


def _rows(counts: dict[str, int]) -> list[dict[str, object]]:
    return [{"name": name, "n": n, "size": 1} for name, n in counts.items()]


@settings(deadline=None, max_examples=300)
@given(looks)
def test_shown_and_rest_together_are_what_all_rows_did(rises: list[dict[str, int]]) -> None:
    """Rows come, grow, become busy and quiet; a row's series counts from its second sample in a row on."""
    rest = Rest(key=["name"], counters=["n"], rank=["n"], gauges=["size"], most=3)
    counts: dict[str, int] = {}
    before: dict[str, float] = {}
    opened, done, counted = False, 0, 0.0
    for look, rise in enumerate(rises):
        for name, n in rise.items():
            counts[name] = counts.get(name, 0) + n
        shown, others, left = rest.look(_rows(counts))
        now = {str(row["name"]): float(row["n"]) for row in [*shown, *others]}
        assert len(shown) <= 3
        assert left == len(counts) - len(shown)
        assert not others or others[0]["size"] == left
        if opened:
            done += sum(rise.values())
            counted += sum(value - before[name] for name, value in now.items() if name in before)
            assert all(value >= before[name] for name, value in now.items() if name in before), look
            assert counted == done
        # The sums count from the first look that has a rest on.
        opened, before = bool(others), now


def test_what_falls_or_goes_makes_no_jump() -> None:
    rest = Rest(key=["name"], counters=["n"], rank=["n"], most=1)
    rest.look(_rows({"a": 100, "b": 50}))
    _, (others,), _ = rest.look(_rows({"a": 110, "b": 52}))
    assert others == {"name": REST, "n": 2.0}
    # b was evicted and came back with 5 of its own; c is new.
    _, (others,), left = rest.look(_rows({"a": 120, "b": 5, "c": 1}))
    assert (others["n"], left) == (8.0, 2)
    _, (others,), left = rest.look(_rows({"a": 130}))
    assert (others["n"], left) == (8.0, 0)


def test_a_dear_poll_is_asked_for_less_often_and_again_when_it_is_cheap() -> None:
    pace = Pace(10)
    for _ in range(8 * LAST):
        pace.took(9)
    assert pace.every == 10 * LONGEST
    assert pace.slowed
    for _ in range(8 * LAST):
        pace.took(0.01)
    assert pace.every == 10
    assert not pace.slowed


def test_no_poll_is_so_seldom_that_five_minutes_have_none() -> None:
    for asked, longest in ((30, 240), (60, 240), (200, 200), (3600, 3600)):
        pace = Pace(asked)
        for _ in range(8 * LAST):
            pace.took(900)
        assert pace.every == longest
