"""Readings and clock in, judgements and changes out. Nothing is written here.

Each stored poll is judged once, over windows that end with it. Of a source that is not polled any more everything is
unknown, which is found by the clock.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from alerts.machine import ALARMED, NEEDED, Change, Judged, Mind, Phase, step
from alerts.recent import Recent
from alerts.rule import EVERY, ITSELF, Rule, Rules
from alerts.sight import Sight
from alerts.stale import POLL_AGE, SOURCES_SEEN, trivet_cannot_see
from metrics.duration import spoken
from metrics.evaluate import evaluate
from metrics.forms import Quantile, Ratio, Share, TermLike
from metrics.judge import against
from metrics.model import SOURCE, Labels, Metric, Selector
from metrics.points import LOOKBACK, Points, Read
from metrics.target import State, Target, Verdict
from metrics.watch import EPOCH
from storage.incidents import Changed, Remembered
from storage.tail import Fresh

LATE = 3.0
"""Intervals without a poll after which nothing is known of a source."""

AWAY = 7200.0
"""Seconds for which a judge may have been away and still judges every poll that it missed."""

OWN = "trivet"
"""What stands for a source in what is judged of Trivet itself."""

GONE = 86_400.0
"""Seconds after which a subject that nobody reports any more, such as a dropped table, is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """A source as far as the judge needs to know it."""

    name: str
    kind: str
    interval: float = 10.0


