"""What Redis is asked, what its answers mean, and what is judged."""

from collections.abc import Mapping

from collectors.redis.declare import EPOCH, counter, gauge
from collectors.redis.metrics_cluster import SENTINEL, TILT, enabled
from collectors.redis.metrics_memory import COLUMNS as MEMORY
from collectors.redis.metrics_memory import memory_used
from collectors.redis.metrics_persistence import AOF, LOADING, TIMES
from collectors.redis.metrics_persistence import COLUMNS as PERSISTENCE
from collectors.redis.metrics_replication import BACKLOG, FORMER, LINK, REPLICA
from collectors.redis.metrics_stats import CLIENTS, CPU, SERVER, STATS
from metrics.forms import Level, Rate, Ratio
from metrics.model import BEYOND_COUNT, Metric, Unit
from metrics.reading import Column, Reading
from metrics.target import at_least

__all__ = ["EPOCH", "memory_used"]

OWN = "This collector's own commands are counted too: one to three for each poll."

hits = counter("redis_keyspace_hits_total", "Lookups that found their key.")
misses = counter("redis_keyspace_misses_total", "Lookups that did not find their key.")
commands = counter("redis_commands_processed_total", "Commands that were run.", note=OWN)
evicted = counter("redis_evicted_keys_total", "Keys thrown out because memory was full.")
expired = counter("redis_expired_keys_total", "Keys whose time to live ended.")
connections = counter("redis_connections_received_total", "Connections that were accepted.")
rejected = counter("redis_rejected_connections_total", "Connections refused because maxclients was reached.")
received = counter("redis_net_input_bytes_total", "Bytes read from clients.", Unit.BYTES)
sent = counter("redis_net_output_bytes_total", "Bytes written to clients.", Unit.BYTES)
cpu_system = counter("redis_cpu_system_seconds_total", "Processor time in the kernel.", Unit.SECONDS)
cpu_user = counter("redis_cpu_user_seconds_total", "Processor time outside the kernel.", Unit.SECONDS)

memory_peak = gauge("redis_memory_used_peak_bytes", "The most that Redis had allocated since its start.", Unit.BYTES)
memory_resident = gauge("redis_memory_used_rss_bytes", "Memory that the operating system counts as used.", Unit.BYTES)
memory_max = gauge("redis_memory_max_bytes", "maxmemory; 0 means that there is no limit.", Unit.BYTES)
fragmentation = gauge(
    "redis_memory_fragmentation_ratio", "Resident over allocated memory.", Unit.RATIO, most=BEYOND_COUNT
)
clients = gauge("redis_connected_clients", "Clients that are connected.")
clients_blocked = gauge("redis_blocked_clients", "Clients that wait in a blocking command.")
clients_max = gauge("redis_max_clients", "maxclients as in force: fewer than configured when file descriptors are few.")
replicas = gauge("redis_connected_replicas", "Replicas that are connected.")
uptime = gauge("redis_uptime_seconds", "Seconds since the start.", Unit.SECONDS)
fork = gauge("redis_latest_fork_seconds", "How long the last fork took, for which Redis stood still.", Unit.SECONDS)
loading = gauge("redis_loading", "1 while the data set is being loaded from disk.")
unsaved = gauge("redis_rdb_changes_since_last_save", "Changes that no snapshot has.")
last_save = gauge(
    "redis_rdb_last_save_seconds", "When the last snapshot was made, in seconds of the epoch.", Unit.SECONDS
)
snapshot_ok = gauge("redis_rdb_last_save_ok", "1 when the last snapshot succeeded.")
aof_on = gauge("redis_aof_enabled", "1 when the append-only file is on.")
aof_ok = gauge("redis_aof_last_write_ok", "1 when the last write to the append-only file succeeded.")
slowlog = gauge("redis_slowlog_length", "Entries in the slow log.")
keys = gauge("redis_db_keys", "Keys.", labels=("db",))
error_replies = counter("redis_error_replies_total", "Errors given as answers.")
repl_offset = gauge(
    "redis_master_repl_offset",
    "How many bytes the stream of changes has had.",
    note="Of a replica, its master's stream.",
)
keys_expiring = gauge("redis_db_expiring_keys", "Keys that have a time to live.", labels=("db",))

FAST: Mapping[str, Column | Metric] = {
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
    "total_error_replies": error_replies,
    "master_repl_offset": repl_offset,
}

