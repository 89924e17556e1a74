"""Two PgBouncers that are peers: a cancelled query that reaches the wrong one is passed on."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from psycopg import errors

from collectors.pgbouncer.collector import PgBouncerCollector
from metrics.poll import Poll, Tier
from tests.collectors.cutting import between
from tests.collectors.memory import poll, value, values
from tests.collectors.test_pgbouncer import show, source
from tests.servers import APP, PgBouncerServer, PostgresServer, Servers

PEERS = """
peer_id = {own}
[peers]
1 = host={host} port={one}
2 = host={host} port={other} pool_size=7
"""


@pytest.fixture
def peers(own_servers: Servers, postgres: PostgresServer) -> list[PgBouncerServer]:
    """1.24 knows peers; their ports have to be known before."""
    made = [own_servers.pgbouncer(postgres, release="1.24") for _ in range(2)]
    for number, server in enumerate(made):
        server.stop()
        server.config += PEERS.format(own=number + 1, host=server.host, one=made[0].port, other=made[1].port)
    for server in made:
        server.start()
    return made


@pytest.fixture
def collector(peers: list[PgBouncerServer]) -> Iterator[PgBouncerCollector]:
    with closing(PgBouncerCollector(source(peers[1]))) as made:
        yield made


def by_minute(collector: PgBouncerCollector) -> Poll:
    poll(collector)
    found = poll(collector, Tier.MEDIUM)
    assert found.error is None
    assert found.partial == {}
    assert [record for record in found.records if record.kind == "unknown"] == []
    return found


def test_peers_are_told_before_anything_went_between_them(
    peers: list[PgBouncerServer], collector: PgBouncerCollector
) -> None:
    found = by_minute(collector)
    assert value(found, "pgbouncer_peers_pool_size", peer="2", host="127.0.0.1", port=str(peers[1].port)) == 7
    assert len(values(found, "pgbouncer_peers_pool_size")) == 2
    assert values(found, "pgbouncer_peers_server_login_connections") == {}


def test_a_cancelled_query_goes_to_the_peer_that_runs_it(
    peers: list[PgBouncerServer], collector: PgBouncerCollector
) -> None:
    one, other = peers
    with between(one.port) as gate, ThreadPoolExecutor(1) as threads:
        dsn = f"host={one.host} port={gate.port} user={APP.name} password={APP.password} dbname=postgres"
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as client:
            client.execute("SELECT 1")
            running = threads.submit(client.execute, "SELECT pg_sleep(20)")
            time.sleep(0.3)
            # As behind a load balancer: the cancel is a connection of its own. Not cancel(): it stops all threads.
            gate.behind = other.port
            client.cancel_safe(timeout=5)
            with pytest.raises(errors.QueryCanceled):
                running.result(10)
    found = by_minute(collector)
    (row,) = show(other, "PEER_POOLS")
    assert str(row["peer_id"]) == "1"
    for metric, column in (
        ("pgbouncer_peers_client_cancel_connections", "cl_active_cancel_req"),
        ("pgbouncer_peers_client_waiting_cancel_connections", "cl_waiting_cancel_req"),
        ("pgbouncer_peers_server_cancel_connections", "sv_active_cancel"),
        ("pgbouncer_peers_server_login_connections", "sv_login"),
    ):
        assert value(found, metric, peer="1") == float(str(row[column]))