@dataclass(frozen=True, slots=True)
class Now:
    """One moment: by the wall, and by a clock of the machine that no one sets, with its boot."""

    wall: float
    boot: str
    clock: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One rule for one subject, judged once.

    spent  seconds since the judgement before, as far as they count
    tier   whose poll was judged; empty: the clock
    """

    rule: str
    source: str
    labels: Labels
    target: Target
    judged: Judged
    phase: Phase
    spent: float
    tier: str


@dataclass(slots=True)
class Pass:
    """What came of one look at what is new. ``gone``: keys of what is judged no more."""

    judgements: list[Judgement] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    minds: list[Remembered] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def key_of(rule: str, source: str, labels: Labels) -> str:
    """What one rule for one subject is remembered by.

    >>> key_of("hit", "cache", (("db", "0"),))
    '["hit", "cache", [["db", "0"]]]'
    """
    if not rule or not source:
        raise ValueError("a rule and a source have names")
    return json.dumps([rule, source, labels], ensure_ascii=False)


def wanted(rules: Iterable[Rule]) -> set[str]:
    """The names of all series that the rules are made of."""
    names = {EPOCH.name}
    for rule in rules:
        form = rule.form
        names |= {term.selector.metric for term in form.inputs()}
        if isinstance(form, Share | Quantile):
            names |= {f"{form.of.name}{end}" for end in ("_bucket", "_count", "_sum")}
        if isinstance(form, Ratio):
            names |= {floor.metric.name for floor in form.where}
            for guard in form.guards:
                names |= {guard.metric.name, *(_name(term) for term in guard.idle)}
                names |= {guard.then.name} if isinstance(guard.then, Metric) else set()
    return names - {POLL_AGE.name, SOURCES_SEEN.name}


def _name(term: TermLike) -> str:
    return (term if isinstance(term, Metric) else term.metric).name


def longest(rules: Rules) -> float:
    """Seconds of values that have to be at hand."""
    windows = [rule.declared.window for rule in rules.rules.values()]
    return max(windows, default=0.0) + LOOKBACK + 60.0


class Judge:
    """Remembers between looks where each rule stands for each subject. One thread at a time."""

    def __init__(self, rules: Rules, sources: Sequence[Subjects], minds: Iterable[Remembered] = ()) -> None:
        """With what an earlier judge remembered, if there was one."""
        self.rules = rules
        self.recent = Recent(wanted(rules.rules.values()), longest(rules))
        self._sources = {source.name: source for source in sources}
        self._minds: dict[str, Mind] = {}
        self._whom: dict[str, tuple[str, str, Labels]] = {}
        self._heard: dict[str, float] = {}
        self._forced: dict[str, float] = {}
        self._tiers: dict[tuple[str, str], set[str]] = {}
        self._known: dict[tuple[str, str], bool] = {}
        self._ages: dict[str, float] = {}
        self._sight = Sight({source.name: source.interval for source in sources})
        self._judging: Fresh | None = None
        self._blind = False
        for each in minds:
            self._whom[each.key] = each.rule, each.source, each.labels
            self._minds[each.key] = mind_of(each.body)

    @property
    def back(self) -> float:
        """Seconds of the past that have to be read before the first judgement, with what was missed meanwhile."""
        return longest(self.rules) + AWAY

    def minds(self) -> Iterator[tuple[str, str, Labels, Mind]]:
        """Where each rule stands for each subject."""
        for key, mind in self._minds.items():
            yield (*self._whom[key], mind)

    def retune(self, rules: Rules, sources: Sequence[Subjects], now: Now) -> Pass:
        """Other rules or sources: what is unchanged keeps its state, what is gone ends without a word of health."""
        self.rules, found = rules, Pass()
        self._sources = {source.name: source for source in sources}
        self._sight.change({source.name: source.interval for source in sources})
        self.recent.widen(wanted(rules.rules.values()), longest(rules))
        for key in [key for key, (rule, source, _) in self._whom.items() if not self._judges(rule, source)]:
            self._end(found, key, now, "judged no more: the rule is switched off, or its source is gone")
        return found

    def look(self, fresh: Sequence[Fresh], now: Now) -> Pass:
        """Judge every poll that is new, and what the clock says of sources that have none."""
        found = Pass()
        for poll in fresh:
            if poll.source in self._sources:
                self._poll(found, poll, now)
        self._judging = None
        for source in self._sources.values():
            heard = self._heard.setdefault(source.name, now.clock)
            late = now.clock - heard > LATE * source.interval
            due = now.clock - self._forced.get(source.name, 0.0) >= source.interval
            if late and due:
                self._forced[source.name] = now.clock
                self._silent(found, source, now, now.clock - heard)
        self._seen(found, now)
        return found

    def _poll(self, found: Pass, poll: Fresh, now: Now) -> None:
        if not self.recent.add(poll):
            self._unsee(poll.source)
        if poll.tier == "fast":
            self._heard[poll.source] = now.clock - max(0.0, min(now.wall - poll.at, LATE * 3600))
            self._ages[poll.source] = 0.0
            self._sight.add(poll, self._heard[poll.source])
        # A poll of a while ago is judged as if it had been then. One of a time that is yet to come, the clock having
        # been set back since, is of now at the latest: what comes after it would be taken for older.
        at = Now(poll.at, now.boot, now.clock - max(0.0, now.wall - poll.at))
        self._judging = poll
        for rule in self._due(poll):
            self._judge(found, rule, poll.source, poll.tier, at)

    def _due(self, poll: Fresh) -> Iterator[Rule]:
        kind = self._sources[poll.source].kind
        there = {name.metric for name in poll.names}
        for rule in self.rules.rules.values():
            if rule.kind not in (kind, EVERY):
                continue
            of = self._tiers.setdefault((poll.source, rule.name), set())
            if any(_feeds(term.selector, there) for term in rule.form.inputs()):
                of.add(poll.tier)
            # What was never seen is looked for with every poll of the interval.
            if poll.tier in (of or {"fast"}):
                yield rule

    def _judge(self, found: Pass, rule: Rule, source: str, tier: str, at: Now) -> None:
        target = self.rules.target(rule, source)
        if target is None:
            return
        read = self._read(source, at.wall)
        lines = evaluate(rule.form, read, np.array([at.wall]), target.window)
        seen = set()
        for line in lines:
            verdict = against(rule.form, line, read, target, at.wall)
            key = self._key(rule.name, source, line.subject.labels)
            seen.add(key)
            if verdict.state is State.UNKNOWN or verdict.end is None or verdict.end >= at.wall:
                self._step(found, key, target, _judged(verdict, at), tier)
            # Else a value of an earlier poll stands in for one that did not come: what is old neither holds nor ends.
        self._known[source, rule.name] = self._known.get((source, rule.name), False) or bool(lines)
        for key in [k for k, (r, s, _) in self._whom.items() if r == rule.name and s == source and k not in seen]:
            reason = f"nothing of it has been reported for {spoken(at.wall - self._minds[key].since)}"
            if self._minds[key].phase is Phase.UNKNOWN and at.wall - self._minds[key].since > GONE:
                self._end(found, key, at, "it is not there any more")
            else:
                self._step(found, key, target, _unknown(at, reason), tier)

    def broken(self) -> Iterator[tuple[str, str, str]]:
        """Rule, source and reason of what cannot be judged: its metric was never seen, or has vanished."""
        for source in self._sources.values():
            for rule in self.rules.rules.values():
                if rule.kind not in (source.kind, EVERY) or self.rules.target(rule, source.name) is None:
                    continue
                if self._known.get((source.name, rule.name)) is False:
                    absent = rule.form.absent or f"no sample of {rule.form.inputs()[0].selector.metric} was ever seen"
                    yield rule.name, source.name, absent

    def _silent(self, found: Pass, source: Subjects, now: Now, silence: float) -> None:
        self._ages[source.name] = silence
        reason = f"not polled for {spoken(silence)}"
        for key in [key for key, (_, name, _) in self._whom.items() if name == source.name]:
            rule = self.rules.rules.get(self._whom[key][0])
            target = self.rules.target(rule, source.name) if rule else None
            if rule and target and not _of_age(rule):
                self._step(found, key, target, _unknown(now, reason), "")
        for rule in self.rules.rules.values():
            target = self.rules.target(rule, source.name) if _of_age(rule) else None
            if target is not None:
                value = silence / source.interval
                state = State.MET if target.met_by(value) else State.MISSED
                judged = Judged(
                    at=now.wall,
                    boot=now.boot,
                    clock=now.clock,
                    state=state,
                    value=value,
                    part=silence,
                    whole=source.interval,
                    reason=reason,
                )
                key = self._key(rule.name, source.name, ())
                # That nothing comes needs no second sample.
                self._minds[key] = replace(self._minds.get(key, Mind()), seen=NEEDED)
                self._step(found, key, target, judged, "")

    def _seen(self, found: Pass, now: Now) -> None:
        """Whether the sources can be seen at all; judged at once when that changes."""
        rule = self.rules.rules.get(trivet_cannot_see.name)
        target = self.rules.target(rule, OWN) if rule and len(self._sources) > 1 else None
        if target is None:
            return
        seen = float(self._sight.seen(now.clock))
        key = self._key(trivet_cannot_see.name, OWN, ())
        state = State.MET if target.met_by(seen) else State.MISSED
        due = now.clock - self._forced.get(OWN, -self._sight.interval) >= self._sight.interval
        if not due and self._blind == (state is State.MISSED):
            return
        self._forced[OWN], self._blind = now.clock, state is State.MISSED
        good = state is State.MET and target.recovered_by(seen)
        judged = Judged(at=now.wall, boot=now.boot, clock=now.clock, state=state, good=good, value=seen)
        self._minds[key] = replace(self._minds[key], seen=NEEDED)
        self._step(found, key, target, judged, "")

    def _step(self, found: Pass, key: str, target: Target, judged: Judged, tier: str) -> None:
        rule, source, labels = self._whom[key]
        before = self._minds.get(key, Mind())
        poll = self._judging
        if self._seen_before(before, judged, poll):
            return
        interval = (
            self._sight.interval if source == OWN and rule == trivet_cannot_see.name else self._sources[source].interval
        )
        gap = LATE * max(interval, _pace(tier))
        mind, change = step(before, judged, target, gap)
        mind = mind if poll is None else replace(mind, seq=poll.seq)
        self._minds[key] = mind
        passed = judged.clock - before.clock if before.boot == judged.boot else judged.at - before.at
        spent = passed if before.boot and 0 < passed <= gap else 0.0
        found.judgements.append(
            Judgement(
                rule=rule,
                source=source,
                labels=labels,
                target=target,
                judged=judged,
                phase=mind.phase,
                spent=spent,
                tier=tier,
            )
        )
        if change is not None and (change.new is not change.old or change.lost or change.found):
            found.changes.append(self._changed(key, before, mind, change, target, judged))
        elif mind.phase in (Phase.PENDING, Phase.RECOVERING) or before.phase is not mind.phase or not before.boot:
            found.minds.append(self._remembered(key, mind))

    @staticmethod
    def _seen_before(before: Mind, judged: Judged, poll: Fresh | None) -> bool:
        """What was judged is not judged again. Of polls from before our start only the order is certain."""
        if poll is not None and poll.missed and before.seq:
            return poll.seq <= before.seq
        return judged.at <= before.at and judged.boot == before.boot and judged.clock <= before.clock

    def _changed(self, key: str, before: Mind, mind: Mind, change: Change, target: Target, judged: Judged) -> Changed:
        evidence = {name: value for name, value in asdict(judged).items() if name in ("part", "whole", "volume")}
        return Changed(
            mind=self._remembered(key, mind),
            at=judged.at,
            old=change.old,
            new=change.new,
            severity=target.severity,
            began=(before if change.fires and before.phase is Phase.PENDING else mind).began or judged.at,
            opens=change.fires,
            closes=change.resolves,
            lost=mind.lost,
            flapping=mind.flapping,
            by_wall=mind.by_wall,
            value=judged.value,
            bound=target.bound,
            reason=judged.reason,
            evidence={**evidence, "window": target.window, "direction": str(target.direction)},
        )

    def _end(self, found: Pass, key: str, now: Now, reason: str) -> None:
        """Give up what nobody judges any more; an incident of it ends, and its reason says that this is no recovery."""
        mind = self._minds.pop(key)
        rule, source, labels = self._whom.pop(key)
        if mind.phase in ALARMED:
            end = Remembered(
                key=key, rule=rule, source=source, labels=labels, phase=Phase.UNKNOWN, at=now.wall, body="{}"
            )
            found.changes.append(
                Changed(
                    mind=end,
                    at=now.wall,
                    old=mind.phase,
                    new=Phase.UNKNOWN,
                    severity="",
                    began=mind.began,
                    closes=True,
                    reason=reason,
                )
            )
        found.gone.append(key)

    def _unsee(self, source: str) -> None:
        """After a clock that was set: two samples again before anything is said."""
        for key, (_, name, _) in self._whom.items():
            if name == source:
                self._minds[key] = replace(self._minds[key], seen=0)

    def _key(self, rule: str, source: str, labels: Labels) -> str:
        key = key_of(rule, source, labels)
        self._whom.setdefault(key, (rule, source, labels))
        self._minds.setdefault(key, Mind())
        return key

    def _remembered(self, key: str, mind: Mind) -> Remembered:
        rule, source, labels = self._whom[key]
        body = json.dumps(asdict(mind))
        return Remembered(key=key, rule=rule, source=source, labels=labels, phase=mind.phase, at=mind.at, body=body)

    def _judges(self, rule: str, source: str) -> bool:
        known = self.rules.rules.get(rule)
        if known and known.kind == ITSELF:
            return source == OWN and len(self._sources) > 1 and self.rules.target(known, OWN) is not None
        there = self._sources.get(source)
        return bool(known and there and known.kind in (there.kind, EVERY) and self.rules.target(known, source))

    def _read(self, source: str, now: float) -> Read:
        stored = self.recent.read(source)

        def ask(selector: Selector, start: float, end: float) -> Sequence[Points]:
            if selector.metric == POLL_AGE.name:
                return [Points({SOURCE: source}, np.array([now]), np.array([self._ages.get(source, 0.0)]))]
            return stored(selector, start, end)

        return ask


def _feeds(selector: Selector, there: set[str]) -> bool:
    return selector.metric in there


def _of_age(rule: Rule) -> bool:
    return any(term.metric is POLL_AGE for term in rule.form.inputs())


def _pace(tier: str) -> float:
    """Seconds between two polls of a tier that is not asked at every interval."""
    return {"medium": 60.0, "slow": 3600.0}.get(tier, 0.0)


def _judged(verdict: Verdict, at: Now) -> Judged:
    value = verdict.value
    good = verdict.state is State.MET and value is not None and verdict.target.recovered_by(value)
    return Judged(
        at=at.wall,
        boot=at.boot,
        clock=at.clock,
        state=verdict.state,
        good=good,
        value=value,
        part=verdict.part,
        whole=verdict.whole,
        volume=verdict.volume,
        reason=verdict.reason,
        idle=verdict.idle,
    )


def _unknown(at: Now, reason: str) -> Judged:
    return Judged(at=at.wall, boot=at.boot, clock=at.clock, state=State.UNKNOWN, reason=reason)


def mind_of(body: str) -> Mind:
    """What is remembered, out of what was kept of it."""
    known: Mapping[str, object] = json.loads(body or "{}")
    given = {**known, "phase": Phase(str(known.get("phase", Phase.UNKNOWN))), "ends": tuple(known.get("ends", ()))}  # type: ignore[arg-type]
    return Mind(**given)  # type: ignore[arg-type]