LEFT: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "redis_version", "valkey_version", "server_name", "valkey_release_stage", "redis_mode", "server_mode", "os",
            "run_id", "tcp_port", "redis_build_id", "role", "maxmemory_policy", "master_replid",
        ),
        "a word, not a number: a label of redis_instance_info",
    ),
    **dict.fromkeys(("master_host", "master_port"), "labels of redis_master"),
    **dict.fromkeys(
        (
            "redis_git_sha1", "redis_git_dirty", "arch_bits", "monotonic_clock", "multiplexing_api", "atomicvar_api",
            "gcc_version", "process_supervised", "mem_allocator", "availability_zone", "executable", "config_file",
            "tls_server_cert_serial", "tls_client_cert_serial", "tls_ca_cert_serial",
        ),
        "how the server was built and started: nothing to measure",
    ),
    **dict.fromkeys(
        (
            "uptime_in_days", "used_memory_peak_perc", "used_memory_dataset_perc", "used_memory_human",
            "used_memory_rss_human", "used_memory_peak_human", "total_system_memory_human", "used_memory_lua_human",
            "used_memory_vm_total_human", "used_memory_scripts_human", "maxmemory_human",
        ),
        "another field in other words",
    ),
    **dict.fromkeys(
        ("rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status", "master_link_status"),
        "taken as a number that ends in _ok",
    ),
    "instantaneous_*": "a mean over 1.6 s of the server's own choice; the counters beside it give any window",
    "cluster_*": "Valkey's nodes of a cluster: taken by CLUSTER INFO, as of every server",
    "total_cluster_links_buffer_limit_exceeded": "taken by CLUSTER INFO",
    "server_time_usec": "the clock; uptime_in_seconds and redis_start_seconds are taken",
    "lru_clock": "counts minutes for LRU",
    "master_replid2": "the former master's stream",
    "master_failover_state": "seen as a failover event when the role changes",
    "paused_reason": "a word (Valkey); redis_clients_paused_seconds is taken",
    "paused_actions": "a word (Valkey)",
    "slave_listening_port": "a port",
    "min_slaves_good_slaves": "only with min-replicas-to-write; redis_connected_replicas is taken",
    **dict.fromkeys(AOF, "taken by the minute while the append-only file is on"),
    **dict.fromkeys(LOADING, "taken while loading"),
    **dict.fromkeys(REPLICA, "taken on a replica"),
    **dict.fromkeys((*SENTINEL.columns, *TILT.columns), "taken of a Sentinel"),
    **dict.fromkeys(LINK, "taken on a replica, where not -1"),
    **dict.fromkeys((*TIMES, *FORMER), "taken by the minute, where not -1"),
    "master_sync_perc": "redis_replica_sync_read_bytes over redis_replica_sync_bytes",
    "loading_rdb_used_mem": "of the server that wrote the snapshot",
}  # fmt: skip
"""Fields of INFO that no metric is made of, whichever reading sees them. Rows such as db0 or cmdstat_get have readings
of their own."""

BY_THE_MINUTE: Mapping[str, Column | Metric] = {
    **SERVER,
    **CLIENTS,
    **MEMORY,
    **PERSISTENCE,
    **STATS,
    **BACKLOG,
    **CPU,
    "cluster_enabled": enabled,
}

INFO = Reading(
    "INFO", columns=FAST, omitted={**LEFT, **dict.fromkeys(BY_THE_MINUTE, "taken by the minute, by INFO all")}
)
"""One row; the columns that end in _ok are made by the collector of "ok" and "err"."""

BESIDE: Mapping[str, str] = {"*": "taken by INFO and INFO all, as of every server"}
REPLICA_INFO = Reading("INFO replication", columns=REPLICA, omitted=BESIDE)
LINK_INFO = Reading("INFO replication, where not -1", columns=LINK)

KEYSPACE = Reading(
    "INFO keyspace",
    labels={"db": "db"},
    columns={
        "keys": keys,
        "expires": keys_expiring,
        "avg_ttl": Column(
            gauge(
                "redis_db_avg_ttl_seconds",
                "Mean time to live of keys that have one.",
                Unit.SECONDS,
                ("db",),
                note="A guess from samples, which the server begins with 0: that is unknown here.",
            ),
            scale=1e-3,
        ),
        "subexpiry": Column(
            gauge("redis_db_subexpiry_keys", "Hashes with fields that have a time to live.", labels=("db",)),
            since=(7, 4),
        ),
    },
    omitted={
        "keys_with_volatile_items": "Valkey's, of hashes alone: redis_expired_fields_total says what becomes of them"
    },
)
"""One row for each database with keys, and one of zeros for each that had some."""

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
