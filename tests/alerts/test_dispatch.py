"""Who is told what: only what differs from what each channel was told last, whatever was suppressed meanwhile."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channel import Channel
from alerts.dispatch import BURST, Letter, Situation, plan, quiet
from alerts.rule import Rules
from metrics.alerting import Alerting, Tuning
from storage.deliveries import Told
from storage.incidents import Incident
from storage.silences import Silence


class Bell(Channel, frozen=True, kw_only=True, tag="bell"):
    """Rings nowhere."""


MAIL, CHAT = Bell(name="mail"), Bell(name="chat", severities=("critical",))
NOW = 10_000.0


def incident(
    number: int = 1,
    *,
    resolved: float | None = None,
    severity: str = "warning",
    source: str = "cache",
    fired: float = NOW,
    acked: float | None = None,
) -> Incident:
    return Incident(
        id=number,
        key=f"k{number}",
        rule="redis_hit_rate",
        source=source,
        labels=(),
        severity=severity,
        began=fired - 60,
        fired=fired,
        resolved=resolved,
        lost=False,
        flapping=False,
        value=0.5,
        ended_value=None,
        bound=0.8,
        reason="",
        evidence={},
        acked=acked,
        acked_by="",
        ack_note="",
    )


def told(number: int = 1, channel: str = "mail", state: str = "firing", at: float = NOW) -> Told:
    return Told(incident=number, channel=channel, state=state, at=at, times=1, delivery="d")


def situation(**given_: object) -> Situation:
    usual: dict[str, object] = {
        "incidents": [incident()],
        "told": [],
        "channels": [MAIL, CHAT],
        "rules": Rules({}),
        "settings": Alerting(),
    }
    return Situation(**{**usual, **given_})  # type: ignore[arg-type]  # by name


def silence(**given_: object) -> Silence:
    usual: dict[str, object] = {
        "source": "cache",
        "labels": {},
        "starts": 0.0,
        "ends": 1e9,
        "reason": "backup",
        "author": "a",
        "made": 0.0,
    }
    return Silence(**{**usual, **given_})  # type: ignore[arg-type]


def test_an_alert_goes_to_the_channels_of_its_severity_once() -> None:
    assert plan(NOW, situation()) == [Letter(channel="mail", kind="firing", firing=(1,))]
    both = situation(incidents=[incident(severity="critical")])
    assert [letter.channel for letter in plan(NOW, both)] == ["chat", "mail"]
    assert plan(NOW, situation(told=[told()])) == []


def test_the_end_goes_to_exactly_those_that_were_told() -> None:
    ended = situation(incidents=[incident(resolved=NOW, severity="critical")], told=[told()])
    assert plan(NOW, ended) == [Letter(channel="mail", kind="resolved", resolved=(1,))]
    assert plan(NOW, replace(ended, told=[told(state="resolved")])) == []
    assert plan(NOW, replace(ended, told=[])) == []
    assert plan(NOW, replace(ended, silences=[silence()])) == plan(NOW, ended)


@pytest.mark.parametrize("how", ["silence", "inhibited", "quiet hours"])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("ok", "bad", ["firing"]),
        ("bad", "ok", ["resolved"]),
        ("bad", "bad", []),
        ("ok", "ok", []),
    ],
)
def test_when_a_suppression_ends_only_the_difference_is_sent(
    how: str, before: str, after: str, expected: list[str]
) -> None:
    known = [told()] if before == "bad" else []
    after_all = [incident(resolved=None if after == "bad" else NOW)] if "bad" in (before, after) else []
    during: dict[str, dict[str, object]] = {
        "silence": {"silences": [silence()]},
        "inhibited": {"inhibited": {1}},
        "quiet hours": {"settings": Alerting(quiet="00:00-24:00")},
    }
    assert [letter.kind for letter in plan(NOW, situation(incidents=after_all, told=known))] == expected
    if after == "bad":
        held = situation(incidents=after_all, told=known, **during[how])
        assert plan(NOW, held) == []
        assert quiet(NOW, after_all[0], held)


def test_what_fired_and_healed_under_a_silence_is_never_told() -> None:
    assert plan(NOW, situation(incidents=[incident(resolved=NOW)], silences=[silence()])) == []


def test_what_goes_on_is_repeated_until_somebody_looks_after_it() -> None:
    later = NOW + 4 * 3600
    assert plan(later - 1, situation(told=[told()])) == []
    assert [letter.kind for letter in plan(later, situation(told=[told()]))] == ["repeat"]
    assert plan(later, situation(told=[told()], incidents=[incident(acked=NOW)])) == []
    assert plan(later, situation(told=[told()], settings=Alerting(repeat="0s"))) == []


def test_what_nobody_acknowledged_is_escalated() -> None:
    settings = Alerting(escalate_after="30m", escalate_to="chat")
    waiting = situation(told=[told()], settings=settings)
    assert plan(NOW + 1799, waiting) == []
    assert plan(NOW + 1800, waiting) == [Letter(channel="chat", kind="escalation", firing=(1,))]
    assert plan(NOW + 1800, replace(waiting, told=[told(), told(channel="chat")])) == []
    assert plan(NOW + 1800, replace(waiting, incidents=[incident(acked=NOW)])) == []


def test_a_rule_may_name_its_channels_and_the_last_block_wins() -> None:
    from alerts.rule import rules_of
    from metrics.catalog import Catalog
    from metrics.forms import Rate
    from metrics.model import Kind, Metric, Unit
    from metrics.target import at_most

    total = Metric(name="x_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="X.")
    form = Rate(name="redis_hit_rate", title="X", help="X.", of=[total], target=at_most(1))
    catalog = Catalog({}, {form.name: form}, {}, {form.name: "redis"}, {})
    tunings = [Tuning(rule=form.name, channels=("mail",)), Tuning(source="cache", channels=("chat",))]
    rules = rules_of(catalog, tunings)
    assert [letter.channel for letter in plan(NOW, situation(rules=rules))] == ["chat"]
    elsewhere = situation(rules=rules, incidents=[incident(source="other")])
    assert [letter.channel for letter in plan(NOW, elsewhere)] == ["mail"]


def test_a_storm_is_a_few_messages_and_nobody_is_left_out() -> None:
    """Five hundred alerts that begin over ten seconds, and all end later."""
    known: list[Told] = []
    made: list[tuple[float, Letter]] = []
    for second in range(60):
        now = NOW + second
        there = [incident(number, fired=NOW + number / 50) for number in range(min(500, 50 * (second + 1)))]
        lately = {"mail": [at for at, _ in made]}
        for letter in plan(now, situation(incidents=there, told=known, lately=lately)):
            made.append((now, letter))
            known += [told(number, at=now) for number in letter.firing]
    assert len(made) <= 5
    assert sorted(number for _, letter in made for number in letter.firing) == list(range(500))
    assert made[0][0] == NOW


def test_a_burst_waits_for_one_another() -> None:
    full = situation(lately={"mail": [NOW] * BURST})
    assert plan(NOW + 29, full) == []
    assert len(plan(NOW + 30, full)) == 1


def test_a_channel_that_is_gone_is_told_nothing() -> None:
    assert plan(NOW, situation(incidents=[incident(resolved=NOW)], told=[told(channel="gone")])) == []


@given(st.data())
def test_each_channel_hears_firing_and_resolved_by_turns(data: st.DataObject) -> None:
    """Whatever begins, ends, is silenced or goes unsaid because we were down."""
    known: dict[tuple[int, str], Told] = {}
    heard: dict[tuple[int, str], list[str]] = {}
    current: Incident | None = None
    ended: list[Incident] = []
    for step in range(data.draw(st.integers(1, 25))):
        now = NOW + 100 * step
        event = data.draw(st.sampled_from(["fire", "heal", "nothing", "down"]))
        if event == "fire" and current is None:
            current = incident(step + 1, fired=now, severity=data.draw(st.sampled_from(["warning", "critical"])))
        elif event == "heal" and current is not None:
            ended.append(replace(current, resolved=now))
            current = None
        if event == "down":
            continue
        silences = [silence()] if data.draw(st.booleans()) else []
        there = [*ended, *([current] if current else [])]
        for letter in plan(now, situation(incidents=there, told=list(known.values()), silences=silences)):
            for state, numbers in (("firing", letter.firing), ("resolved", letter.resolved)):
                for number in numbers:
                    known[number, letter.channel] = told(number, letter.channel, state, now)
                    heard.setdefault((number, letter.channel), []).append(state)
    for said in heard.values():
        assert said[0] == "firing"
        assert "resolved" not in said[:-1]
