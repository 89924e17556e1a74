import os
import socket
import time
from collections.abc import Iterator

import pytest

from collectors.deadline import Watchdog


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    yield left, right
    left.close()
    right.close()


def test_a_wait_ends_at_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    begun = time.monotonic()
    with Watchdog().over(pair[0].fileno(), begun + 0.1) as cut:
        assert pair[0].recv(1) == b""
    assert 0.1 <= time.monotonic() - begun < 0.4
    assert cut.fired


def test_a_block_that_ends_in_time_leaves_the_socket_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    with Watchdog().over(pair[0].fileno(), time.monotonic() + 0.05) as cut:
        pass
    time.sleep(0.1)
    assert not cut.fired
    pair[1].send(b"x")
    assert pair[0].recv(1) == b"x"


def test_the_earliest_deadline_comes_first_whatever_the_order(pair: tuple[socket.socket, socket.socket]) -> None:
    dog, now = Watchdog(), time.monotonic()
    late, early = dog.arm(pair[0].fileno(), now + 60), dog.arm(pair[1].fileno(), now + 0.05)
    time.sleep(0.3)
    assert (late.fired, early.fired) == (False, True)
    dog.disarm(late)
    dog.disarm(early)
    dog.disarm(early)


def test_a_descriptor_that_was_closed_and_given_out_again_is_not_cut() -> None:
    dog = Watchdog()
    first = socket.socketpair()
    number = first[0].fileno()
    cut = dog.arm(number, time.monotonic() + 0.1)
    for each in first:
        each.close()
    second = socket.socketpair()
    assert number in {each.fileno() for each in second}
    time.sleep(0.3)
    assert cut.fired
    second[0].send(b"x")
    assert second[1].recv(1) == b"x"
    for each in second:
        each.close()


def test_no_descriptor_is_left_behind(pair: tuple[socket.socket, socket.socket]) -> None:
    dog = Watchdog()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        with dog.over(pair[0].fileno(), time.monotonic() + 5):
            pass
    assert len(os.listdir("/proc/self/fd")) == before


def test_all_can_be_cut_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    dog = Watchdog()
    cuts = [dog.arm(end.fileno(), time.monotonic() + 60) for end in pair]
    dog.cut_all()
    assert all(cut.fired for cut in cuts)


def test_deadlines_that_were_called_off_neither_fire_nor_delay_the_next(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    dog, now = Watchdog(), time.monotonic()
    for number in range(500):
        dog.disarm(dog.arm(pair[1].fileno(), now + 0.02 + number / 10_000))
    with dog.over(pair[0].fileno(), now + 0.3) as cut:
        assert pair[0].recv(1) == b""
    assert cut.fired
    assert 0.3 <= time.monotonic() - now < 0.6
    open_now = len(os.listdir("/proc/self/fd"))
    with dog.over(pair[1].fileno(), time.monotonic() + 60):
        assert len(os.listdir("/proc/self/fd")) == open_now + 1
    assert len(os.listdir("/proc/self/fd")) == open_now
