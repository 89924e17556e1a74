"""What a remote is sent, and what happens when it says no, later, or nothing."""

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.model import labelled
from storage.remote.batch import Batch, cut, halves
from storage.remote.door import Door
from storage.remote.faults import Refused, Waits
from storage.remote.sender import Sender
from storage.remote.wire import Wire
from tests.servers import Hole
from tests.storage.remotes import Decoded, Receiver, decoded, remote, written


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def batch(samples: Sequence[tuple[str, str, int, float]]) -> Batch:
    """Metric, source, milliseconds and value of each sample."""
    made = Batch()
    for metric, source, at, value in sorted(samples, key=lambda sample: sample[2]):
        made.add((metric, labelled({"source": source})), at, value)
    return made


T = 1_790_000_000_000
TWO_BY_FOUR = batch([(m, s, T + i, i) for m in ("x", "y") for s in ("a", "b") for i in range(4)])


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=300),
        st.lists(st.tuples(st.integers(0, 2**45), st.floats(allow_nan=False)), min_size=1, max_size=4),
        max_size=4,
    )
)
def test_what_is_encoded_is_what_another_decoder_reads(tables: dict[str, list[tuple[int, float]]]) -> None:
    made = Batch()
    for table, samples in tables.items():
        for at, value in sorted(samples):
            made.add(("rows", labelled({"source": "a", "table": table})), at, value)
    found = dict(decoded(Wire({"collector": "eu"}).body(made)))
    names = {"__name__": "rows", "collector": "eu", "source": "a"}
    assert found == {
        labelled({**names, "table": dict(labels)["table"]}): list(zip(*columns, strict=True))
        for (_, labels), columns in made.series.items()
    }


def test_infinities_travel_and_empty_labels_and_half_characters_do_not() -> None:
    made = Batch()
    made.add(("x", labelled({"source": "a", "none": "", "half": "\ud800"})), T, -math.inf)
    assert list(decoded(Wire({}).body(made))) == [
        (labelled({"__name__": "x", "source": "a", "half": "?"}), [(T, -math.inf)])
    ]


def test_pieces_are_stretches_of_time_then_sources_then_series() -> None:
    older, newer = halves(TWO_BY_FOUR)
    assert (older.times(), newer.times()) == ([T, T + 1], [T + 2, T + 3])
    one_time = next(iter(cut(TWO_BY_FOUR, 4)))
    assert [half.sources() for half in halves(one_time)] == [["a"], ["b"]]
    alone = list(cut(TWO_BY_FOUR, 1))
    assert [piece.times()[0] for piece in alone] == sorted(T + i for i in range(4) for _ in range(4))


class Made:
    """Senders to the receiver, and what they said."""

    def __init__(self, url: str) -> None:
        self.url, self.said = url, list[str]()
        self.senders: list[Sender] = []

    def __call__(self, url: str = "", **more: Any) -> Sender:
        settings = remote(url or self.url, **more)
        self.senders.append(Sender(Door(settings), settings, self.said.append))
        return self.senders[-1]


@pytest.fixture
def make(receiver: Receiver) -> Iterator[Made]:
    made = Made(receiver.url)
    yield made
    for sender in made.senders:
        sender.close()


def test_a_bad_sample_does_not_take_the_good_along(receiver: Receiver, make: Made) -> None:
    """400 for whatever holds y of a at one time: everything else arrives, older before newer."""

    def bad(series: Sequence[Decoded]) -> tuple[int, str] | None:
        found = [at for labels, samples in series for at, _ in samples if dict(labels)["__name__"] == "y"]
        mine = [labels for labels, _ in series if dict(labels)["source"] == "a"]
        return (400, "label too long") if T + 2 in found and mine else None

    receiver.refuses = bad
    outcome = make().send(TWO_BY_FOUR)
    assert (outcome.dropped, outcome.refused) == (1, {("a", T + 2): "label too long"})
    assert len(receiver.samples("x")) == 8
    assert len(receiver.samples("y")) == 7
    first = [min(at for _, samples in request for at, _ in samples) for request in receiver.got]
    assert first == sorted(first)
    (line,) = make.said
    assert "1 samples were given up" in line


def test_samples_refused_for_their_age_are_no_failure_of_their_poll(receiver: Receiver, make: Made) -> None:
    receiver.refuses = lambda series: (
        (400, "out of order sample") if min(at for _, found in series for at, _ in found) < T + 2 else None
    )
    outcome = make().send(TWO_BY_FOUR)
    assert (outcome.dropped, outcome.of_age, outcome.refused) == (8, 8, {})
    assert sum(len(found) for request in receiver.got for _, found in request) == 8


