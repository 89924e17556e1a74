"""Fault 25: what fires loses its data, in one way or another: nobody is told that it is well again."""

import random
from pathlib import Path

from benchmarks.faults.fault import Outcome
from benchmarks.faults.judging import INTERVAL, Judging, judging
from storage.incidents import Incident

FIRING = ("hit_rate", "queue")
WAYS = ("no polls", "polls that fail", "polls without it", "a good one, then none", "by turns")
TURNS = 60
STEPS = (-7200.0, -30.0, 30.0, 7200.0)


def data(ground: Path, times: int) -> Outcome:
    """Firing, then ten minutes without data, with restarts, reboots and clocks that are set; and well in the end."""
    outcome, chance = Outcome(), random.Random(25)  # noqa: S311 - not a secret
    for i in range(times):
        way = WAYS[i % len(WAYS)]
        with judging(ground / str(i)) as there:
            outcome.count(_run(there, way, chance), f"run {i}, {way}")
    outcome.note = f"{times} runs, 0 false ends" if outcome.good else ""
    return outcome


def _run(there: Judging, way: str, chance: random.Random) -> list[str]:
    for good in [True] * 8 + [False] * 12:
        there.turn(good=good)
    begun = {each.id: each for each in there.incidents.open() if each.rule in FIRING}
    lines = [] if {each.rule for each in begun.values()} == set(FIRING) else [f"only {begun} fire"]
    if way == "a good one, then none":
        there.turn(good=True)
        way = WAYS[2]
    for _ in range(TURNS):
        _without(there, chance.choice(WAYS[:3]) if way == "by turns" else way)
        _whatever(there, chance)
    lines += [f"{each.rule} has ended without data" for each in _ended(there, begun)]
    # In whatever time the clock was, it is judged on from here.
    for _ in range(20):
        there.turn(good=True)
    lines += [f"{each.rule} goes on" for each in there.incidents.open() if each.id in begun]
    return lines


def _ended(there: Judging, begun: dict[int, Incident]) -> list[Incident]:
    goes_on = {each.id for each in there.incidents.open()}
    told = {
        number for each in there.queue.newest(1000) if each.kind in ("resolved", "mixed") for number in each.incidents
    }
    return [each for number, each in begun.items() if number not in goes_on or number in told]


def _without(there: Judging, way: str) -> None:
    there.passes(INTERVAL)
    there.poll("other")
    if way == "polls that fail":
        there.poll("cache", up=False)
    elif way == "polls without it":
        there.poll("cache", bare=True)
    there.engine.once()


def _whatever(there: Judging, chance: random.Random) -> None:
    luck = chance.random()
    if luck < 0.05:
        there.restart()
    elif luck < 0.08:
        there.restart(boots=True)
    elif luck < 0.11:
        there.wall += chance.choice(STEPS)
