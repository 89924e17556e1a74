"""TLS to a real Redis, with certificates made for each test."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from collectors.redis.collector import RedisCollector
from collectors.redis.source import RedisSource
from metrics.poll import ErrorClass, Failure
from stack.native.ports import free_port
from tests.certificates import Authority
from tests.collectors.memory import poll, value, values
from tests.servers import Hole, RedisServer, Servers


@dataclass(frozen=True)
class Encrypted:
    """A Redis that also speaks TLS, at `port`, with a certificate of `ours`."""

    server: RedisServer
    port: int
    ours: Authority

    @contextmanager
    def collector(self, **more: object) -> Iterator[RedisCollector]:
        given = {"port": self.port, "tls": True, "ca_file": str(self.ours.file), **more}
        with closing(RedisCollector(RedisSource(name="cache", **given))) as made:  # type: ignore[arg-type]
            yield made

    def failure(self, **more: object) -> Failure:
        with self.collector(**more) as made:
            failed = poll(made, within=1.0).error
        assert failed is not None
        return failed


@pytest.fixture
def ours(new_authority: Callable[[str], Authority]) -> Authority:
    return new_authority("ours")


Start = Callable[..., Encrypted]


@pytest.fixture(params=["7.0", "8.0"])
def start(request: pytest.FixtureRequest, own_servers: Servers, ours: Authority) -> Start:
    """`start(name="IP:127.0.0.1", days=2, clients="no")`"""

    def start_(name: str = "IP:127.0.0.1", days: int = 2, clients: str = "no") -> Encrypted:
        port, own = free_port(), ours.certificate(name, days)
        files = {"tls_cert_file": own.file, "tls_key_file": own.key, "tls_ca_cert_file": ours.file}
        quoted = {directive: f'"{file}"' for directive, file in files.items()}
        server = own_servers.redis(release=request.param, tls_port=str(port), tls_auth_clients=clients, **quoted)
        return Encrypted(server, port, ours)

    return start_


def test_every_tier_over_tls_with_no_error_on_the_server(start: Start) -> None:
    made = start()
    with made.collector() as collector, closing(Redis(port=made.server.port, driver_info=None, protocol=2)) as client:
        client.config_resetstat()
        found = [poll(collector, tier) for tier in collector.tiers]
        assert client.info("errorstats") == {}
        names = [each["name"] for each in client.client_list()]
    assert all(each.up and each.partial == {} for each in found)
    assert value(found[0], "redis_memory_used_bytes") > 0
    # Our own connection is known by its address, and is none of the clients.
    assert names.count("trivet") == 1
    assert not [labels for each in found for labels in values(each, "redis_clients_by_name") if "trivet" in str(labels)]


def test_an_authority_that_is_not_trusted(start: Start, new_authority: Callable[[str], Authority]) -> None:
    made, theirs = start(), new_authority("theirs")
    for ca_file in (str(theirs.file), ""):
        failed = made.failure(ca_file=ca_file)
        assert failed.kind is ErrorClass.UNREACHABLE
        assert "certificate verify failed" in failed.text
        assert failed.hint == "Name the authority of the server's certificate in ca_file."


def test_a_name_that_is_not_in_the_certificate(start: Start) -> None:
    failed = start(name="DNS:redis.example").failure()
    assert failed.kind is ErrorClass.UNREACHABLE
    assert "redis.example" not in failed.hint
    assert "127.0.0.1" in failed.text
    assert failed.hint == "Set host to a name or an address that the certificate of the server holds."


def test_a_certificate_that_has_expired(start: Start) -> None:
    failed = start(days=-1).failure()
    assert failed.kind is ErrorClass.UNREACHABLE
    assert "certificate has expired" in failed.text
    assert failed.hint.startswith("Renew the certificate of the server")


def test_a_server_that_wants_a_certificate_of_ours(start: Start, new_authority: Callable[[str], Authority]) -> None:
    made = start(clients="yes")
    failed = made.failure()
    # It says so when it is asked something, or has hung up by then.
    assert failed.kind in (ErrorClass.AUTH, ErrorClass.CONNECTION_LOST)
    assert "cert_file and key_file" in failed.hint
    other = new_authority("theirs").certificate()
    assert "cert_file and key_file" in made.failure(cert_file=str(other.file), key_file=str(other.key)).hint
    own = made.ours.certificate("DNS:trivet")
    with made.collector(cert_file=str(own.file), key_file=str(own.key)) as collector:
        assert poll(collector).up


def test_files_that_are_not_there_or_no_pair(start: Start, tmp_path: Path) -> None:
    made = start()
    one, other = made.ours.certificate(), made.ours.certificate()
    missing = str(tmp_path / "none.crt")
    for files in (
        {"ca_file": missing},
        {"ca_file": str(one.key)},
        {"cert_file": missing},
        {"cert_file": str(one.file), "key_file": str(other.key)},
    ):
        failed = made.failure(**files)
        assert failed.kind is ErrorClass.UNREACHABLE
        assert all(file in failed.text for file in files.values()), failed.text
        assert "in PEM" in failed.hint


def test_who_speaks_tls_to_who_does_not(start: Start) -> None:
    made = start()
    plain = made.failure(tls=False, ca_file="")
    assert plain.kind is ErrorClass.CONNECTION_LOST
    assert "tls = true" in plain.hint
    encrypted = made.failure(port=made.server.port)
    assert encrypted.kind in (ErrorClass.TIMEOUT, ErrorClass.UNREACHABLE)
    assert "tls = false" in encrypted.hint


def test_a_handshake_that_is_not_answered_is_cut_at_the_deadline(hole: Hole) -> None:
    with closing(RedisCollector(RedisSource(name="cache", port=hole.port, tls=True))) as collector:
        begun = time.monotonic()
        failed = poll(collector, within=0.5).error
        took = time.monotonic() - begun
    assert took < 0.9
    assert failed is not None
    assert failed.kind is ErrorClass.TIMEOUT
    assert "tls = false" in failed.hint


def test_a_server_that_freezes_is_cut_at_the_deadline_over_tls_too(start: Start) -> None:
    made = start()
    with made.collector() as collector:
        assert poll(collector).up
        made.server.pause()
        begun = time.monotonic()
        frozen = poll(collector, within=0.5).error
        took = time.monotonic() - begun
        made.server.resume()
        assert poll(collector).up
    assert took < 0.9
    assert frozen is not None
    assert frozen.kind is ErrorClass.TIMEOUT
