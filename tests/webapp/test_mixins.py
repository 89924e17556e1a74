"""Dashboards and alerts that people built on the three exporters find their numbers in ours, by a real Prometheus."""

import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from redis import Redis
from werkzeug.serving import make_server

import collectors
from collectors.kinds import collector_of
from collectors.pgbouncer.source import PgBouncerSource
from collectors.postgres.source import PostgresSource
from collectors.redis.source import RedisSource
from collectors.source import Source
from collectors.station import Station
from commands.pages import watched
from metrics.catalog import discover
from stack.native.prometheus import Prometheus
from storage.series import SeriesStore
from tests.servers import APP, MONITOR, STATS, PgBouncerServer, PostgresServer, RedisServer, Servers
from tests.webapp.mixins import EXPRESSIONS
from webapp.app import create_app

KINDS = ("postgres", "pgbouncer", "redis")
SCRAPES = 3
PATIENCE = 60.0


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def asked(prometheus: Prometheus, expression: str) -> list[object]:
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{prometheus.url}/api/v1/query?{query}", timeout=10) as answer:
        found: list[object] = json.load(answer)["data"]["result"]
    return found


def sources(
    postgres: PostgresServer, pooler: PgBouncerServer, redis: RedisServer, replica: RedisServer
) -> list[Source]:
    return [
        PostgresSource(
            name="pg", port=postgres.port, database="postgres", user=MONITOR.name, password=MONITOR.password
        ),
        PgBouncerSource(name="pool", port=pooler.port, user=STATS.name, password=STATS.password),
        RedisSource(name="cache", port=redis.port),
        RedisSource(name="replica", port=replica.port),
    ]


def traffic(pooler: PgBouncerServer, redis: RedisServer) -> None:
    """Something that every rate can be made of."""
    with psycopg.connect(pooler.dsn(APP), autocommit=True, prepare_threshold=None) as db:
        db.execute("CREATE TABLE IF NOT EXISTS mixins (id int PRIMARY KEY)")
        db.execute("INSERT INTO mixins SELECT i FROM generate_series(1, 100) AS i ON CONFLICT DO NOTHING")
        db.execute("SELECT * FROM mixins WHERE id = 5")
    with Redis(host=redis.host, port=redis.port) as client:
        client.set("k", "1", ex=1000)
        client.set("l", "1")
        client.mget("k", "none")


@pytest.fixture
def pages(
    tmp_path: Path, postgres: PostgresServer, pgbouncer: PgBouncerServer, new_redis: Callable[..., RedisServer]
) -> Iterator[str]:
    """The web app over a store that is fed for as long as the test runs."""
    redis = new_redis()
    replica = new_redis(replicaof=f"127.0.0.1 {redis.port}")
    watching = sources(postgres, pgbouncer, redis, replica)
    stations = [Station(collector_of(each)) for each in watching]
    store, stop = SeriesStore(tmp_path), threading.Event()

    def feed() -> None:
        while not stop.wait(1.0):
            traffic(pgbouncer, redis)
            for station in stations:
                for tier in station.collector.tiers:
                    store.append(station.one(tier, 5.0))

    thread = threading.Thread(target=feed)
    thread.start()
    app = create_app(store=store, catalog=discover(collectors), sources=watched(watching))
    with served(app) as url:
        yield url
    stop.set()
    thread.join()
    for station in stations:
        station.collector.close()
    store.close()


def test_the_expressions_of_the_mixins_are_not_empty(pages: str, own_servers: Servers) -> None:
    prometheus = own_servers.prometheus(scrape=[f"{pages}/metrics/{kind}" for kind in KINDS])
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and len(asked(prometheus, f"count_over_time(up[1m]) >= {SCRAPES}")) < len(KINDS):
        time.sleep(0.5)
    assert len(asked(prometheus, "up == 1")) == len(KINDS)
    empty = [expression for expression in EXPRESSIONS if not asked(prometheus, expression)]
    assert empty == [], "\n".join(empty)
