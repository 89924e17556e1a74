"""What cannot be true: taken out of a poll by itself, counted, named once."""

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.findings import Findings
from collectors.round import Off, Round
from collectors.sieve import DOUBLED, IMPOSSIBLE, LEAP, UNREADABLE, Sieve, limits_of
from metrics.finding import FINDINGS, unpacked
from metrics.model import Kind, Metric, Pace, Sample, Unit, labelled
from metrics.poll import Poll, Tier
from metrics.reading import Reading
from metrics.samples import Samples

CLIENTS = Metric(name="clients", kind=Kind.GAUGE, unit=Unit.COUNT, help="C.", labels=("db", "user"))
LONGEST = Metric(name="longest_wait_seconds", kind=Kind.GAUGE, unit=Unit.SECONDS, help="L.", labels=("db",))
WAIT = Metric(
    name="wait_seconds_total",
    kind=Kind.COUNTER,
    unit=Unit.SECONDS,
    help="W.",
    labels=("db",),
    epoch="start",
    pace=Pace(per_second=1.0, each=(CLIENTS,), earlier=LONGEST),
)
WHOLE = Metric(name="used_bytes", kind=Kind.GAUGE, unit=Unit.BYTES, help="U.")
PART = Metric(name="data_bytes", kind=Kind.GAUGE, unit=Unit.BYTES, help="D.", part_of=WHOLE)
SHARE = Metric(name="full_ratio", kind=Kind.GAUGE, unit=Unit.RATIO, help="F.")
SIGNED = Metric(name="offset", kind=Kind.GAUGE, unit=Unit.COUNT, help="O.", least=-math.inf)
DECLARED = {metric.name: metric for metric in (CLIENTS, LONGEST, WAIT, WHOLE, PART, SHARE, SIGNED)}


def samples(*given_: tuple[Metric | str, float] | tuple[Metric | str, float, Mapping[str, str]]) -> Samples:
    return Samples(
        Sample(
            each[0] if isinstance(each[0], str) else each[0].name, labelled(each[2] if len(each) > 2 else {}), each[1]
        )
        for each in given_
    )


def names(found: Sequence[Sample]) -> list[str]:
    return [sample.metric for sample in found]


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (WHOLE, -1.0),
        (WHOLE, 2.0**64),
        (WHOLE, math.nan),
        (WHOLE, math.inf),
        (SHARE, 1.0001),
        (LONGEST, -0.001),
        (LONGEST, 3.1e12),
        (WAIT, -5.0),
        (WAIT, 2.0**63),
    ],
)
def test_what_cannot_be_is_taken_out_and_all_else_stays(metric: Metric, value: float) -> None:
    sieve = Sieve(DECLARED)
    kept, refused = sieve.sift(Tier.FAST, samples((SIGNED, -7.0), (metric, value), (CLIENTS, 3.0)), 0.0)
    assert names(kept) == ["offset", "clients"]
    assert [(each.reason, each.metric) for each in refused] == [(IMPOSSIBLE, metric.name)]
    assert sieve.refused == {IMPOSSIBLE: 1}


def test_a_part_is_no_larger_than_its_whole() -> None:
    sieve = Sieve(DECLARED)
    kept, refused = sieve.sift(Tier.FAST, samples((WHOLE, 100.0), (PART, 101.0)), 0.0)
    assert names(kept) == ["used_bytes"]
    assert "more than the 100 of used_bytes" in refused[0].text
    assert not sieve.sift(Tier.FAST, samples((WHOLE, 100.0), (PART, 100.0)), 1.0)[1]


def test_the_first_of_two_samples_of_a_series_counts() -> None:
    given_ = samples((CLIENTS, 3.0, {"db": "a"}), (CLIENTS, 4.0, {"db": "a"}), (CLIENTS, 5.0, {"db": "b"}))
    kept, refused = Sieve(DECLARED).sift(Tier.FAST, given_, 0.0)
    assert [sample.value for sample in kept] == [3.0, 5.0]
    assert [(each.reason, each.series) for each in refused] == [(DOUBLED, 'clients{db="a"}')]


