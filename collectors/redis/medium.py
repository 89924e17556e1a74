"""What is asked by the minute: all of INFO, commands and their latency, slow entries, clients, the cluster."""

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

from collectors.failed import Failed
from collectors.newcomers import Newcomers
from collectors.redis import clients, histogram, info
from collectors.redis import metrics_clients as of_clients
from collectors.redis import metrics_cluster as of_cluster
from collectors.redis import metrics_commands as of_commands
from collectors.redis import metrics_info as of_info
from collectors.redis.connection import RedisConnection
from collectors.redis.fast import fields
from collectors.redis.server import Rows, Server
from collectors.redis.slowlog import KIND, Log
from collectors.redis.taking import Taker
from collectors.rest import REST, Rest
from collectors.round import Round
from metrics.model import Sample
from metrics.poll import ErrorClass
from metrics.reading import Reading

SERIES_OF_A_COMMAND = 4 + 3
SERIES_OF_A_HISTOGRAM = len(histogram.EDGES) + 3
MOST_ERRORS = 100
CALLS = ("calls", "usec", "rejected_calls", "failed_calls")
LARGE = {"large-request": "large_request", "large-reply": "large_reply"}


class Medium:
    """Remembers which commands are shown, and which entries of the logs were seen."""

    def __init__(self, most: int, *, arguments: bool) -> None:
        """``most`` series of the source, of which a fifth may be commands' and two fifths their histograms'."""
        self._arguments = arguments
        self._commands = Rest(("cmd",), CALLS, ("usec",), max(10, most // 5 // SERIES_OF_A_COMMAND))
        self._buckets = histogram.Buckets(of_commands.latency.name)
        self._latency = Rest(
            ("cmd",), ("calls", "usec", *histogram.COLUMNS), ("calls",), max(5, most * 2 // 5 // SERIES_OF_A_HISTOGRAM)
        )
        self._errors = Rest(("err",), ("count",), ("count",), MOST_ERRORS)
        self._logs = {"slow": Log(KIND), **{kind: Log(name) for kind, name in LARGE.items()}}
        self._looked = self._logs
        self._names: Newcomers[str] = Newcomers(clients.MOST_GROUPS)
        self._usec: dict[str, float] = {}
        self._taker = Taker()

    @property
    def opened(self) -> bool:
        """Whether commands or errors have a rest."""
        return self._commands.opened or self._latency.opened or self._errors.opened

    def read(self, round_: Round, connection: RedisConnection, server: Server, taker: Taker, deadline: float) -> None:
        """INFO first; everything else is a part. Raises Failed.

        Entries of a log count as told only when the round is whole: one that is cut tells nothing.
        """
        self._looked = {kind: copy(log) for kind, log in self._logs.items()}
        asked = [(name, command) for name, command in self._commands_of(server) if round_.wants(name)]
        answer, *rest = connection.ask(deadline, ("INFO", "all"), *(command for _, command in asked))
        text = str(answer)
        rows = server.answered(fields(answer))
        round_.heard()
        self._info(round_, server, taker, rows, text)
        for (name, _), told in zip(asked, rest, strict=True):
            with round_.part(name):
                if isinstance(told, Failed):
                    raise told
                self._part(name, told, round_, connection, server, deadline)
        if not server.sentinel:
            self._logged(round_)
        self._logs = self._looked

    def _commands_of(self, server: Server) -> Iterator[tuple[str, tuple[str, ...]]]:
        if server.sentinel:
            return
        yield of_commands.SLOW.statement, ("SLOWLOG", "GET", "1")
        for kind in LARGE if server.logs_large else ():
            yield f"COMMANDLOG GET {kind}", ("COMMANDLOG", "GET", "1", kind)
        yield of_commands.LATEST.statement, ("LATENCY", "LATEST")
        if server.version >= of_commands.HISTOGRAM.since:
            yield of_commands.HISTOGRAM.statement, ("LATENCY", "HISTOGRAM")
        if clients.whole(server.row.get("connected_clients")) <= clients.MOST_CLIENTS:
            yield of_clients.CLIENTS.statement, ("CLIENT", "LIST")
        if server.mode == "cluster":
            yield of_cluster.CLUSTER.statement, ("CLUSTER", "INFO")

    def _info(self, round_: Round, server: Server, taker: Taker, rows: Rows, text: str) -> None:
        row, version = server.row, server.version
        if (started := server.started()) is not None:
            row["started"] = str(started)
        for part in ("server", "client", "ca"):
            if row.get(f"tls_{part}_cert_serial") == "none":
                row.pop(f"tls_{part}_cert_expires_in_seconds", None)
        taker.take(round_, of_info.ALL, row, version, few=server.sentinel)
        some = of_info.WHERE_ANY
        taker.take(round_, some, info.stated(row, some.columns), version, few=True)
        if row.get("aof_enabled") == "1":
            taker.take(round_, of_info.AOF_ON, row, version, few=True)
        names = (*of_info.IDENTITY, "valkey_version")
        round_.take(
            of_info.INSTANCE, [{**{name: row.get(name, "") for name in names}, "redis_mode": server.mode, "there": 1}]
        )
        self._busiest(round_, rows)
        if "io_thread_" in rows:
            round_.take(of_info.THREADS, [{"thread": own, **info.pairs(told)} for own, told in rows["io_thread_"]])
        if "module" in rows:
            modules = info.modules(text)
            round_.take(of_info.MODULES, [{**told, "there": 1} for told in modules])
        if "engine_" in rows:
            round_.take(of_info.ENGINES, [info.pairs(told) for _, told in rows["engine_"]])
        held = {own for own, _ in rows.get("db", ())} | server.held_keys
        left = [{"db": str(db), "empty": 1} for db in range(server.databases) if str(db) not in held]
        round_.take(of_info.KEYS_LEFT, left)

    def _busiest(self, round_: Round, rows: Rows) -> None:
        stats: list[dict[str, Any]] = [
            {"cmd": own, **_numbers(info.pairs(told), *CALLS)} for own, told in rows.get("cmdstat_", ())
        ]
        shown = _shown(round_, self._commands, stats, of_commands.COMMANDS)
        self._usec = {str(row["cmd"]): row["usec"] for row in stats}
        names = {str(row["cmd"]) for row in shown}
        round_.take(of_commands.LATENCIES, [*_percentiles(rows, names)])
        errors = [{"err": own, **_numbers(info.pairs(told), "count")} for own, told in rows.get("errorstat_", ())]
        _shown(round_, self._errors, errors, of_commands.ERRORS)

    def _part(
        self, name: str, told: Any, round_: Round, connection: RedisConnection, server: Server, deadline: float
    ) -> None:
        if isinstance(told, list):
            if name == of_commands.LATEST.statement:
                rows = [dict(zip(("event", "at", "last", "max"), each, strict=False)) for each in told]
                round_.take(of_commands.LATEST, rows)
            elif name == of_commands.HISTOGRAM.statement:
                self._histograms(round_, told)
            else:
                kind = name.removeprefix("COMMANDLOG GET ") if name.startswith("COMMANDLOG") else "slow"
                self._entries(kind, told, round_, connection, server, deadline)
        elif name == of_clients.CLIENTS.statement:
            rows, left = clients.groups(clients.parsed(str(told)), connection.own_address, self._names.let_in)
            round_.take(of_clients.CLIENTS, rows)
            round_.left_out += left
        elif name == of_cluster.CLUSTER.statement:
            self._taker.take(round_, of_cluster.CLUSTER, info.fields(str(told)), server.version)
        else:
            raise Failed(ErrorClass.BAD_REPLY, f"{name}: an answer of another shape")

    def _histograms(self, round_: Round, told: Sequence[Any]) -> None:
        # The sums go with the calls: of a command that was part of the rest both leave out what the rest was given.
        shown, rest, left = self._latency.look(self._buckets.rows(told, self._usec))
        round_.left_out += left
        for row in (*shown, *rest):
            round_.samples += self._buckets.samples(row)

    def _entries(
        self,
        kind: str,
        told: Sequence[Any],
        round_: Round,
        connection: RedisConnection,
        server: Server,
        deadline: float,
    ) -> None:
        log = self._looked[kind]
        wanted = log.wanted(told, server.run)
        if wanted > 1:
            ask = ("SLOWLOG", "GET", str(wanted)) if kind == "slow" else ("COMMANDLOG", "GET", str(wanted), kind)
            answer = connection.call(deadline, *ask)
            told = answer if isinstance(answer, list) else []
        newest = told[0] if told else (0, 0, 0)
        if wanted:
            own = connection.own_address
            round_.records += log.records(told, server.run, arguments=self._arguments, own=own)
        if kind == "slow":
            round_.take(of_commands.SLOW, [{"entries": log.entries or 0, "id": newest[0], "usec": newest[2]}])

    def _logged(self, round_: Round) -> None:
        for kind in LARGE:
            if (entries := self._looked[kind].entries) is not None:
                round_.samples.append(Sample(of_commands.LARGE[kind].name, (), float(entries)))


def _shown(round_: Round, rest: Rest, rows: Sequence[dict[str, Any]], reading: Reading) -> Sequence[Any]:
    if not rows:
        return []
    shown, others, left = rest.look(rows)
    round_.left_out += left
    round_.take(reading, [*shown, *others])
    return shown


def _percentiles(rows: Rows, shown: set[str]) -> Iterator[dict[str, str]]:
    for cmd, told in rows.get("latency_percentiles_usec_", ()):
        if cmd in shown and cmd != REST:
            for name, usec in info.pairs(told).items():
                yield {"cmd": cmd, "quantile": name.removeprefix("p"), "usec": usec}


def _numbers(told: info.Fields, *wanted: str) -> dict[str, float]:
    found = {}
    for name, text in told.items():
        try:
            found[name] = float(text)
        except ValueError:
            continue
    return {**dict.fromkeys(wanted, 0.0), **found}
