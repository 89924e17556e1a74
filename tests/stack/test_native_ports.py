"""Ports are free when handed out, and the same again next time."""

import os
import socket
from pathlib import Path

from stack.native.ports import HIGHEST, LOOPBACK, LOWEST, KeptPorts, free_port, is_free, listens


def test_a_free_port_can_be_listened_on() -> None:
    port = free_port()
    assert LOWEST <= port < HIGHEST
    with socket.create_server((LOOPBACK, port)):
        assert not is_free(port)
        assert listens(os.getpid(), port)
        assert not listens(os.getppid(), port)
    assert not listens(os.getpid(), port)


def test_a_port_is_kept_for_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "deeper" / "ports.json"
    ports = {name: KeptPorts(file).port(name) for name in ("postgres", "redis")}
    assert ports["postgres"] != ports["redis"]
    assert {name: KeptPorts(file).port(name) for name in ports} == ports
    assert KeptPorts(file).known("postgres") == ports["postgres"]
    assert KeptPorts(file).known("nobody") is None


def test_a_kept_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    kept = KeptPorts(file).port("postgres")
    with socket.create_server((LOOPBACK, kept)):
        other = KeptPorts(file).port("postgres")
    assert other != kept
    assert KeptPorts(file).known("postgres") == other


def test_a_damaged_file_is_no_obstacle(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    for damage in ("", "{", "[]", '{"postgres": "x"}'):
        file.write_text(damage)
        assert KeptPorts(file).port("postgres")
