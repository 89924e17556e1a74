"""The servers that are asked: PostgreSQL with so many tables or statements, PgBouncer with so many pools, Redis."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
import redis as driver

from tests.servers import APP, MONITOR, STATS, SUPERUSER, Hole, PgBouncerServer, PostgresServer, RedisServer, Servers

BATCH = 500
SEVERAL = 10
COMMANDS = ("set k 1", "get k", "get none", "incr n", "hset h f 1", "hget h f", "lpush l 1", "lrange l 0 5", "sadd s 1")

POOLER = """
[databases]
* = host={host} port={port} dbname=postgres

[pgbouncer]
auth_type = scram-sha-256
pool_mode = transaction
default_pool_size = 1
max_client_conn = 2000
server_idle_timeout = 0
autodb_idle_timeout = 100000
admin_users = {admin}
stats_users = {stats}
ignore_startup_parameters = extra_float_digits
"""


def database(server: PostgresServer, tables: int) -> str:
    """A database with so many tables of two indexes each, a few rows in every tenth; its name."""
    name = f"relations_{tables}"
    with server.connect() as db:
        db.execute(f"CREATE DATABASE {name}")
    with server.connect(dbname=name) as db:
        for first in range(0, tables, BATCH):
            numbers = range(first, min(first + BATCH, tables))
            with db.transaction():
                for number in numbers:
                    db.execute(f"CREATE TABLE t{number} (id int PRIMARY KEY, k int, v text)")
                    db.execute(f"CREATE INDEX ON t{number} (k)")
                    if number % 10 == 0:
                        db.execute(f"INSERT INTO t{number} SELECT i, i % 7, 'x' FROM generate_series(1, 200) i")  # noqa: S608
        db.execute("ANALYZE")
    return name


def statements(server: PostgresServer, dbname: str, count: int) -> None:
    """So many different statements: each of another table."""
    with server.connect(dbname=dbname) as db:
        for number in range(count):
            db.execute(f"SELECT count(*) FROM t{number} WHERE k = 1")  # noqa: S608 - our own number


def pooler(made: Servers, behind: PostgresServer, pools: int) -> PgBouncerServer:
    """A PgBouncer with so many pools: each database was used once."""
    config = POOLER.format(host=behind.host, port=behind.port, admin=SUPERUSER.name, stats=STATS.name)
    server = made.pgbouncer(behind, config)
    for number in range(pools):
        with psycopg.connect(server.dsn(APP, f"db{number:04}"), autocommit=True, prepare_threshold=None) as db:
            db.execute("SELECT 1")
            if number % BATCH == BATCH - 1:
                time.sleep(0.5)
    return server


@contextmanager
def traffic(redis: RedisServer) -> Iterator[None]:
    """Commands that Redis has counted by the time it is asked."""
    client = driver.Redis(host=redis.host, port=redis.port, protocol=2, driver_info=None)
    for command in COMMANDS:
        client.execute_command(*command.split())  # type: ignore[no-untyped-call]
    client.close()
    yield


Block = dict[str, object]


def of_postgres(server: PostgresServer, name: str, dbname: str, **more: object) -> Block:
    """A [[source]] that sees one database."""
    account = {"user": MONITOR.name, "password": MONITOR.password}
    return {
        "kind": "postgres",
        "name": name,
        "host": server.host,
        "port": server.port,
        "database": dbname,
        **account,
        **more,
    }


def only(dbname: str) -> Block:
    """Fields of a postgres source that looks at one database's tables."""
    return {"include": [dbname]}


def hung(hole: Hole, name: str, number: int) -> Block:
    """A [[source]] that takes connections and never answers, of each kind in turn."""
    if number % 3 == 0:
        return {"kind": "postgres", "name": name, "host": hole.host, "port": hole.port, "user": "u", "password": "p"}
    if number % 3 == 1:
        return {"kind": "pgbouncer", "name": name, "host": hole.host, "port": hole.port, "user": "u", "password": "p"}
    return {"kind": "redis", "name": name, "host": hole.host, "port": hole.port}


def of_pgbouncer(server: PgBouncerServer, name: str, **more: object) -> Block:
    """A [[source]] that sees the console."""
    account = {"user": STATS.name, "password": STATS.password}
    return {"kind": "pgbouncer", "name": name, "host": server.host, "port": server.port, **account, **more}


def of_redis(server: RedisServer, name: str, **more: object) -> Block:
    """A [[source]]."""
    return {"kind": "redis", "name": name, "host": server.host, "port": server.port, **more}


def crowd(made: Servers, postgres: PostgresServer, count: int) -> Sequence[Block]:
    """So many sources, a third of each kind, each with a connection of its own.

    Of PgBouncer and Redis there are several: each lists all that is connected to it, and that is mostly we.
    """
    poolers = [made.pgbouncer(postgres) for _ in range(SEVERAL)]
    caches = [made.redis() for _ in range(SEVERAL)]
    for cache in caches:
        with traffic(cache):
            pass
    blocks: list[Block] = []
    for number in range(count):
        kind, which = number % 3, number // 3 % SEVERAL
        name = f"{('pg', 'pool', 'redis')[kind]}-{number:04}"
        if kind == 0:
            blocks.append(of_postgres(postgres, name, "postgres"))
        elif kind == 1:
            blocks.append(of_pgbouncer(poolers[which], name))
        else:
            blocks.append(of_redis(caches[which], name))
    return blocks
