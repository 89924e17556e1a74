"""Polls PostgreSQL: one connection, straight to the server, that reads statistics and nothing else.

What is read of it stands in ``parts``.
"""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, ClassVar

from collectors.collector import Capabilities, Collector, Lack
from collectors.failed import Failed
from collectors.identity import Who
from collectors.libpq import LibpqConnection
from collectors.postgres import metrics
from collectors.postgres.ahead import Ahead
from collectors.postgres.ask import NOTHING, Ask, connection, named
from collectors.postgres.lacking import lacking, unreadable
from collectors.postgres.parts import parts
from collectors.postgres.resets import epoch
from collectors.postgres.source import PostgresSource
from collectors.round import Round
from metrics.poll import ErrorClass, Tier


class PostgresCollector(Collector[PostgresSource]):
    """Reads statistics; needs pg_monitor and no more."""

    # Tables and statements cost milliseconds: every minute still gives a window of 5 minutes five samples.
    tiers: ClassVar[Mapping[Tier, float]] = {Tier.FAST: 0.0, Tier.MEDIUM: 60.0, Tier.SLOW: 3600.0}

    cure = f"{Collector.cure} A primary and its standbys are a source each, without the balancer in between."

    def __init__(self, source: PostgresSource) -> None:
        """Nothing is connected yet."""
        super().__init__(source)
        self.forget()
        self._connection: LibpqConnection | None = None
        self._identity: Mapping[str, Any] = NOTHING

    def forget(self) -> None:
        """Begin anew with every part."""
        self.parts = parts(self.source)
        self._ahead = Ahead()

    def connect(self, deadline: float) -> None:
        """Log in to the source's own database."""
        self._connection = connection(self.source, self.source.database, deadline)
        self._identity = NOTHING

    def disconnect(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, round_: Round, deadline: float) -> None:
        """The parts of a tier, after the marks of starts and resets that they depend on."""
        with self._ahead.round(round_.tier, self._connected, deadline):
            self._meet(deadline)
            ask = self._ask(deadline, self._ahead)
            round_.heard()
            round_.epochs[metrics.EPOCH] = epoch(ask.identity)
            for part in self.parts:
                if round_.tier in part.tiers:
                    part.read(round_, ask)
            if ask.strangers:
                self.identity.beside(ask.strangers)

    def who(self, deadline: float) -> Who:
        """By when it was started."""
        with closing(connection(self.source, self.source.database, deadline)) as fresh:
            return fresh.server._replace(name=named(fresh, deadline) or fresh.server.name)

    def examine(self, deadline: float) -> Capabilities:
        """Version, role, and which grants and extensions are missing."""
        ask = self._ask(deadline, Ahead())
        extension, preload = ask.one("extension"), ask.rows("preload")
        return Capabilities(
            version=f"PostgreSQL {ask.identity['version']}",
            role="standby" if ask.in_recovery else "primary",
            epochs={metrics.EPOCH: epoch(ask.identity)},
            lacking=(*lacking(ask.identity, extension, preload, self.source.user), *self._unreadable(ask)),
        )

    def _meet(self, deadline: float) -> None:
        """Another server answers over another connection only, so who it is was asked when that was made."""
        server = self._connected.server
        if server.mark is None or server.age is None or self._connected_at is None:
            return
        age = server.age + time.monotonic() - self._connected_at
        if self.identity.look(server.mark, server.name, age) or self.identity.several:
            self.identity.call(named(self._connected, deadline) or server.name)

    def _unreadable(self, ask: Ask) -> tuple[Lack, ...]:
        widths = bool(ask.one("widths")["readable"])
        return unreadable(ask.one("unreadable"), widths=widths, user=self.source.user)

    @property
    def _connected(self) -> LibpqConnection:
        assert self._connection is not None  # noqa: S101 - connect() came first
        return self._connection

    def _ask(self, deadline: float, ahead: Ahead) -> Ask:
        ask = Ask(
            connection=self._connected,
            source=self.source,
            database=self.source.database,
            deadline=deadline,
            ahead=ahead,
            restarted=self.identity.restarted or self.identity.mark is None,
            identity=self._identity,
        )
        if self._identity is NOTHING:
            # Which statistics have a time of their reset is a matter of the version, the same as long as connected.
            ask = replace(ask, identity=ask.one("identity"))
        now = ask.one("identity")
        if now == ask.identity:
            self._identity = now
            return ask
        fresh = replace(ask, identity=now)
        if fresh.version < (1, 0):
            # It is not remembered: which statements the next round asks is a matter of the version.
            raise Failed(ErrorClass.BAD_REPLY, f"server_version_num is {now['version_num']}: this is no PostgreSQL")
        self._identity = now
        return fresh
