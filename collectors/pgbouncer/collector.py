"""Polls PgBouncer by its admin console.

The console speaks the simple protocol only: no transaction, no bound values, nothing prepared, one SHOW at a time.
What changes from one moment to the next is asked at every poll: pools, counters, lists. Limits, settings and the
connections themselves are asked once a minute, and a pool's limit also when its database was not known yet.
"""

from collections.abc import Mapping
from typing import ClassVar

from collectors.collector import LOOKS, Capabilities, Collector, Lack
from collectors.failed import Failed
from collectors.identity import Who
from collectors.libpq import LibpqConnection
from collectors.pgbouncer import metrics, metrics_config, metrics_databases, metrics_process
from collectors.pgbouncer.ask import Ask
from collectors.pgbouncer.changes import ANOTHER, RESTARTED, Restarts
from collectors.pgbouncer.console import console, others, show
from collectors.pgbouncer.crowd import Crowd
from collectors.pgbouncer.declare import MICROSECONDS, START
from collectors.pgbouncer.minute import Minute
from collectors.pgbouncer.rows import pivoted, shared, version
from collectors.pgbouncer.settings import numbers
from collectors.pgbouncer.source import PgBouncerSource
from collectors.pgbouncer.table import Rows, Table
from collectors.rest import Start
from collectors.round import Round
from metrics.poll import ErrorClass, EventKind, Tier
from metrics.reading import Column, Reading

CROWDED = 10_000
"""Pools that cost PgBouncer's one thread and us tens of milliseconds at each poll."""

CURE = (
    "pgbouncer.ini: give the database user = NAME, so that all share one pool; or let what makes users use them again "
    "(pools of users that are gone stay until PgBouncer is restarted)."
)
MAXWAIT = Reading(
    metrics.POOLS.statement,
    {"maxwait": metrics.longest_wait, "maxwait_us": Column(metrics.longest_wait, scale=MICROSECONDS)},
    labels=metrics.POOLS.labels,
)
PROBED = (
    metrics.POOLS,
    metrics.STATS_TOTALS,
    metrics_databases.DATABASES,
    metrics.LISTS,
    metrics_config.CONFIG,
)


