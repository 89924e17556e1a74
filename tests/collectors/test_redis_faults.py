"""Every fault that a server can cause: its class, its words, and what mends it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from collectors.deadline import Late
from collectors.redis.clients import groups, parsed
from collectors.redis.collector import RedisCollector
from collectors.redis.resp import BadReply, Refusal, Wire, packed
from collectors.redis.source import RedisSource
from metrics.poll import ErrorClass, Tier
from tests.collectors.memory import poll, value, values
from tests.servers import RedisServer

ACL = """
user default on >admin-password ~* &* +@all
user trivet on >trivet-password resetchannels resetkeys -@all +info +slowlog|len
"""


def collector(port: int, **more: str) -> "closing[RedisCollector]":
    return closing(RedisCollector(RedisSource(name="cache", port=port, **more)))  # type: ignore[arg-type]


def admin(server: RedisServer) -> "closing[Redis]":
    return closing(Redis(port=server.port, password="admin-password", driver_info=None, protocol=2))


def test_each_part_that_is_forbidden_has_its_own_line_and_is_asked_once_an_hour(
    new_redis: Callable[..., RedisServer],
) -> None:
    server = new_redis(acl=ACL)
    with collector(server.port, user="trivet", password="trivet-password") as made, admin(server) as client:
        first = poll(made, Tier.MEDIUM)
        lines = {name: failure.hint for name, failure in first.partial.items()}
        assert lines == {
            "SLOWLOG GET": "On Redis: ACL SETUSER trivet +slowlog|get",
            "LATENCY LATEST": "On Redis: ACL SETUSER trivet +latency|latest",
            "LATENCY HISTOGRAM": "On Redis: ACL SETUSER trivet +latency|histogram",
            "CLIENT LIST": "On Redis: ACL SETUSER trivet +client|list",
        }
        assert value(first, "redis_commands_total", cmd="info") >= 1
        denied = len(client.acl_log())
        for tier in (*made.tiers, *made.tiers):
            assert poll(made, tier).partial == {}
        assert len(client.acl_log()) == denied == 4
        lacking = made.probe(time.monotonic() + 5).lacking
        assert [lack.mend for lack in lacking if "ACL" in lack.mend] == [
            "ACL SETUSER trivet +slowlog|get",
            "ACL SETUSER trivet +latency|latest",
            "ACL SETUSER trivet +client|list",
            "ACL SETUSER trivet +latency|histogram",
        ]


def test_an_account_that_is_deleted_in_the_middle(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(acl=ACL)
    with collector(server.port, user="trivet", password="trivet-password") as made, admin(server) as client:
        assert poll(made).up
        client.acl_deluser("trivet")
        gone = poll(made)
    assert gone.error is not None
    assert gone.error.kind is ErrorClass.AUTH
    assert "ACL GETUSER trivet" in gone.error.hint


def test_a_password_without_one_and_none_where_one_is_needed(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(requirepass="admin-password")
    for given_, kind in (("", ErrorClass.AUTH), ("wrong", ErrorClass.AUTH), ("admin-password", None)):
        with collector(server.port, password=given_) as made:
            found = poll(made)
        assert (found.error and found.error.kind) == kind
        assert found.error is None or found.error.hint


def test_while_it_loads_what_answers_is_taken(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(key_load_delay="300", loading_process_events_interval_bytes="1024", rdbcompression="no")
    with closing(Redis(port=server.port, driver_info=None, protocol=2)) as client, client.pipeline() as pipeline:
        for number in range(6_000):
            pipeline.set(f"key:{number}", "x" * 100)
        pipeline.execute()
        client.save()
    server.stop()
    thread = threading.Thread(target=server.start)
    thread.start()
    seen = []
    with collector(server.port) as made:
        while thread.is_alive():
            found = poll(made)
            if found.up and value(found, "redis_loading") == 1:
                seen.append((found, poll(made, Tier.MEDIUM)))
        thread.join()
        after = poll(made)
    assert seen, "it was never seen to load"
    assert all(each.partial == {} for pair in seen for each in pair)
    assert any(values(found, "redis_loading_ratio") for found, _ in seen)
    assert value(after, "redis_loading") == 0
    assert values(after, "redis_loading_ratio") == {}


@contextmanager
def answering(*answers: bytes, slowly: float = 0.0) -> Iterator[int]:
    """A server that gives every connection these bytes, whatever is asked."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            with taken:
                try:
                    taken.recv(65536)
                    for answer in answers:
                        for at in range(0, len(answer), 1 if slowly else len(answer) or 1):
                            taken.sendall(answer[at : at + (1 if slowly else len(answer))])
                            time.sleep(slowly)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ErrorClass.BAD_REPLY),
        (b"\x00\x01\x02" * 40_000, ErrorClass.BAD_REPLY),
        (b"+OK\r\n$999999999\r\n", ErrorClass.BAD_REPLY),
        (b"+OK\r\n*99999999\r\n", ErrorClass.BAD_REPLY),
        (b"+OK\r\n$5\r\nhello\r\n", ErrorClass.BAD_REPLY),
        (b"-ERR unknown command\r\n-ERR unknown command `INFO`\r\n", ErrorClass.MISSING),
        (b"-DENIED Redis is running in protected mode\r\n", ErrorClass.FORBIDDEN),
        (b"", ErrorClass.CONNECTION_LOST),
    ],
)
def test_what_is_no_redis(answer: bytes, kind: ErrorClass) -> None:
    with answering(answer) as port, collector(port) as made:
        found = poll(made)
    assert found.error is not None
    assert found.error.kind is kind
    assert len(found.error.text) <= 500


