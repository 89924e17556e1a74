"""What PgBouncer says of itself: version, state, memory, peers, and its console, kept apart from real databases."""

from collectors.pgbouncer.declare import MICROSECONDS, gauge, total
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

version = gauge("pgbouncer_version_info", "Always 1: the version of the server.", ("version",))
state = gauge(
    "pgbouncer_state",
    "1 for the state that PgBouncer is in: active, paused or suspended.",
    ("state",),
    note="Since 1.19. Of 1.18 a PAUSE of all is seen only by clients that wait and servers that are none.",
)
memory = gauge("pgbouncer_memory_bytes", "Memory taken for objects of one kind.", ("cache",), Unit.BYTES)
memory_used = gauge("pgbouncer_memory_used_objects", "Objects of one kind that are in use.", ("cache",))
memory_free = gauge(
    "pgbouncer_memory_free_objects",
    "Objects of one kind that are allocated and free.",
    ("cache",),
    note="Never given back: the most that was ever used is used and free together.",
)
peer_pool_size = gauge("pgbouncer_peers_pool_size", "Connections to the peer at most.", ("peer", "host", "port"))
peer_clients = gauge(
    "pgbouncer_peers_client_cancel_connections", "Clients whose cancel was forwarded to the peer.", ("peer",)
)
peer_waiting = gauge(
    "pgbouncer_peers_client_waiting_cancel_connections", "Clients whose cancel waits for the peer.", ("peer",)
)
peer_servers = gauge(
    "pgbouncer_peers_server_cancel_connections", "Connections that forward a cancel to the peer.", ("peer",)
)
peer_logins = gauge("pgbouncer_peers_server_login_connections", "Connections to the peer that log in.", ("peer",))

_LOOKS = "Looks at the console, Trivet's among them: no traffic."
console_connections = gauge(
    "pgbouncer_console_connections", "Connections of the console by column of SHOW POOLS.", ("column",), note=_LOOKS
)
console_wait = gauge(
    "pgbouncer_console_longest_wait_seconds", "Longest wait at the console.", (), Unit.SECONDS, note=_LOOKS
)
console_events = total("pgbouncer_console_events_total", "Counts of the console.", labels=("column",), note=_LOOKS)
console_bytes = total("pgbouncer_console_bytes_total", "Bytes of the console.", Unit.BYTES, ("column",), note=_LOOKS)
console_seconds = total(
    "pgbouncer_console_seconds_total", "Times of the console.", Unit.SECONDS, ("column",), note=_LOOKS
)
console_limits = gauge("pgbouncer_console_limits", "The console's row of SHOW DATABASES.", ("column",), note=_LOOKS)
console_info = gauge(
    "pgbouncer_console_info", "Always 1: the console's row of SHOW DATABASES.", ("port", "force_user", "pool_mode")
)

VERSION = Reading("SHOW VERSION", tier=Tier.SLOW, labels={"version": "version"}, columns={"one": version})
STATE = Reading(
    "SHOW STATE",
    tier=Tier.MEDIUM,
    since=(1, 19),
    columns={name: Column(state, labels={"state": name}) for name in ("active", "paused", "suspended")},
)
"""The collector makes one row of the server's three, yes and no as 1 and 0."""

MEM = Reading(
    "SHOW MEM",
    tier=Tier.SLOW,
    labels={"name": "cache"},
    columns={"memtotal": memory, "used": memory_used, "free": memory_free},
    omitted={"size": "memtotal over used and free"},
)
PEERS = Reading(
    "SHOW PEERS",
    tier=Tier.MEDIUM,
    since=(1, 19),
    labels={"peer_id": "peer", "host": "host", "port": "port"},
    columns={"pool_size": peer_pool_size},
)
PEER_POOLS = Reading(
    "SHOW PEER_POOLS",
    tier=Tier.MEDIUM,
    since=(1, 19),
    labels={"peer_id": "peer"},
    columns={
        "cl_active_cancel_req": peer_clients,
        "cl_waiting_cancel_req": peer_waiting,
        "sv_active_cancel": peer_servers,
        "sv_login": peer_logins,
    },
    omitted={"database": "a peer has none", "user": "a peer has none", "sv_*": "always 0", "cl_*": "always 0"},
)
_POOL = (
    "cl_active",
    "cl_waiting",
    "cl_active_cancel_req",
    "cl_waiting_cancel_req",
    "sv_active",
    "sv_active_cancel",
    "sv_being_canceled",
    "sv_idle",
    "sv_used",
    "sv_tested",
    "sv_login",
)
_COUNTS = {
    "xact_count": (),
    "query_count": (),
    "server_assignment_count": (1, 23),
    "client_parse_count": (1, 24),
    "server_parse_count": (1, 24),
    "bind_count": (1, 24),
}
CONSOLE_POOL = Reading(
    "SHOW POOLS",
    tier=Tier.MEDIUM,
    columns={
        **{name: Column(console_connections, labels={"column": name}) for name in _POOL},
        "maxwait_seconds": console_wait,
    },
    omitted={"*": "see the other reading"},
)
CONSOLE_STATS = Reading(
    "SHOW STATS_TOTALS",
    tier=Tier.MEDIUM,
    columns={
        **{name: Column(console_events, labels={"column": name}, since=since) for name, since in _COUNTS.items()},
        **{name: Column(console_bytes, labels={"column": name}) for name in ("bytes_received", "bytes_sent")},
        **{
            name: Column(console_seconds, scale=MICROSECONDS, labels={"column": name})
            for name in ("xact_time", "query_time", "wait_time")
        },
    },
    omitted={"*": "see the other reading"},
)
CONSOLE_DATABASE = Reading(
    "SHOW DATABASES",
    tier=Tier.MEDIUM,
    columns={
        **{
            name: Column(console_limits, labels={"column": name})
            for name in ("pool_size", "max_connections", "current_connections", "paused", "disabled")
        },
        "reserve_pool": Column(console_limits, labels={"column": "reserve_pool"}, before=(1, 24)),
    },
    omitted={"*": "see the other reading"},
)
CONSOLE_INFO = Reading(
    "SHOW DATABASES",
    tier=Tier.MEDIUM,
    labels={"port": "port", "force_user": "force_user", "pool_mode": "pool_mode"},
    columns={"one": console_info},
    omitted={"*": "see the other reading"},
)
"""All four are given the console's own row only: what dashboards made for pgbouncer_exporter show as well."""

_SAME = {"*": "the sums of SHOW STATS_TOTALS under other names, and averages"}
STATS = Reading("SHOW STATS", {}, omitted=_SAME)
STATS_AVERAGES = Reading("SHOW STATS_AVERAGES", {}, omitted={"*": "avg_* means other things in other versions"})
TOTALS = Reading(
    "SHOW TOTALS", {}, omitted={"*": "sums over the pools that live now: each falls when one of them goes"}
)
SOCKETS = Reading("SHOW SOCKETS", {}, omitted={"*": "SHOW CLIENTS and SHOW SERVERS with the fill of their buffers"})
ACTIVE_SOCKETS = Reading("SHOW ACTIVE_SOCKETS", {}, omitted={"*": "as SHOW SOCKETS"})
FDS = Reading("SHOW FDS", {}, omitted={"*": "for a takeover by another process, by admins only: must not be asked"})
DNS_HOSTS = Reading("SHOW DNS_HOSTS", {}, omitted={"*": "SHOW LISTS counts them"})
DNS_ZONES = Reading("SHOW DNS_ZONES", {}, omitted={"*": "SHOW LISTS counts them"})
"""These eight are never asked; why not is for the documents."""
