"""TLS to a real PgBouncer, with certificates made for each test."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.pgbouncer.source import PgBouncerSource
from metrics.poll import ErrorClass, Failure, Tier
from tests.certificates import Authority
from tests.collectors.memory import poll, value
from tests.collectors.test_pgbouncer import NARROW
from tests.servers import STATS, PgBouncerServer, PostgresServer, Servers

Start = Callable[..., PgBouncerServer]


@pytest.fixture
def ours(new_authority: Callable[[str], Authority]) -> Authority:
    return new_authority("ours")


@pytest.fixture(params=["1.18", "1.24"])
def start(request: pytest.FixtureRequest, own_servers: Servers, postgres: PostgresServer, ours: Authority) -> Start:
    """`start("require", name="IP:127.0.0.1", days=2)`: a PgBouncer that wants TLS."""

    def start_(mode: str = "require", name: str = "IP:127.0.0.1", days: int = 2) -> PgBouncerServer:
        own = ours.certificate(name, days)
        config = NARROW.format(host=postgres.host, port=postgres.port, mode="transaction") + (
            f"client_tls_sslmode = {mode}\nclient_tls_ca_file = {ours.file}\n"
            f"client_tls_cert_file = {own.file}\nclient_tls_key_file = {own.key}\n"
        )
        return own_servers.pgbouncer(postgres, config, release=request.param)

    return start_


@contextmanager
def collector(server: PgBouncerServer, **more: str) -> Iterator[PgBouncerCollector]:
    given = {"port": server.port, "user": STATS.name, "password": STATS.password, "sslmode": "verify-full", **more}
    with closing(PgBouncerCollector(PgBouncerSource(name="pooler", **given))) as made:  # type: ignore[arg-type]
        yield made


def failure(server: PgBouncerServer, **more: str) -> Failure:
    with collector(server, **more) as made:
        failed = poll(made).error
    assert failed is not None
    assert failed.kind is ErrorClass.UNREACHABLE
    assert STATS.password not in str(failed)
    return failed


def test_every_tier_over_tls(start: Start, ours: Authority) -> None:
    server = start()
    # psycopg's own default is TLS where it is offered.
    with collector(server, sslrootcert=str(ours.file)) as made, psycopg.connect(server.dsn()) as client:
        client.execute("SELECT 1")
        found = {tier: poll(made, tier) for tier in made.tiers}
    assert all(each.up and each.partial == {} for each in found.values())
    assert value(found[Tier.MEDIUM], "pgbouncer_clients_unencrypted_connections", database="postgres") == 0


def test_an_authority_that_is_not_trusted(start: Start, new_authority: Callable[[str], Authority]) -> None:
    failed = failure(start(), sslrootcert=str(new_authority("theirs").file))
    assert "certificate verify failed" in failed.text
    assert failed.hint.startswith("Name the authority of PgBouncer's certificate")


def test_a_name_that_is_not_in_the_certificate(start: Start, ours: Authority) -> None:
    failed = failure(start(name="DNS:pooler.example"), sslrootcert=str(ours.file))
    assert "does not match host name" in failed.text
    assert failed.hint.startswith("Set host to a name")


def test_a_certificate_that_has_expired(start: Start, ours: Authority) -> None:
    failed = failure(start(days=-1), sslrootcert=str(ours.file))
    assert "must not have expired" in failed.hint


def test_a_server_that_wants_a_certificate_of_ours(start: Start, ours: Authority) -> None:
    server = start("verify-full")
    failed = failure(server, sslrootcert=str(ours.file))
    assert "sslcert and sslkey" in failed.hint
    own = ours.certificate(f"DNS:{STATS.name}")
    given = {"sslrootcert": str(ours.file), "sslcert": str(own.file), "sslkey": str(own.key)}
    assert "chmod 600" in failure(server, **given).hint
    own.key.chmod(0o600)
    with collector(server, **given) as made:
        assert poll(made).up


def test_a_file_that_is_not_there(start: Start, tmp_path: Path) -> None:
    failed = failure(start(), sslrootcert=str(tmp_path / "none.crt"))
    assert "none.crt" in failed.text
    assert failed.hint.startswith("Set sslrootcert to a file")


def test_who_wants_tls_of_who_does_not(start: Start, pgbouncer: PgBouncerServer, ours: Authority) -> None:
    required = failure(start(), sslmode="disable")
    assert "SSL required" in required.text
    assert 'sslmode = "verify-full"' in required.hint
    missing = failure(pgbouncer, sslrootcert=str(ours.file))
    assert "does not support SSL" in missing.text
    assert "client_tls_cert_file" in missing.hint
