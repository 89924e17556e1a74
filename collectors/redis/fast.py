"""What is asked at every interval: INFO and the length of the slow log, in one round trip."""

from collectors.failed import Failed
from collectors.redis import info, metrics, metrics_cluster, metrics_info, metrics_replication
from collectors.redis.clients import whole
from collectors.redis.connection import RedisConnection
from collectors.redis.server import Rows, Server
from collectors.redis.taking import Taker
from collectors.rest import REST
from collectors.round import Round
from metrics.model import Sample
from metrics.poll import ErrorClass
from metrics.reading import Reading

SLOWLOG = metrics.SLOWLOG.statement
MOST_DATABASES = 64
MOST_MASTERS = 100


def read(round_: Round, connection: RedisConnection, server: Server, taker: Taker, deadline: float) -> None:
    """Without INFO there is nothing. Raises Failed."""
    asks_log = not server.sentinel and round_.wants(SLOWLOG)
    log = [("SLOWLOG", "LEN")] if asks_log else []
    answer, *rest = connection.ask(deadline, ("INFO",), *log)
    rows = server.answered(fields(answer))
    round_.heard()
    if (epoch := info.epoch(server.row)) is not None:
        round_.epochs[metrics.EPOCH] = epoch
    if server.sentinel:
        _sentinel(round_, server, taker, rows)
    else:
        _data(round_, server, taker, rows)
    if rest:
        with round_.part(SLOWLOG):
            round_.samples.append(Sample(metrics.slowlog.name, (), float(_number(rest[0]))))
    server.tell(round_)


def fields(answer: object) -> info.Fields:
    """INFO's answer as a row. Raises Failed."""
    if isinstance(answer, Failed):
        raise answer
    row = info.fields(str(answer))
    if "redis_version" not in row and "run_id" not in row:
        raise Failed(ErrorClass.BAD_REPLY, "INFO gave no fields: this is no Redis")
    return row


def _data(round_: Round, server: Server, taker: Taker, rows: Rows) -> None:
    row, version = server.row, server.version
    taker.take(round_, metrics.INFO, row, version)
    if row.get("role") == "slave":
        taker.take(round_, metrics.REPLICA_INFO, row, version)
        master = {name: row.get(name, "") for name in ("master_host", "master_port")}
        round_.take(metrics_replication.MASTER, [{**master, "there": 1}])
        _stated(round_, metrics.LINK_INFO, taker, server)
    if row.get("loading") == "1":
        _stated(round_, metrics_info.LOADS, taker, server)
    _keyspace(round_, server, rows)
    if "slave" in rows:
        round_.take(metrics_replication.REPLICAS, [_replica(text, row) for _, text in rows["slave"]], version)


def _stated(round_: Round, reading: Reading, taker: Taker, server: Server) -> None:
    taker.take(round_, reading, info.stated(server.row, reading.columns), server.version, few=True)


def _keyspace(round_: Round, server: Server, rows: Rows) -> None:
    found: list[dict[str, str | None]] = [{"db": own, **info.pairs(text)} for own, text in rows.get("db", ())]
    there = {str(row["db"]) for row in found}
    for row in found:
        if row.get("avg_ttl") == "0":
            # Not looked at yet, or no key has a time to live: no mean is that short.
            row["avg_ttl"] = None
    # A database that has lost all its keys is not in INFO any more: that is 0, not unknown.
    emptied = sorted(server.held_keys - there)
    server.held_keys |= there
    if found or emptied:
        empty = dict.fromkeys(metrics.KEYSPACE.columns)
        found += [{**empty, "db": db, "keys": "0", "expires": "0"} for db in emptied]
        round_.left_out += max(0, len(found) - MOST_DATABASES)
        found[MOST_DATABASES:] = _rest(found[MOST_DATABASES:], empty)
        round_.take(metrics.KEYSPACE, found, server.version)


def _rest(rows: list[dict[str, str | None]], empty: dict[str, None]) -> list[dict[str, str | None]]:
    """One row for the databases beyond those that are shown, which are the first."""
    if not rows:
        return []
    sums = {name: str(sum(whole(row[name]) for row in rows)) for name in ("keys", "expires")}
    return [{**empty, "db": REST, **sums}]


def _replica(text: str, row: info.Fields) -> dict[str, object]:
    told = info.pairs(text)
    try:
        behind: int | None = max(0, int(row["master_repl_offset"]) - int(told["offset"]))
    except (KeyError, ValueError):
        behind = None
    return {**told, "lag_bytes": behind}


def _sentinel(round_: Round, server: Server, taker: Taker, rows: Rows) -> None:
    taker.take(round_, metrics.INFO, server.row, server.version, few=True)
    taker.take(round_, metrics_cluster.SENTINEL, server.row, server.version)
    _stated(round_, metrics_cluster.TILT, taker, server)
    masters = [info.pairs(text) for _, text in rows.get("master", ())]
    round_.left_out += max(0, len(masters) - MOST_MASTERS)
    shown = masters[:MOST_MASTERS]
    server.masters = {told.get("name", ""): told.get("address", "") for told in shown}
    round_.take(metrics_cluster.SENTINEL_MASTERS, [{**told, "ok": told.get("status") == "ok"} for told in shown])


def _number(answer: object) -> int:
    if isinstance(answer, Failed):
        raise answer
    if not isinstance(answer, int):
        raise Failed(ErrorClass.BAD_REPLY, "an answer that is no number")
    return answer
