"""What is remembered of one server between polls."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from collectors.failed import one_line
from collectors.identity import Identity
from collectors.redis import info
from collectors.redis.info import Fields
from collectors.round import Round
from metrics.poll import EventKind

Rows = dict[str, list[tuple[str, str]]]
"""By kind, own name and text of the lines of INFO that are rows of their own."""

WATCHED = ("maxmemory", "maxmemory_policy", "maxclients", "configured_hz")
"""Settings that INFO tells to whoever may read it. Not a Sentinel's: it changes its own hz all the time, by chance."""

FALLS_AT_RESET = ("total_connections_received", "total_commands_processed", "total_net_input_bytes")
NO_DATA = ("keyspace_hits", "keyspace_misses", "expired_keys", "evicted_keys")
"""A Sentinel holds no keys: its zeros say nothing."""

VALKEY_LOGS = (8, 1)


@dataclass(slots=True)
class Server:
    """Version, mode and role as the last INFO told them, and what the next one is held against."""

    identity: Identity
    row: Fields = field(default_factory=dict)
    version: tuple[int, ...] = ()
    valkey: tuple[int, ...] = ()
    mode: str = "standalone"
    run: str = ""
    databases: int = 0
    held_keys: set[str] = field(default_factory=set)
    masters: Mapping[str, str] = field(default_factory=dict)
    """Of a Sentinel: the address of each master by its name."""
    _names: tuple[str, ...] = ()
    _dynamic: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    _before: Fields = field(default_factory=dict)
    _masters_before: Mapping[str, str] = field(default_factory=dict)
    _started: tuple[str, float] = ("", 0.0)

    @property
    def sentinel(self) -> bool:
        """Whether it is one."""
        return self.mode == "sentinel"

    @property
    def logs_large(self) -> bool:
        """Whether it has Valkey's COMMANDLOG. Its slow commands are asked for by SLOWLOG, as everywhere else."""
        return self.valkey >= VALKEY_LOGS

    def heard(self, row: Fields) -> Rows:
        """Take a new INFO: its plain fields stay in ``row``, those that are rows of their own are given back."""
        names = tuple(row)
        if names != self._names:
            self._names, (self._dynamic, _) = names, info.kinds(names)
            self.version, self.valkey, self.mode = info.version(row), info.valkey(row), info.mode(row)
        rows: Rows = {}
        for name, (kind, own) in self._dynamic.items():
            rows.setdefault(kind, []).append((own, row.pop(name)))
        if self.sentinel:
            for name in NO_DATA:
                row.pop(name, None)
        self.row, self.run = row, row.get("run_id", "")
        return rows

    def answered(self, row: Fields) -> Rows:
        """The same of an answer that is read, by which the server is known."""
        rows = self.heard(row)
        if (who := info.who(row)).mark is not None:
            self.identity.look(*who)
        return rows

    def started(self) -> float | None:
        """When it began, in whole seconds of the epoch: the same at each look, though both are cut."""
        try:
            found = int(self.row["server_time_usec"][:20]) // 1_000_000 - int(self.row["uptime_in_seconds"])
        except (KeyError, ValueError):
            return None
        run, known = self._started
        if run != self.run or abs(found - known) > 1:
            self._started = (self.run, float(found))
        return self._started[1]

    def tell(self, round_: Round) -> None:
        """Events between the last telling and now; what is told last, so that a round that is lost tells nothing."""
        self._tell_masters(round_)
        before, now = self._before, self.row
        self._before = {name: now[name] for name in (*WATCHED, *FALLS_AT_RESET, "run_id", "role") if name in now}
        if not before:
            return
        if before.get("run_id") != now.get("run_id"):
            if self.identity.restarted:
                round_.event(EventKind.RESTART, f"{info.spoken_version(now)} was started", self.started())
            else:
                text = f"another server answers here: run ID {before.get('run_id', '')} → {now.get('run_id', '')}"
                round_.event(EventKind.FAILOVER, one_line(text))
        elif any(_fell(before, now, name) for name in FALLS_AT_RESET):
            round_.event(EventKind.RESET, "counters were reset (CONFIG RESETSTAT)")
        if before.get("role") != now.get("role"):
            round_.event(EventKind.FAILOVER, f"role: {before.get('role', '')} → {now.get('role', '')}")
        for name in () if self.sentinel else WATCHED:
            if name in before and name in now and before[name] != now[name]:
                round_.event(EventKind.CONFIG, f"{name.replace('_', '-')}: {before[name]} → {now[name]}")

    def _tell_masters(self, round_: Round) -> None:
        before, self._masters_before = self._masters_before, self.masters
        for name, address in self.masters.items():
            if before.get(name, address) != address:
                round_.event(EventKind.FAILOVER, one_line(f"master {name}: {before[name]} → {address}"))


def _fell(before: Fields, now: Fields, name: str) -> bool:
    try:
        return int(now[name]) < int(before[name])
    except (KeyError, ValueError):
        return False