def test_a_counter_that_leaps_is_unknown_for_once_and_no_increase_is_taken_across() -> None:
    sieve = Sieve(DECLARED)
    seen = []
    for now, value in enumerate([10.0, 15.0, 1e9, 1e9 + 5.0]):
        kept, _ = sieve.sift(
            Tier.FAST,
            samples((WAIT, value, {"db": "a"}), (CLIENTS, 3.0, {"db": "a", "user": "x"}), (CLIENTS, 2.0, {"db": "a"})),
            10.0 * now,
        )
        seen.append((len(kept), sieve.epochs({"start": 7.0, "other": 1.0})))
    before, after = {"start": 7.0, "other": 1.0}, {"start": 8.0, "other": 1.0}
    assert seen == [(3, before), (3, before), (2, after), (3, after)]
    assert sieve.refused == {LEAP: 1}


def test_waits_that_began_earlier_are_believed() -> None:
    """One client that waited a minute is counted when it has been served."""
    sieve = Sieve(DECLARED)
    for now, wait, longest in ((0.0, 0.0, 50.0), (10.0, 60.0, 0.0)):
        given_ = samples((WAIT, wait, {"db": "a"}), (CLIENTS, 1.0, {"db": "a"}), (LONGEST, longest, {"db": "a"}))
        assert not sieve.sift(Tier.FAST, given_, now)[1]
    given_ = samples((WAIT, 130.0, {"db": "a"}), (CLIENTS, 1.0, {"db": "a"}), (LONGEST, 0.0, {"db": "a"}))
    assert sieve.sift(Tier.FAST, given_, 20.0)[1]


@given(
    st.lists(
        st.fixed_dictionaries(
            {("wait", "a"): st.sampled_from([0.0, 5.0, 20.0, 30.0, 500.0, -1.0])},
            optional={
                ("wait", "b"): st.sampled_from([0.0, 5.0, 20.0, 500.0]),
                ("clients", "a"): st.sampled_from([0.0, 1.0, 3.0, -2.0]),
                ("longest", "a"): st.sampled_from([0.0, 12.0, math.nan]),
            },
        ),
        min_size=2,
        max_size=8,
    )
)
def test_a_leap_is_told_from_the_poll_before_whatever_came_and_went(polls: list[dict[tuple[str, str], float]]) -> None:
    """As a look at each counter by itself says it."""
    metrics = {"wait": WAIT, "clients": CLIENTS, "longest": LONGEST}
    sieve = Sieve(DECLARED)
    known: dict[str, tuple[float, float, float, float]] = {}
    for number, poll in enumerate(polls):
        now = 10.0 * number
        wanted = set()
        for db in "ab":
            value, clients = poll.get(("wait", db), -1.0), poll.get(("clients", db), 0.0)
            longest = poll.get(("longest", db), 0.0)
            if value >= 0:
                if db in known:
                    at, last, clients_then, longest_then = known[db]
                    most = (now - at + longest_then) * max(1.0, clients, clients_then)
                    if value - last > most:
                        wanted.add(db)
                known[db] = now, value, clients, longest if longest > 0 else 0.0
        given_ = samples(*((metrics[name], value, {"db": db}) for (name, db), value in poll.items()))
        _, refused = sieve.sift(Tier.FAST, given_, now)
        assert {dict(each.labels)["db"] for each in refused if each.reason == LEAP} == wanted


def test_the_same_series_are_cut_to_the_same_keys() -> None:
    sieve = Sieve(DECLARED)
    cut = [sieve.sift(Tier.FAST, samples((WHOLE, -1.0), (SIGNED, 1.0)), 0.0)[0].runs[0] for _ in range(2)]
    assert cut[0] is cut[1]


