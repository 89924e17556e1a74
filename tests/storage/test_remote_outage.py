"""A remote that is away for minutes, dies or says "later": nothing is lost, and the order is kept."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metrics.model import Selector
from metrics.poll import Record
from stack.native.server import Server
from storage.files import StoreError
from storage.remote import spool
from storage.remote.beside import BesideStore
from storage.remote.door import Door
from storage.remote.instead import RemoteStore
from storage.remote.marks import Marks
from storage.remote.reader import RemoteReader
from storage.series import SeriesStore
from storage.store import Reader
from tests.servers import Servers
from tests.storage.remotes import Receiver, poll, remote, soon

AGO = 1800.0
PAUSE = 0.05


@pytest.fixture
def start() -> float:
    """Half an hour ago, at a whole ten seconds."""
    return float((time.time() - AGO) // 10 * 10)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def beside(tmp_path: Path) -> Callable[..., BesideStore]:
    """A local store with a remote beside it that gets the last hour when it is new."""

    def made(url: str, say: Callable[[str], None] = print, **more: Any) -> BesideStore:
        folder = tmp_path / "beside"
        settings = remote(url, **{"backfill": "1h", **more})
        return BesideStore(SeriesStore(folder), [settings], folder, say, pause=PAUSE)

    return made


@pytest.fixture
def instead(tmp_path: Path) -> Callable[..., RemoteStore]:
    """A remote instead of a local store."""

    def made(url: str, say: Callable[[str], None] = print, **more: Any) -> RemoteStore:
        folder = tmp_path / "instead"
        settings = remote(url, mode="instead", **more)
        return RemoteStore(settings, folder, SeriesStore(folder), say, pause=PAUSE)

    return made


def feed(store: RemoteStore | BesideStore, start: float, rounds: range) -> None:
    """Two sources every ten seconds; a counter that falls at round 70, when both start anew."""
    for i in rounds:
        for source in ("a", "b"):
            count = float(i if i < 70 else i - 70)
            values = {"n_total": count, "level": float(i)}
            store.append(poll(start + 10 * i + 0.25, values, source, epochs={"run": float(i >= 70)}))


def has(reader: Reader, start: float, rounds: range) -> bool:
    """Whether everything is there, once and in order."""
    found = reader.raw(Selector("level"), start, start + AGO)
    times = start + 10.0 * np.array(rounds) + 0.25
    return [points.source for points in found] == ["a", "b"] and all(
        len(points.times) == len(times)
        and np.allclose(points.times, times, atol=1e-3, rtol=0)
        and (points.values == np.array(rounds)).all()
        for points in found
    )


def read(url: str, folder: Path, **more: Any) -> RemoteReader:
    """The same engine, asked by another process."""
    return RemoteReader(remote(url, mode="instead", **more), folder, SeriesStore(folder / "other"))


@pytest.mark.parametrize("kind", ["victoriametrics", "prometheus"])
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_five_minutes_without_the_remote(
    own_servers: Servers,
    tmp_path: Path,
    start: float,
    beside: Callable[..., BesideStore],
    instead: Callable[..., RemoteStore],
    kind: str,
    how: str,
) -> None:
    """Also when it was killed and forgot what it had only in memory. This Prometheus takes no late samples."""
    server = getattr(own_servers, kind)()
    said: dict[str, list[str]] = {"beside": [], "instead": []}
    first = beside(server.url, said["beside"].append, labels={"run": "beside"})
    second = instead(server.url, said["instead"].append, labels={"run": "instead"})
    with closing(first), closing(second):
        _away([first, second], server, start, getattr(server, how))
        for run, lines in said.items():
            with closing(read(server.url, tmp_path / run, labels={"run": run})) as reader:
                soon(lambda reader=reader: has(reader, start, range(90)), 30)  # type: ignore[misc]
            heard = [line for line in lines if "given up" not in line]
            assert ["polls wait" in line or "answers again" in line for line in heard] == [True, True]


def _away(stores: Sequence[RemoteStore | BesideStore], server: Server, start: float, end: Callable[[], None]) -> None:
    """Fifteen minutes, five of them without the server."""

    def go_on(rounds: range) -> None:
        for store in stores:
            feed(store, start, rounds)

    def settle() -> None:
        for store in stores:
            soon(store.idle)

    go_on(range(30))
    settle()
    end()
    go_on(range(30, 60))
    assert not any(store.idle() for store in stores)
    server.start()
    settle()
    go_on(range(60, 90))
    settle()


@pytest.mark.parametrize("mode", ["beside", "instead"])
def test_a_remote_that_starts_anew_between_two_polls(
    own_servers: Servers, tmp_path: Path, start: float, request: pytest.FixtureRequest, mode: str
) -> None:
    """No request fails, and yet it has forgotten what was acknowledged: a closed connection is enough to send again."""
    server = own_servers.prometheus(late="1h")
    with closing(request.getfixturevalue(mode)(server.url)) as store:
        feed(store, start, range(20))
        soon(store.idle)
        server.stop()
        shutil.rmtree(server.data)
        server.start()
        feed(store, start, range(20, 21))
        soon(store.idle)
    with closing(read(server.url, tmp_path)) as reader:
        soon(lambda: has(reader, start, range(21)))


@pytest.mark.parametrize("mode", ["beside", "instead"])
def test_a_restart_while_the_remote_is_away(
    receiver: Receiver, start: float, request: pytest.FixtureRequest, mode: str
) -> None:
    """What waits survives our own end, and comes before what is new."""
    make = request.getfixturevalue(mode)
    receiver.answers = [(503, {}, "starting")] * 1000
    with closing(make(receiver.url)) as store:
        feed(store, start, range(20))
    assert not receiver.got
    with closing(make(receiver.url)) as store:
        feed(store, start, range(20, 30))
        receiver.answers = []
        soon(store.idle)
    assert_in_order(receiver, 30)


def assert_in_order(receiver: Receiver, rounds: int) -> None:
    """Each sample at least once, and whenever one comes for the first time, all before it have come."""
    seen: list[float] = []
    for _, value in receiver.samples("level"):
        if value not in seen:
            seen.append(value)
    assert seen == [float(i) for i in range(rounds)]


@pytest.mark.parametrize("mode", ["beside", "instead"])
def test_later_means_later(receiver: Receiver, start: float, request: pytest.FixtureRequest, mode: str) -> None:
    """Retry-After is kept to, and every other failure is tried again with growing pauses."""
    make = request.getfixturevalue(mode)
    with closing(make(receiver.url)) as store:
        feed(store, start, range(3))
        soon(store.idle)
        receiver.answers = [(429, {"Retry-After": "1"}, "slow down"), *[(500, {}, "")] * 4]
        before = len(receiver.times)
        feed(store, start, range(3, 6))
        soon(store.idle)
    pauses = np.diff(receiver.times[before:])
    assert pauses[0] >= 0.95
    assert pauses[2] > pauses[1] / 2
    assert_in_order(receiver, 6)


def test_a_poll_is_acknowledged_by_the_remote_or_by_the_disk(
    receiver: Receiver, instead: Callable[..., RemoteStore], tmp_path: Path, start: float
) -> None:
    """Before the answer nothing is acknowledged; while there is none, the poll is on disk; refused, it is an error."""
    with closing(instead(receiver.url)) as store:
        feed(store, start, range(1))
        assert len(receiver.samples("level")) == 2
        receiver.answers = [(503, {}, "")] * 1000
        feed(store, start, range(1, 2))
        assert spool.waiting(tmp_path / "instead") == (2, start + 10.25)
        assert "2 polls wait" in store.health().problem
        receiver.answers = []
        soon(store.idle)
        receiver.refuses = lambda series: (400, "bad name")
        with pytest.raises(StoreError, match="refused samples of a: bad name"):
            feed(store, start, range(2, 3))


def test_a_full_spool_refuses_and_says_so(
    receiver: Receiver, instead: Callable[..., RemoteStore], start: float
) -> None:
    receiver.answers = [(503, {}, "")] * 10000
    big = {f"level/{i}{'x' * 900}{i * 7919 % 1009}": float(i) for i in range(2000)}

    def fill(store: RemoteStore) -> None:
        for i in range(300):
            values = {f"{name}{i}": value * 1.000001**i for name, value in big.items()}
            store.append(poll(start + i, values))

    with closing(instead(receiver.url, spool=1)) as store, pytest.raises(StoreError, match="is full"):
        fill(store)


def test_records_stay_here(
    receiver: Receiver, instead: Callable[..., RemoteStore], tmp_path: Path, start: float
) -> None:
    """Texts are no samples: the local file has them, the remote does not."""
    with closing(instead(receiver.url)) as store:
        store.append(poll(start, {"level": 1.0}, records=[Record("error", "last", "secret text")]))
        assert [record.body for record in store.records("cache", "error")] == ["secret text"]


def test_a_late_poll_reaches_the_remote(receiver: Receiver, beside: Callable[..., BesideStore], start: float) -> None:
    """Also one that is older than the watermark, though it came while everything waited."""
    with closing(beside(receiver.url)) as store:
        feed(store, start, range(10, 20))
        soon(store.idle)
        receiver.answers = [(503, {}, "")] * 3
        feed(store, start, range(20, 21))
        store.append(poll(start + 35, {"late": 1.0}, "a"))
        soon(store.idle)
    assert (round((start + 35) * 1000), 1.0) in receiver.samples("late")


def test_the_watermark_goes_on_where_it_was_and_a_minute_before(
    receiver: Receiver, beside: Callable[..., BesideStore], tmp_path: Path
) -> None:
    """A clean restart sends a minute again, not the history."""
    start = float(time.time() // 10 * 10 - 900)
    with closing(beside(receiver.url)) as store:
        feed(store, start, range(90))
        soon(store.idle)
    assert Marks(tmp_path / "beside").get("far") == pytest.approx(time.time(), abs=30)
    receiver.got.clear()
    with closing(beside(receiver.url)) as store:
        soon(store.idle)
    assert 3 <= len({at for at, _ in receiver.samples("level")}) <= 10


def test_turns_are_marked_the_same_live_and_replayed(
    receiver: Receiver, beside: Callable[..., BesideStore], tmp_path: Path, start: float
) -> None:
    """Thinned reads depend on them."""
    marks = []
    for again in (False, True):
        if again:
            Marks(tmp_path / "beside").set("far", start)
        with closing(beside(receiver.url)) as store:
            soon(store.idle)
            if not again:
                feed(store, start, range(60, 80))
            soon(store.idle)
        marks.append(set(receiver.samples("trivet_stored_turns")))
        receiver.got.clear()
    assert {at for at, _ in marks[0]} == {round((start + at) * 1000) for at in (600.25, 700.25)}
    assert marks[1] == marks[0]


def test_an_unreadable_secret_is_an_error_of_the_remote(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Door(remote("http://127.0.0.1:9", token_file=str(tmp_path / "none")))
