"""Polls Redis, Valkey and Sentinel."""

from collections.abc import Iterator
from contextlib import closing

from collectors.collector import Capabilities, Collector, Lack
from collectors.failed import Failed
from collectors.identity import Who
from collectors.redis import fast, info, metrics
from collectors.redis.connection import RedisConnection
from collectors.redis.errors import rights
from collectors.redis.medium import Medium
from collectors.redis.server import Server
from collectors.redis.slow import Slow
from collectors.redis.source import RedisSource
from collectors.redis.taking import Taker
from collectors.rest import Start
from collectors.round import Round
from metrics.poll import Tier


class RedisCollector(Collector[RedisSource]):
    """INFO answers also while Redis loads its data, and needs the one right +info."""

    # The settings before what is measured by the minute: how many databases there are is one of them.
    tiers = {Tier.FAST: 0.0, Tier.SLOW: 3600.0, Tier.MEDIUM: 60.0}

    cure = f"{Collector.cure} A master and its replicas are a source each; a proxy that spreads connections is none."

    def __init__(self, source: RedisSource) -> None:
        """Nothing is connected yet."""
        super().__init__(source)
        self._connection: RedisConnection | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew with all that is remembered of the server."""
        self._server = Server(self.identity)
        self._taker = Taker()
        self._medium = Medium(self.source.max_series, arguments=self.source.slowlog_arguments)
        self._slow = Slow()
        self._start = Start()

    def connect(self, deadline: float) -> None:
        """One TCP connection, AUTH where there is a password, and INFO to learn what the server knows of."""
        self._connection = RedisConnection(self.source, deadline)
        self._server.heard(fast.fields(self._connection.call(deadline, "INFO")))

    def disconnect(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, round_: Round, deadline: float) -> None:
        """The readings of the tier; without INFO there is nothing."""
        connection = self._connected()
        if round_.tier is Tier.FAST:
            fast.read(round_, connection, self._server, self._taker, deadline)
            if metrics.EPOCH in round_.epochs:
                mark = round_.epochs[metrics.EPOCH]
                round_.epochs[metrics.EPOCH] = self._start.epoch(mark, rest=self._medium.opened)
        elif round_.tier is Tier.MEDIUM:
            self._medium.read(round_, connection, self._server, self._taker, deadline)
        elif self.source.reads_config and not self._server.sentinel:
            self._slow.read(round_, connection, self._server, deadline)

    def who(self, deadline: float) -> Who | None:
        """By its run ID."""
        with closing(RedisConnection(self.source, deadline)) as fresh:
            found = info.who(fast.fields(fresh.call(deadline, "INFO")))
        return found if found.mark is not None else None

    def examine(self, deadline: float) -> Capabilities:
        """Version, role, and what may not be read."""
        connection = self._connected()
        server = self._server
        server.heard(fast.fields(connection.call(deadline, "INFO")))
        lacking = [*self._refused(connection, deadline)]
        if server.row.get("maxmemory") == "0":
            lacking.append(Lack("maxmemory is not set", "memory has no limit to be compared with", "maxmemory 2gb"))
        epoch = info.epoch(server.row)
        return Capabilities(
            version=info.spoken_version(server.row),
            role=info.role(server.row),
            epochs={} if epoch is None else {metrics.EPOCH: epoch},
            lacking=tuple(lacking),
        )

    def _refused(self, connection: RedisConnection, deadline: float) -> Iterator[Lack]:
        server = self._server
        if server.sentinel:
            return
        for right, command, why in rights(server.version, server.valkey, server.mode, self.source.reads_config):
            (told,) = connection.ask(deadline, command)
            if isinstance(told, Failed):
                mend = f"ACL SETUSER {self.source.user or 'default'} {right}"
                yield Lack(f"{' '.join(command)}: {told.failure.text}", why, mend)

    def _connected(self) -> RedisConnection:
        assert self._connection is not None  # noqa: S101 - connect() came first
        return self._connection
