"""What is asked once a minute: limits, settings, state, peers, and the connections by who they are."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from collectors.failed import Disconnected, Failed
from collectors.newcomers import Newcomers
from collectors.pgbouncer import metrics_config, metrics_databases, metrics_process, metrics_sockets
from collectors.pgbouncer.ask import Ask
from collectors.pgbouncer.changes import Databases, State
from collectors.pgbouncer.choice import Choice
from collectors.pgbouncer.crowd import DATABASES_PER
from collectors.pgbouncer.declare import CONSOLE, MICROSECONDS
from collectors.pgbouncer.rows import Limits, pivoted, pools
from collectors.pgbouncer.settings import Settings, few
from collectors.pgbouncer.sockets import Opened, Sockets, Sums, console_time, sums
from collectors.pgbouncer.table import EMPTY, Table, total
from collectors.rest import REST
from metrics.model import Metric
from metrics.poll import ErrorClass, EventKind
from metrics.reading import Column, Reading, number_of

MOST_CLIENTS = 10_000
"""More are not listed: it would hold PgBouncer's one thread for tens of milliseconds."""

MOST_PEERS = 50
USERS_PER = 60
_SUMMED = ("current_connections", "current_client_connections", "paused", "disabled")

Rows = list[dict[str, Any]]

_NUMBERS: Mapping[str, Column | Metric] = {
    "wait": metrics_sockets.client_wait,
    "wait_us": Column(metrics_sockets.client_wait, scale=MICROSECONDS),
    "prepared_statements": metrics_sockets.client_statements,
}
CLIENT = Reading(metrics_sockets.CLIENTS.statement, _NUMBERS, labels=metrics_sockets.CLIENTS.labels)
SERVER = Reading(metrics_sockets.SERVERS.statement, _NUMBERS, labels=metrics_sockets.SERVERS.labels)
"""What is of one connection each, before it is summed."""