@pytest.mark.parametrize(
    ("reason", "of_age"),
    [
        ("out of order sample", True),
        ("add 1 samples: out of bounds", True),
        ("duplicate sample for timestamp", True),
        ("the sample has been rejected (err-mimir-sample-out-of-order)", True),
        ("timestamp is too old (err-mimir-sample-timestamp-too-old)", True),
        ("label value too long", False),
        ("per-user series limit of 150000 exceeded", False),
    ],
)
def test_words_for_a_wrong_age(reason: str, of_age: bool) -> None:
    """As Prometheus, Thanos and Mimir write them."""
    assert Refused("", 400, reason).of_age == of_age


def test_however_many_are_too_old_the_new_ones_arrive(receiver: Receiver, make: Made) -> None:
    """As after an outage, when the last minute is sent again to a Prometheus that takes nothing late."""
    receiver.refuses = lambda series: (
        (400, "out of bounds") if any(at % 2 == 0 for _, found in series for at, _ in found) else None
    )
    many = batch([("x", f"s{i}", T + i, 1.0) for i in range(800)])
    assert make().send(many).dropped == 400
    assert len(receiver.samples("x")) == 400


def test_a_remote_that_refuses_everything_is_not_asked_for_ever(receiver: Receiver, make: Made) -> None:
    receiver.refuses = lambda series: (400, "no")
    many = batch([("x", f"s{i}", T + i, 1.0) for i in range(2000)])
    assert make().send(many).dropped == 2000
    assert len(receiver.asked) < 600


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503, 302])
def test_what_may_pass_is_waited_for(receiver: Receiver, make: Made, status: int) -> None:
    """Nothing is dropped for a password that was changed or a path that a proxy lost."""
    receiver.answers = [(status, {"Retry-After": "7"} if status == 429 else {}, "not now")]
    with pytest.raises(Waits, match=f"HTTP {status}") as caught:
        make().send(TWO_BY_FOUR)
    assert caught.value.after == (7.0 if status == 429 else None)
    assert not caught.value.lost
    assert make().send(TWO_BY_FOUR).dropped == 0


def test_no_answer_and_no_server_are_waited_for(hole: Hole, receiver: Receiver, make: Made) -> None:
    """Each within its timeout."""
    started = time.monotonic()
    with pytest.raises(Waits, match="no answer within") as caught:
        make(f"http://127.0.0.1:{hole.port}", timeout="300ms").send(TWO_BY_FOUR)
    assert time.monotonic() - started < 2
    assert caught.value.lost
    receiver.close()
    with pytest.raises(Waits, match="refused"):
        make().send(TWO_BY_FOUR)


@pytest.mark.parametrize("way", ["password", "token", "file", "header"])
def test_secrets_are_sent_and_never_said(receiver: Receiver, make: Made, tmp_path: Path, way: str) -> None:
    """Not even when the remote repeats them."""
    secret = "Hunter2-Hunter2"
    path = str(written(tmp_path / "token", f"{secret}\n"))
    ways: dict[str, dict[str, Any]] = {
        "password": {"user": "u", "password": secret},
        "token": {"token": secret},
        "file": {"token_file": path},
        "header": {"headers": {"X-Key": secret}},
    }
    sender = make(**ways[way])
    sender.send(TWO_BY_FOUR)
    sent = " ".join(f"{name}: {value}" for name, value in receiver.asked[0].items())
    assert ("Basic dTpIdW50ZXIyLUh1bnRlcjI=" if way == "password" else secret) in sent
    receiver.answers = [(500, {}, f"you said {secret}")]
    with pytest.raises(Waits) as caught:
        sender.send(TWO_BY_FOUR)
    assert "you said …" in str(caught.value)
    assert secret not in str(caught.value)


def test_a_secret_that_was_changed_is_read_again_when_the_old_one_is_refused(
    receiver: Receiver, make: Made, tmp_path: Path
) -> None:
    path = written(tmp_path / "token", "old-token-old")
    sender = make(token_file=str(path))
    sender.send(TWO_BY_FOUR)
    written(path, "new-token-new")
    receiver.answers = [(401, {}, "unknown token old-token-old")]
    with pytest.raises(Waits) as caught:
        sender.send(TWO_BY_FOUR)
    assert "old-token-old" not in str(caught.value)
    sender.send(TWO_BY_FOUR)
    assert receiver.asked[-1]["Authorization"] == "Bearer new-token-new"