class PgBouncerCollector(Collector[PgBouncerSource]):
    """SHOW is all that it says."""

    tiers: ClassVar[Mapping[Tier, float]] = {Tier.FAST: 0.0, Tier.MEDIUM: 60.0, Tier.SLOW: 3600.0}
    cure = (
        f"{Collector.cure} Processes that share a port (so_reuseport) are reached one by one by their unix_socket_dir, "
        'as host = "/that/folder"; peers have one each anyway.'
    )

    def __init__(self, source: PgBouncerSource) -> None:
        """Nothing is connected yet."""
        super().__init__(source)
        self.version: tuple[int, ...] = ()
        self._connection: LibpqConnection | None = None
        self._banner = ""
        self.forget()

    def forget(self) -> None:
        """Begin anew with all that is remembered of the process."""
        self._crowd = Crowd(self.source.max_series)
        self._restarts = Restarts()
        self._start = Start()
        self._minute = Minute(self.source.max_series)

    def connect(self, deadline: float) -> None:
        """Log in to the console and ask its version, by which columns are chosen."""
        self._connection = console(self.source, deadline)
        self._restarts.connected()
        rows = self.show(deadline, "SHOW VERSION").rows
        self._banner = str(rows[0][0]) if rows and rows[0] else ""
        self.version = version(self._banner)

    def disconnect(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, round_: Round, deadline: float) -> None:
        """The statements of the round's tier."""
        ask = Ask(round_, deadline, self.version, self.show)
        if round_.tier is Tier.FAST:
            self._fast(ask)
        elif round_.tier is Tier.MEDIUM:
            self._minute.read(ask, self._crowd.shown, self._crowd.most)
        else:
            self._hourly(ask)
        if round_.tier is not Tier.FAST and self._restarts.due:
            self._compare(ask, ask(metrics.STATS_TOTALS))
        _worth_something(round_)

    def around(self, deadline: float) -> list[Who]:
        """Ours and others, when other connections do not reach the process of ours. Raises Failed."""
        found = others(self.source, self._console, deadline, 1 if self.identity.several else LOOKS)
        return [Who(name, name) for name in found]

    def show(self, deadline: float, statement: str) -> Table:
        """The answer to one SHOW. Raises Failed."""
        return show(self.source, self._console, deadline, statement)

    def examine(self, deadline: float) -> Capabilities:
        """Version, and which SHOWs are refused."""
        lacking = []
        for reading in PROBED:
            try:
                table = self.show(deadline, reading.statement)
            except Failed as failed:
                why = "what it shows stays unknown"
                lacking.append(Lack(f"{reading.statement}: {failed.failure.text}", why, failed.failure.hint))
            else:
                if reading is metrics_config.CONFIG and _shares_port(table):
                    lacking.append(_SHARED)
        if self.version < (1, 18):
            lacking.append(
                Lack(f"{self._banner} is older than 1.18", "some columns are missing", "upgrade to 1.18 or later")
            )
        return Capabilities(version=self._banner, role="pooler", epochs={}, lacking=tuple(lacking))

    def _fast(self, ask: Ask) -> None:
        round_ = ask.round_
        stats, pooled = ask(metrics.STATS_TOTALS), ask(metrics.POOLS, MAXWAIT)
        self._minute.learn_limits(ask, pooled)
        self._minute.console(stats, pooled)
        counted, found = self._crowd.look(stats, pooled, self._minute.limits)
        ask.take(metrics.STATS_TOTALS, counted)
        ask.take(metrics.POOLS, Rows(found.table, [*found.further, *shared(found, self._minute.limits)]))
        self._find(round_, pooled)
        round_.left_out += self._crowd.left_out
        lists = ask(metrics.LISTS)
        if lists.names:
            self._minute.lists = pivoted(lists.dicts(), "list", "items")
            ask.take(metrics.LISTS, [self._minute.lists])
        # Last: a round that is cut before would take what it tells with it.
        self._compare(ask, stats)
        round_.epochs[START] = self._start.epoch(self._restarts.mark, rest=self._crowd.opened)

    def _compare(self, ask: Ask, stats: Table) -> None:
        """Whether it is the process of the last look; while several are behind the address, whether they still are."""
        another = self._restarts.look(stats)
        looks = another or (self.identity.several and ask.round_.tier is Tier.FAST)
        if looks and not self.look_around(ask.deadline):
            # Where clients have no names nothing but counts is left.
            self.identity.several = self._restarts.counts.alternate
            another = another and not self._restarts.counts.doubtful
        if another and not self.identity.several:
            self._restarts.begin()
            self.sieve.renew()
            if self._restarts.fell:
                ask.round_.event(EventKind.RESTART, RESTARTED)
            else:
                ask.round_.event(EventKind.FAILOVER, ANOTHER)

    @property
    def _console(self) -> LibpqConnection:
        assert self._connection is not None  # noqa: S101 - connect() came first
        return self._connection

    def _find(self, round_: Round, pooled: Table) -> None:
        if doubled := self._crowd.doubled:
            more = f" and {len(doubled) - 1} more of them" if len(doubled) > 1 else ""
            text = f"PgBouncer lists {doubled[0]}{more} more than once: their numbers are summed."
            round_.finding("listed_twice", text, "See that each database and user stands once in its configuration.")
        if len(pooled.rows) > CROWDED:
            text = f"SHOW POOLS has {len(pooled.rows):,} rows: the busiest are shown, the others are a sum."
            round_.finding("crowded", text, CURE)

    def _hourly(self, ask: Ask) -> None:
        ask.take(metrics_process.VERSION, [{"version": self._banner[:100], "one": 1}])
        ask.take(metrics_process.MEM, ask(metrics_process.MEM).dicts())
        ask.take(metrics_config.SETTINGS, numbers(ask(metrics_config.SETTINGS).dicts()))


def _shares_port(config: Table) -> bool:
    return str(pivoted(config.dicts(), "key", "value").get("so_reuseport")) == "1"


_SHARED = Lack(
    "so_reuseport = 1",
    "several processes may share the port, and each connection reaches another one: values jump between them",
    "give each process a listen_port or unix_socket_dir of its own, and a [[source]] for each",
)


def _worth_something(round_: Round) -> None:
    """A poll of which every reading failed is a failed poll."""
    if round_.partial and not round_.samples:
        first = next(iter(round_.partial.values()))
        raise Failed(first.kind or ErrorClass.BAD_REPLY, first.text, first.hint)
