"""What Redis is asked, what its answers mean, and what is judged."""

from metrics.forms import Level, Rate, Ratio
from metrics.model import Kind, Metric, Unit
from metrics.reading import Column, Reading
from metrics.target import at_least

EPOCH = "redis_run"
"""Made of INFO's run_id. CONFIG RESETSTAT leaves it alone and is seen by counters that fall."""


def _counter(name: str, help: str, unit: Unit = Unit.COUNT) -> Metric:  # noqa: A002 - the field's own name
    return Metric(name=name, kind=Kind.COUNTER, unit=unit, help=help, epoch=EPOCH)


def _gauge(name: str, help: str, unit: Unit = Unit.COUNT, labels: tuple[str, ...] = ()) -> Metric:  # noqa: A002
    return Metric(name=name, kind=Kind.GAUGE, unit=unit, help=help, labels=labels)


hits = _counter("redis_keyspace_hits_total", "Lookups that found their key.")
misses = _counter("redis_keyspace_misses_total", "Lookups that did not find their key.")
commands = _counter("redis_commands_processed_total", "Commands that were run, those of this collector included.")
evicted = _counter("redis_evicted_keys_total", "Keys thrown out because memory was full.")
expired = _counter("redis_expired_keys_total", "Keys whose time to live ended.")
connections = _counter("redis_connections_received_total", "Connections that were accepted.")
rejected = _counter("redis_rejected_connections_total", "Connections refused because maxclients was reached.")
received = _counter("redis_net_input_bytes_total", "Bytes read from clients.", Unit.BYTES)
sent = _counter("redis_net_output_bytes_total", "Bytes written to clients.", Unit.BYTES)
cpu_system = _counter("redis_cpu_system_seconds_total", "Processor time in the kernel.", Unit.SECONDS)
cpu_user = _counter("redis_cpu_user_seconds_total", "Processor time outside the kernel.", Unit.SECONDS)

memory_used = _gauge("redis_memory_used_bytes", "Memory that Redis has allocated.", Unit.BYTES)
memory_peak = _gauge("redis_memory_used_peak_bytes", "The most that Redis had allocated since its start.", Unit.BYTES)
memory_resident = _gauge("redis_memory_used_rss_bytes", "Memory that the operating system counts as used.", Unit.BYTES)
memory_max = _gauge("redis_memory_max_bytes", "maxmemory; 0 means that there is no limit.", Unit.BYTES)
fragmentation = _gauge("redis_memory_fragmentation_ratio", "Resident over allocated memory.", Unit.RATIO)
clients = _gauge("redis_connected_clients", "Clients that are connected.")
clients_blocked = _gauge("redis_blocked_clients", "Clients that wait in a blocking command.")
clients_max = _gauge(
    "redis_max_clients", "maxclients as in force: fewer than configured when file descriptors are few."
)
replicas = _gauge("redis_connected_replicas", "Replicas that are connected.")
uptime = _gauge("redis_uptime_seconds", "Seconds since the start.", Unit.SECONDS)
fork = _gauge("redis_latest_fork_seconds", "How long the last fork took, for which Redis stood still.", Unit.SECONDS)
loading = _gauge("redis_loading", "1 while the data set is being loaded from disk.")
unsaved = _gauge("redis_rdb_changes_since_last_save", "Changes that no snapshot has.")
last_save = _gauge(
    "redis_rdb_last_save_seconds", "When the last snapshot was made, in seconds of the epoch.", Unit.SECONDS
)
snapshot_ok = _gauge("redis_rdb_last_save_ok", "1 when the last snapshot succeeded.")
aof_on = _gauge("redis_aof_enabled", "1 when the append-only file is on.")
aof_ok = _gauge("redis_aof_last_write_ok", "1 when the last write to the append-only file succeeded.")
slowlog = _gauge("redis_slowlog_length", "Entries in the slow log.")
keys = _gauge("redis_db_keys", "Keys.", labels=("db",))
keys_expiring = _gauge("redis_db_expiring_keys", "Keys that have a time to live.", labels=("db",))

