"""The state of one rule for one subject: holds, ends, flaps, data that vanishes, restarts and clocks."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from alerts.machine import ALARMED, Change, Judged, Mind, Phase, step
from metrics.target import State, Target, at_most

TARGET = at_most(100, hold="30s", recover=90, keep="30s")
EVERY = 10.0
GAP = 30.0


def judged(
    value: float | None, at: float, *, boot: str = "b", clock: float | None = None, target: Target = TARGET
) -> Judged:
    state = State.UNKNOWN if value is None else State.MET if target.met_by(value) else State.MISSED
    good = value is not None and target.recovered_by(value)
    return Judged(at=at, boot=boot, clock=at if clock is None else clock, state=state, good=good, value=value)


def run(
    values: Sequence[float | None], mind: Mind | None = None, start: float = 0.0, target: Target = TARGET
) -> tuple[Mind, list[Change]]:
    mind, changes = mind or Mind(), []
    for number, value in enumerate(values):
        mind, change = step(mind, judged(value, start + EVERY * number, target=target), target, GAP)
        if change:
            changes.append(change)
    return mind, changes


def told(changes: Sequence[Change]) -> list[str]:
    return ["firing" if change.fires else "resolved" for change in changes if change.fires or change.resolves]


def test_a_miss_has_to_last_and_so_has_the_end() -> None:
    mind, changes = run([1, 1, 200, 200, 200, 200, 50, 50, 50, 50])
    assert [(change.old, change.new) for change in changes] == [
        (Phase.UNKNOWN, Phase.OK),
        (Phase.OK, Phase.PENDING),
        (Phase.PENDING, Phase.FIRING),
        (Phase.FIRING, Phase.RECOVERING),
        (Phase.RECOVERING, Phase.OK),
    ]
    assert mind.phase is Phase.OK


def test_one_good_judgement_ends_what_is_pending() -> None:
    target = at_most(100, hold="40s")
    _, changes = run([1, 1, 200, 200, 1, 200, 200, 200, 200], target=target)
    assert not told(changes)


def test_a_value_that_hovers_at_the_bound_fires_once() -> None:
    mind, changes = run([1, 1, *[101] * 5, *[99, 101] * 30])
    assert told(changes) == ["firing"]
    _, changes = run([85] * 4, mind, 1000.0)
    assert told(changes) == ["resolved"]


def test_vanished_data_ends_no_alert_and_does_not_fire_again_when_it_is_back_and_bad() -> None:
    mind, changes = run([1, 1, *[200] * 4, *[None] * 180])
    assert told(changes) == ["firing"]
    assert (mind.phase, mind.lost) == (Phase.FIRING, True)
    mind, changes = run([200] * 5, mind, 2000.0)
    assert not told(changes)
    assert [change.found for change in changes] == [True]
    _, changes = run([None, *[1] * 6], mind, 2100.0)
    assert told(changes) == ["resolved"]


def test_what_is_pending_is_unknown_without_data() -> None:
    mind, _ = run([1, 1, 200, 200, None])
    assert (mind.phase, mind.held) == (Phase.UNKNOWN, 0.0)


def test_time_in_which_nobody_looked_does_not_count() -> None:
    """Pending for a while, down for an hour: not firing at once; firing stays firing since the same moment."""
    mind, _ = run([1, 1, 200, 200, 200])
    mind, changes = run([200], mind, 3600.0)
    assert (mind.phase, changes) == (Phase.PENDING, [])
    firing, _ = run([1, 1, *[200] * 4])
    after, changes = run([200], firing, 3600.0)
    assert (after.phase, after.began, changes) == (Phase.FIRING, firing.began, [])


def test_a_clock_that_is_set_fires_nothing_and_hides_nothing() -> None:
    for leap in (3600.0, -3600.0, 86_400.0 * 365):
        mind, _ = run([1, 1, 200])
        for number in (1, 2):
            mind, change = step(mind, judged(200, leap + 20 + 10 * number, clock=20 + 10.0 * number), TARGET, GAP)
            assert change is None
        mind, change = step(mind, judged(200, leap + 50, clock=50.0), TARGET, GAP)
        assert change is not None
        assert change.fires


def test_over_a_reboot_time_is_measured_by_the_wall_and_marked() -> None:
    mind, _ = run([1, 1, 200])
    mind, _ = step(mind, judged(200, 45.0, boot="other", clock=3.0), TARGET, GAP)
    assert (mind.held, mind.by_wall) == (25.0, True)
    mind, _ = step(mind, judged(200, 50.0, boot="third", clock=3.0), TARGET, GAP)
    assert mind.phase is Phase.FIRING


def test_each_end_within_an_hour_doubles_what_the_next_one_has_to_last() -> None:
    mind, lengths, at = Mind(), [], 0.0
    for _ in range(4):
        mind, changes = run([1, 1, *[200] * 5], mind, at)
        assert told(changes) == ["firing"]
        at += 70
        number = 0
        while mind.phase is not Phase.OK:
            mind, _ = run([1], mind, at)
            at, number = at + 10, number + 1
        lengths.append(number - 1)
    assert lengths == [3, 6, 12, 24]
    assert mind.flapping


@given(st.lists(st.one_of(st.none(), st.sampled_from([50.0, 95.0, 150.0])), max_size=80), st.integers(0, 80))
def test_firing_and_resolved_take_turns_whatever_comes_and_a_restart_changes_nothing(
    values: list[float | None], cut: int
) -> None:
    whole, changes = run(values)
    assert told(changes) == ["firing", "resolved"] * (len(told(changes)) // 2) + ["firing"] * (len(told(changes)) % 2)
    assert (whole.phase in ALARMED) == (len(told(changes)) % 2 == 1)
    half, first = run(values[:cut])
    again, second = run(values[cut:], half, EVERY * min(cut, len(values)))
    assert [*first, *second] == changes
    assert again == whole
    for change in changes:
        if change.resolves:
            assert change.new is Phase.OK


def test_polls_that_are_a_moment_early_make_no_hold_longer() -> None:
    mind, changes = Mind(), []
    for at, value in ((0.0, 1), (10.0, 1), (20.0, 200), (29.9, 200), (39.95, 200), (49.98, 200)):
        mind, change = step(mind, judged(value, at), TARGET, GAP)
        changes += [change] if change else []
    assert told(changes) == ["firing"]