def test_a_byte_now_and_then_does_not_prolong_the_deadline() -> None:
    with answering(b"+OK\r\n$1000\r\n" + b"x" * 1000, slowly=0.02) as port, collector(port) as made:
        begun = time.monotonic()
        found = poll(made, within=0.6)
        took = time.monotonic() - begun
    assert took < 1.0
    assert found.error is not None
    assert found.error.kind is ErrorClass.TIMEOUT


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_an_answer_or_an_error_of_ours(parts: list[bytes]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"\r\n".join(parts))
        theirs.shutdown(socket.SHUT_WR)
        try:
            (reply,) = Wire(ours).ask(packed("INFO"), 1, time.monotonic() + 1)
        except (BadReply, Late, OSError):
            return
    assert reply is None or isinstance(reply, str | int | list | Refusal)


INFO = (
    "# Server\r\nredis_version:7.0.15\r\nrun_id:0123456789abcdef\r\nrole:slave\r\nuptime_in_seconds:5\r\n"
    "server_time_usec:1700000000000000\r\ndb0:keys=3,expires=1,avg_ttl=0\r\nslave0:ip=::1,port=6380,state=online,"
    "offset=5,lag=0\r\nmaster_repl_offset:9\r\ncmdstat_get:calls=1,usec=2,rejected_calls=0,failed_calls=0\r\n"
    "connected_clients:1\r\nused_memory:5\r\nmodule:name=x,ver=1\r\n"
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_info_is_taken_or_refused(data: st.DataObject) -> None:
    text = INFO
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.text(max_size=6)) + text[at + data.draw(st.integers(0, 6)) :]
    answer = text.encode()
    reply = b"$%d\r\n%b\r\n" % (len(answer), answer)
    odd = data.draw(
        st.sampled_from([b":1\r\n", b"*0\r\n", b"*1\r\n*1\r\n:1\r\n", b"*2\r\n$1\r\na\r\n:5\r\n", b"$-1\r\n"])
    )
    with answering_once(b"+OK\r\n" + reply + reply + odd * 6) as port, collector(port) as made:
        for tier in (Tier.FAST, Tier.MEDIUM):
            found = made.poll(tier, time.monotonic() + 0.3)
            assert found.error is None or found.error.kind in ErrorClass


@contextmanager
def answering_once(answer: bytes) -> Iterator[int]:
    """All of the answer at once, before anything is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            taken, _ = listener.accept()
            with taken:
                taken.sendall(answer)
                taken.settimeout(2)
                try:
                    while taken.recv(65536):
                        pass
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@given(st.text(max_size=300))
def test_any_client_list_is_grouped(text: str) -> None:
    for row in groups(parsed(text), "127.0.0.1:1")[0]:
        assert row["clients"] >= 1
        assert len(row["name"]) <= 60


def test_clients_are_grouped_by_name_and_state_and_their_number_is_bounded(
    new_redis: Callable[..., RedisServer],
) -> None:
    server = new_redis()
    taken = [
        Redis(port=server.port, driver_info=None, protocol=2, client_name=f"worker-{number}") for number in range(40)
    ]
    taken += [Redis(port=server.port, driver_info=None, protocol=2, client_name="web") for _ in range(3)]
    try:
        for each in taken:
            each.client_id()
        subscriber = taken[-1].pubsub()  # type: ignore[no-untyped-call]
        subscriber.subscribe("news")
        subscriber.get_message(timeout=5)
        with collector(server.port) as made:
            found = poll(made, Tier.MEDIUM)
        subscriber.close()
    finally:
        for each in taken:
            each.close()
    assert value(found, "redis_clients_by_name", name="web", state="normal") == 2
    assert value(found, "redis_clients_by_name", name="web", state="pubsub") == 1
    by_name = values(found, "redis_clients_by_name")
    assert len(by_name) == 31
    assert sum(by_name.values()) == 43
    assert not any(("name", "trivet") in labels for labels in by_name)
    assert "127.0.0.1" not in str([sample.labels for sample in found.samples])