class Minute:
    """Remembers what the next look is compared with, and what the polls between two looks need."""

    def __init__(self, most_series: int) -> None:
        """``most_series``: of the whole source."""
        self.limits = Limits()
        self.lists: Mapping[str, Any] = {}
        self._stats = self._pool = EMPTY
        self._unlimited: set[str] = set()
        self._max_user: object = None
        self._users: Choice[str] = Choice(max(4, most_series // USERS_PER))
        self._databases = Databases()
        self._idle: Newcomers[str] = Newcomers(max(2, most_series // DATABASES_PER))
        self._settings = Settings()
        self._state = State()
        self._clients, self._servers = Sockets(most_series), Sockets(most_series * 2 // 3)
        self._opened = Opened()

    def learn_limits(self, ask: Ask, pooled: Table) -> None:
        """Ask for the most servers of each pool when one is new: a pool that was just made is judged at once."""
        if not pooled.rows:
            return
        unlimited = set(pooled.columns[pooled.place("database")]) - self.limits.databases
        if not unlimited <= self._unlimited:
            databases, users = ask(metrics_databases.DATABASES), ask(metrics_databases.USERS)
            self.limits = Limits(databases.dicts(), users.dicts(), self._most_of_users(ask))
            self._unlimited = unlimited - self.limits.databases

    def _most_of_users(self, ask: Ask) -> object:
        """max_user_connections, asked at the first look and learnt by the minute."""
        if self._max_user is None:
            config = pivoted(ask(metrics_config.CONFIG).dicts(), "key", "value")
            self._max_user = config.get("max_user_connections", 0)
        return self._max_user

    def console(self, stats: Table, pooled: Table) -> None:
        """The last poll's answers: the console's own rows are shown with the next minute's."""
        self._stats, self._pool = stats, pooled

    def read(self, ask: Ask, shown: set[str], most: int) -> None:
        """All of it, each part by itself. What a round tells that is cut counts as not told: the next one tells it."""
        told = copy(self._databases), copy(self._settings), copy(self._state)
        try:
            self._read(ask, shown, most)
        except Disconnected:
            self._databases, self._settings, self._state = told
            raise

    def _read(self, ask: Ask, shown: set[str], most: int) -> None:
        databases, users = ask(metrics_databases.DATABASES), ask(metrics_databases.USERS)
        if databases.names:
            rows = databases.dicts()
            self.limits = Limits(rows, users.dicts(), self._most_of_users(ask))
            self._take_databases(ask, rows, shown, most)
        if users.names:
            self._take_users(ask, users)
        self._take_config(ask)
        self._take_state(ask)
        self._take_connections(ask, shown)
        if self.lists.get("peers"):
            for reading in (metrics_process.PEERS, metrics_process.PEER_POOLS):
                ask.take(reading, ask(reading).dicts()[:MOST_PEERS])

    def _take_databases(self, ask: Ask, rows: Rows, shown: set[str], most: int) -> None:
        flipped, changed = self._databases.flips(rows)
        for text in (*few(flipped, "databases"), *few(changed, "settings of databases")):
            ask.round_.event(EventKind.CONFIG, text)
        real = [row for row in rows if row.get("name") != CONSOLE]
        near = [row for row in real if row.get("name") in shown]
        far = [row for row in real if row.get("name") not in shown]
        room = max(0, most - len(near))
        far.sort(key=lambda row: (not row.get("paused"), not row.get("disabled"), str(row.get("name"))))
        idle = self._idle.let_in(str(row.get("name")) for row in far[:room])
        near = [*near, *(row for row in far[:room] if str(row.get("name")) in idle)]
        far = [row for at, row in enumerate(far) if at >= room or str(row.get("name")) not in idle]
        ask.take(metrics_databases.DATABASES_INFO, [_one(row) for row in near])
        ask.round_.left_out += len(far)
        ask.take(metrics_databases.DATABASES, [*near, *_together(far, "name", _SUMMED)])
        own = [_one(row) for row in rows if row.get("name") == CONSOLE]
        ask.take(metrics_process.CONSOLE_DATABASE, own)
        ask.take(metrics_process.CONSOLE_INFO, own)
        ask.take(metrics_process.CONSOLE_STATS, _own(self._stats).dicts())
        ask.take(metrics_process.CONSOLE_POOL, pools(_own(self._pool), self.limits).dicts())

    def _take_users(self, ask: Ask, table: Table) -> None:
        rows = [row for row in table.dicts() if row.get("name") != CONSOLE]
        summed = ("current_connections", "current_client_connections")
        busy = {str(row.get("name")): total(row.get(name) for name in summed) or 0.0 for row in rows}
        shown = self._users.choose(busy)
        far = [row for row in rows if str(row.get("name")) not in shown]
        ask.round_.left_out += len(far)
        near = [row for row in rows if str(row.get("name")) in shown]
        ask.take(metrics_databases.USERS, [*near, *_together(far, "name", summed)])

    def _take_config(self, ask: Ask) -> None:
        rows = ask(metrics_config.CONFIG).dicts()
        if not rows:
            return
        for text in few(self._settings.changes(rows), "settings"):
            ask.round_.event(EventKind.CONFIG, text)
        differing, records = self._settings.differences(rows)
        ask.round_.records += records
        config = pivoted(rows, "key", "value")
        self._max_user = config.get("max_user_connections", 0)
        ask.take(metrics_config.CONFIG, [{**config, "differing": differing}])

    def _take_state(self, ask: Ask) -> None:
        table = ask(metrics_process.STATE)
        if table.rows:
            row = {name: value == "yes" for name, value in pivoted(table.dicts(), "key", "value").items()}
            if text := self._state.look(row):
                ask.round_.event(EventKind.CONFIG, text)
            ask.take(metrics_process.STATE, [row])

    def _take_connections(self, ask: Ask, shown: set[str]) -> None:
        if (number_of(self.lists.get("used_clients")) or 0) > MOST_CLIENTS:
            with ask.round_.part(metrics_sockets.CLIENTS.statement):
                raise Failed(ErrorClass.MISSING, f"over {MOST_CLIENTS:,} clients: too many to list", quiet=True)
        else:
            self._list_connections(ask, shown)

    def _list_connections(self, ask: Ask, shown: set[str]) -> None:
        everyone, servers = ask(metrics_sockets.CLIENTS, CLIENT), ask(metrics_sockets.SERVERS, SERVER)
        now, zone = console_time(everyone)
        if everyone.names:
            clients = everyone.without("database", CONSOLE)
            counts, waits = self._clients.groups(clients)
            ask.take(metrics_sockets.CLIENTS, counts)
            ask.take(metrics_sockets.WAITS, waits)
            ask.take(metrics_sockets.CLIENT_SUMS, _rows(sums(clients, shown, now, zone)))
            ask.round_.left_out += self._clients.left_out
        if servers.names:
            ask.take(metrics_sockets.SERVERS, self._servers.groups(servers)[0])
            opened = self._opened.look(servers, shown)
            found = sums(servers, shown, now, zone)
            rows = [
                {**found.get(name, Sums()).row(name), "opened": count}
                for name, count in opened.items()
                if name in found or name != REST
            ]
            ask.take(metrics_sockets.SERVER_SUMS, rows)
            ask.round_.left_out += self._servers.left_out


def _own(table: Table) -> Table:
    return table.only("database", CONSOLE) if table.names else table


def _one(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of an info metric: what is not set is empty."""
    return {**{name: "" if value is None else value for name, value in row.items()}, "one": 1}


def _together(rows: Rows, name: str, summed: Sequence[str]) -> Rows:
    """Many rows as one: sums of some columns, of the others nothing."""
    if not rows:
        return []
    sums_ = {column: total(row.get(column) for row in rows) for column in summed}
    return [{**dict.fromkeys(rows[0]), **{key: value for key, value in sums_.items() if key in rows[0]}, name: REST}]


def _rows(found: Mapping[str, Sums]) -> Rows:
    return [each.row(name) for name, each in found.items()]
