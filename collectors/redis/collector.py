"""Polls Redis: INFO and the length of the slow log."""

from collectors.collector import Capabilities, Collector, Lack
from collectors.failed import Failed
from collectors.redis import info, metrics
from collectors.redis.connection import RedisConnection
from collectors.redis.source import RedisSource
from collectors.round import Round
from metrics.poll import ErrorClass, Failure

SLOWLOG = metrics.SLOWLOG.statement


class RedisCollector(Collector[RedisSource]):
    """INFO answers also while Redis loads its data, and needs the one right +info."""

    def __init__(self, source: RedisSource) -> None:
        """Nothing is connected yet."""
        super().__init__(source)
        self._connection: RedisConnection | None = None

    def connect(self, deadline: float) -> None:
        """One TCP connection, and AUTH where there is a password."""
        self._connection = RedisConnection(self.source, deadline)

    def disconnect(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, round_: Round, deadline: float) -> None:
        """Both readings; without INFO there is nothing."""
        row = self._info(deadline)
        round_.heard()
        if (epoch := info.epoch(row)) is not None:
            round_.epochs[metrics.EPOCH] = epoch
        version = info.version(row)
        round_.take(metrics.INFO, [row], version)
        round_.take(metrics.KEYSPACE, info.keyspace(row), version)
        if round_.wants(SLOWLOG):
            with round_.part(SLOWLOG):
                round_.take(metrics.SLOWLOG, [{"length": self._call(deadline, "SLOWLOG", "LEN")}], version)

    def examine(self, deadline: float) -> Capabilities:
        """Version, role, and whether the slow log may be read."""
        row = self._info(deadline)
        lacking = []
        try:
            self._call(deadline, "SLOWLOG", "LEN")
        except Failed as failed:
            lacking.append(_no_slowlog(failed.failure))
        if row.get("maxmemory") == "0":
            lacking.append(Lack("maxmemory is not set", "memory has no limit to be compared with", "maxmemory 2gb"))
        epoch = info.epoch(row)
        return Capabilities(
            version=info.spoken_version(row),
            role=info.role(row),
            epochs={} if epoch is None else {metrics.EPOCH: epoch},
            lacking=tuple(lacking),
        )

    def _info(self, deadline: float) -> dict[str, str]:
        row = info.fields(str(self._call(deadline, "INFO")))
        if not row:
            raise Failed(ErrorClass.BAD_REPLY, "INFO gave no fields: this is no Redis")
        return row

    def _call(self, deadline: float, *command: str) -> object:
        assert self._connection is not None  # noqa: S101 - connect() came first
        return self._connection.call(deadline, *command)


def _no_slowlog(failure: Failure) -> Lack:
    return Lack(f"SLOWLOG LEN: {failure.text}", "the number of slow commands stays unknown", failure.hint)