INFO = Reading(
    "INFO",
    omitted={"*": "not taken yet"},
    columns={
        "keyspace_hits": hits,
        "keyspace_misses": misses,
        "total_commands_processed": commands,
        "evicted_keys": evicted,
        "expired_keys": expired,
        "total_connections_received": connections,
        "rejected_connections": rejected,
        "total_net_input_bytes": received,
        "total_net_output_bytes": sent,
        "used_cpu_sys": cpu_system,
        "used_cpu_user": cpu_user,
        "used_memory": memory_used,
        "used_memory_peak": memory_peak,
        "used_memory_rss": memory_resident,
        "maxmemory": memory_max,
        "mem_fragmentation_ratio": fragmentation,
        "connected_clients": clients,
        "blocked_clients": clients_blocked,
        "maxclients": Column(clients_max, since=(7, 0)),
        "connected_slaves": replicas,
        "uptime_in_seconds": uptime,
        "latest_fork_usec": Column(fork, scale=1e-6),
        "loading": loading,
        "rdb_changes_since_last_save": unsaved,
        "rdb_last_save_time": last_save,
        "rdb_last_bgsave_ok": snapshot_ok,
        "aof_enabled": aof_on,
        "aof_last_write_ok": aof_ok,
    },
)
"""One row; the two columns that end in _ok are made by the collector of "ok" and "err"."""

KEYSPACE = Reading("INFO keyspace", labels={"db": "db"}, columns={"keys": keys, "expires": keys_expiring})
SLOWLOG = Reading("SLOWLOG LEN", columns={"length": slowlog})

hit_rate = Ratio(
    name="redis_hit_rate",
    title="Hit rate",
    help="Share of lookups that Redis could answer.",
    advice="Look for keys evicted early, short times to live and keys asked for only once.",
    part=[hits],
    whole=[hits, misses],
    target=at_least(0.80, window="5m", hold="5m", traffic=100),
    beside=("api_cache_hit_rate", "redis_evictions"),
)
command_rate = Rate(name="redis_commands", title="Commands", help="Commands per second.", of=[commands])
lookup_rate = Rate(name="redis_lookups", title="Lookups", help="Keys looked up per second.", of=[hits, misses])
eviction_rate = Rate(
    name="redis_evictions",
    title="Evictions",
    help="Keys thrown out per second because memory was full.",
    advice="Raise maxmemory or shorten times to live if the hit rate falls with it.",
    of=[evicted],
)
expiration_rate = Rate(
    name="redis_expirations", title="Expirations", help="Keys per second whose time to live ended.", of=[expired]
)
rejection_rate = Rate(
    name="redis_rejected_connections",
    title="Rejected connections",
    help="Connections per second that were refused because maxclients was reached.",
    advice="Raise maxclients and the limit of file descriptors, or find the client that does not reuse connections.",
    of=[rejected],
)
receive_rate = Rate(name="redis_network_in", title="Network in", help="Bytes read per second.", of=[received])
send_rate = Rate(name="redis_network_out", title="Network out", help="Bytes written per second.", of=[sent])
cpu = Rate(name="redis_cpu", title="CPU", help="Cores in use; commands run on one.", of=[cpu_system, cpu_user])
memory = Level(name="redis_memory_used", title="Memory used", help="Memory that Redis has allocated.", of=[memory_used])
memory_limit = Level(name="redis_memory_max", title="Memory limit", help="maxmemory.", of=[memory_max])
memory_use = Ratio(
    name="redis_memory_use",
    title="Memory use",
    help="Allocated memory over maxmemory: a healthy cache that evicts stands near one.",
    absent="maxmemory is not set.",
    part=[memory_used],
    whole=[memory_max],
    clamp=False,
)
client_level = Level(name="redis_clients", title="Clients", help="Clients that are connected.", of=[clients])
blocked_level = Level(
    name="redis_clients_blocked",
    title="Blocked clients",
    help="Clients that wait in a blocking command.",
    of=[clients_blocked],
)
key_level = Level(name="redis_keys", title="Keys", help="Keys in all databases.", of=[keys])
slowlog_level = Level(
    name="redis_slowlog_entries",
    title="Slow log",
    help="Entries in the slow log.",
    of=[slowlog],
    absent="The user may not read the slow log, or the server has none.",
)
uptime_level = Level(name="redis_uptime", title="Uptime", help="Time since the start.", of=[uptime])