@given(
    st.lists(
        st.tuples(st.sampled_from([*DECLARED, "unheard_of", "x_bucket", "x_sum"]), st.floats(), st.sampled_from("ab")),
        max_size=30,
    )
)
def test_what_is_kept_is_what_each_sample_by_itself_allows(given_: list[tuple[str, float, str]]) -> None:
    """One sample a series, each within its limits, and none of the others is lost."""
    first: dict[tuple[str, str], float] = {}
    for name, value, db in given_:
        first.setdefault((name, db), value)
    kept, refused = Sieve(DECLARED).sift(Tier.FAST, samples(*((n, v, {"db": db}) for n, v, db in given_)), 0.0)
    wanted = []
    for (name, db), value in first.items():
        low, high = DECLARED[name].limits if name in DECLARED else (-math.inf, math.inf)
        if name == "x_bucket":
            low = 0.0
        if name.startswith("x_") and math.isinf(value):
            continue
        of = first.get((WHOLE.name, db), math.inf)
        believed = WHOLE.limits[0] <= of <= WHOLE.limits[1]
        if low <= value <= high and not (name == PART.name and believed and value > of):
            wanted.append((name, db, value))
    assert [(sample.metric, dict(sample.labels)["db"], sample.value) for sample in kept] == wanted
    assert len(kept) + len(refused) == len(given_)


def test_what_kinds_of_source_declare_is_known_and_a_kind_without_a_folder_declares_nothing() -> None:
    assert limits_of("redis")["redis_memory_used_bytes"].limits[0] == 0.0
    assert limits_of("no_such_kind") == {}


READING = Reading("SHOW IT", {"used": WHOLE, "share": SHARE}, labels={"name": "db"})


def rounds(*given_: Sequence[Mapping[str, object]]) -> tuple[list[Poll], Sieve, Findings]:
    off, sieve, findings, polls = Off(), Sieve(DECLARED), Findings(), []
    for rows in given_:
        round_ = Round("x", Tier.FAST, off, sieve, findings)
        with round_.part("SHOW IT"):
            round_.take(READING, rows)
        polls.append(round_.poll())
    return polls, sieve, findings


def test_a_bad_row_costs_itself_and_is_named_once() -> None:
    bad = {"name": b"caf\xe9", "used": "many", "share": 2.0}
    good = {"name": b"caf\xe8", "used": 5, "share": 0.5}
    polls, sieve, findings = rounds([bad, good], [bad, good])
    for poll in polls:
        assert [(s.metric, s.labels, s.value) for s in poll.samples] == [
            ("used_bytes", (("db", "caf\\xe8"),), 5.0),
            ("full_ratio", (("db", "caf\\xe8"),), 0.5),
        ]
    assert [[record.kind for record in poll.records] for poll in polls] == [[FINDINGS], []]
    assert sieve.refused == {UNREADABLE: 2, IMPOSSIBLE: 2}
    texts = {finding.key: finding.text for finding in unpacked(polls[0].records[0].body)}
    assert (
        texts["unreadable:SHOW IT"] == "SHOW IT: used of caf\\xe9 is no number but 'many'; unknown, all others count."
    )
    assert texts["impossible:full_ratio"] == 'full_ratio{db="caf\\xe9"} was 2, which cannot be.'
    assert {finding.metric for finding in findings.all()} == {"full_ratio", ""}


def test_a_finding_stays_while_its_statement_is_not_asked_and_goes_when_it_is_not_found_again() -> None:
    off, findings, kept = Off(), Findings(), []

    def one(found: bool, fails: bool = False) -> None:
        round_ = Round("x", Tier.FAST, off, findings=findings)
        if found:
            round_.finding("odd", "It is odd.", "mend it", statement="SHOW IT")
        if fails:
            round_.partial["SHOW IT"] = None  # type: ignore[assignment]  # that there is one is what counts
        kept.append([(r.kind, [f.text for f in unpacked(r.body)]) for r in round_.poll().records])

    one(True)
    one(True)
    one(False, fails=True)
    one(False)
    one(False)
    assert kept == [[(FINDINGS, ["It is odd."])], [], [], [(FINDINGS, [])], []]


def test_what_comes_and_goes_is_said_once() -> None:
    now = [0.0]
    findings, off = Findings(clock=lambda: now[0]), Off()
    kept = []
    for at, found in ((0, True), (10, False), (20, True), (700, False)):
        now[0] = at
        round_ = Round("x", Tier.FAST, off, findings=findings)
        if found:
            round_.finding("odd", "It is odd.", linger=600)
        kept.append([len(unpacked(record.body)) for record in round_.poll().records])
    assert kept == [[1], [], [], [0]]
