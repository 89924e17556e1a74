"""What redis_exporter calls our metrics, so that dashboards and alerts made for it go on working.

Names, labels and values are those of its releases 1.45 and 1.69 by default; types are 1.69's. Where a name of ours
is theirs as well, with the same labels and unit, there is nothing to say here.
"""

from collections.abc import Iterator, Mapping

from collectors.redis import (
    metrics,
    metrics_cluster,
    metrics_commands,
    metrics_config,
    metrics_info,
    metrics_replication,
)
from metrics.alias import Alias
from metrics.model import Metric
from metrics.reading import Reading
from metrics.watch import UP

_MODULES = (metrics, metrics_cluster, metrics_commands, metrics_config, metrics_info, metrics_replication)


def _declared() -> Iterator[tuple[str, Metric]]:
    for module in _MODULES:
        for value in vars(module).values():
            if isinstance(value, Reading):
                yield from ((metric.name, metric) for metric in value.metrics())


_OURS = dict(_declared())

_COUNTERS = """
redis_cpu_sys_seconds_total redis_cpu_system_seconds_total
redis_total_error_replies redis_error_replies_total
redis_unexpected_error_replies redis_unexpected_error_replies_total
redis_dump_payload_sanitizations redis_dump_payload_sanitizations_total
redis_total_reads_processed redis_reads_processed_total
redis_total_writes_processed redis_writes_processed_total
redis_io_threaded_reads_processed redis_io_threaded_reads_total
redis_io_threaded_writes_processed redis_io_threaded_writes_total
"""
"""Theirs, and ours where that is another; one for each line."""

_GAUGES = """
redis_uptime_in_seconds redis_uptime_seconds
redis_connected_slaves redis_connected_replicas
redis_mem_fragmentation_ratio redis_memory_fragmentation_ratio
redis_memory_used_vm_total redis_memory_used_vm_bytes
redis_number_of_cached_scripts redis_cached_scripts
redis_number_of_functions redis_functions
redis_number_of_libraries redis_function_libraries
redis_loading_dump_file redis_loading
redis_rdb_last_save_timestamp_seconds redis_rdb_last_save_seconds
redis_rdb_last_bgsave_status redis_rdb_last_save_ok
redis_rdb_last_bgsave_duration_sec redis_rdb_last_bgsave_seconds
redis_rdb_current_bgsave_duration_sec redis_rdb_current_bgsave_seconds
redis_rdb_saves_total redis_rdb_snapshots_total
redis_aof_last_bgrewrite_status redis_aof_last_rewrite_ok
redis_aof_last_write_status redis_aof_last_write_ok
redis_aof_last_rewrite_duration_sec redis_aof_last_rewrite_seconds
redis_aof_current_rewrite_duration_sec redis_aof_current_rewrite_seconds
redis_aof_current_size_bytes redis_aof_current_bytes
redis_aof_base_size_bytes redis_aof_base_bytes
redis_aof_buffer_length redis_aof_buffer_bytes
redis_aof_rewrite_buffer_length redis_aof_rewrite_buffer_bytes
redis_aof_pending_bio_fsync redis_aof_pending_fsyncs
redis_aof_delayed_fsync redis_aof_delayed_fsyncs_total
redis_defrag_hits redis_defrag_hits_total
redis_defrag_misses redis_defrag_misses_total
redis_defrag_key_hits redis_defrag_key_hits_total
redis_defrag_key_misses redis_defrag_key_misses_total
redis_migrate_cached_sockets_total redis_migrate_cached_sockets
redis_replica_resyncs_full redis_full_syncs_total
redis_replica_partial_resync_accepted redis_partial_syncs_accepted_total
redis_replica_partial_resync_denied redis_partial_syncs_denied_total
redis_total_blocking_keys redis_blocking_keys
redis_total_blocking_keys_on_nokey redis_blocking_keys_on_nokey
redis_start_time_seconds redis_start_seconds
redis_total_watched_keys redis_watched_keys
redis_second_repl_offset
redis_cluster_messages_sent_total
redis_cluster_messages_received_total
redis_cluster_stats_bytes_sent redis_cluster_bytes_sent_total
redis_cluster_stats_bytes_received redis_cluster_bytes_received_total
redis_cluster_stats_pubsub_bytes_sent redis_cluster_pubsub_bytes_sent_total
redis_cluster_stats_pubsub_bytes_received redis_cluster_pubsub_bytes_received_total
redis_cluster_stats_module_bytes_sent redis_cluster_module_bytes_sent_total
redis_cluster_stats_module_bytes_received redis_cluster_module_bytes_received_total
"""

_NONE = {
    "redis_rdb_last_bgsave_duration_sec": "redis_rdb_bgsave_in_progress",
    "redis_rdb_current_bgsave_duration_sec": "redis_rdb_bgsave_in_progress",
    "redis_aof_last_rewrite_duration_sec": "redis_aof_rewrite_in_progress",
    "redis_aof_current_rewrite_duration_sec": "redis_aof_rewrite_in_progress",
    "redis_second_repl_offset": "redis_repl_backlog_is_active",
}
"""Theirs that are -1 where ours has no sample, and what of ours shows that the server was asked."""

_SCALED = (
    ("redis_expired_stale_percentage", "gauge", "redis_expired_stale_ratio", 100.0),
    ("redis_expire_cycle_cpu_time_ms_total", "counter", "redis_expire_cycle_cpu_seconds_total", 1e3),
    ("redis_eviction_exceeded_time_ms_total", "counter", "redis_eviction_exceeded_seconds_total", 1e3),
    ("redis_current_eviction_exceeded_time_ms", "gauge", "redis_current_eviction_exceeded_seconds", 1e3),
)


def _renamed(table: str, kind: str) -> tuple[Alias, ...]:
    return tuple(
        Alias(name=words[0], kind=kind, help=_OURS[words[-1]].help, of=_OURS[words[-1]])
        for words in map(str.split, table.strip().splitlines())
    )


def _database(number: str) -> str:
    return f"db{number}"


def _micro(bound: str) -> str:
    """An edge in seconds as one in microseconds.

    >>> _micro("3.3e-05"), _micro("+Inf")
    ('33', '+Inf')
    """
    return bound if bound == "+Inf" else str(round(float(bound) * 1e6))


def _of_databases(name: str, ours: str, scale: float = 1.0) -> Alias:
    return Alias(
        name=name,
        kind="gauge",
        help=_OURS[ours].help,
        of=_OURS[ours],
        labels={"db": "db"},
        spoken={"db": _database},
        scale=scale,
    )


def _of_commands(name: str, kind: str, of: Metric, labels: Mapping[str, str], **more: object) -> Alias:
    return Alias(name=name, kind=kind, help=of.help, of=of, labels=labels, **more)  # type: ignore[arg-type]


def _of_replicas(name: str, ours: str) -> Alias:
    labels = {"ip": "slave_ip", "port": "slave_port", "state": "slave_state"}
    return Alias(name=name, kind="gauge", help=_OURS[ours].help, of=_OURS[ours], labels=labels)


def _of_master(name: str, ours: str, scale: float = 1.0, offset: float = 0.0) -> Alias:
    master = {label: (_OURS["redis_master"], label) for label in ("master_host", "master_port")}
    return Alias(
        name=name, kind="gauge", help=_OURS[ours].help, of=_OURS[ours], beside=master, scale=scale, offset=offset
    )


_CMD = {"cmd": "cmd"}
_PERCENTILES = "redis_latency_percentiles_usec"
_LATENCIES = "redis_commands_latencies_usec"

RENAMED = (
    Alias(name="redis_up", kind="gauge", help=UP.help, of=UP),
    *_renamed(_COUNTERS, "counter"),
    *_renamed(_GAUGES, "gauge"),
    *(
        Alias(name=name, kind=kind, help=_OURS[ours].help, of=_OURS[ours], scale=scale)
        for name, kind, ours, scale in _SCALED
    ),
)
NONE = tuple(
    Alias(name=name, kind="gauge", help=_OURS[there].help, of=_OURS[there], scale=0.0, offset=-1.0)
    for name, there in _NONE.items()
)
"""After what has a value: the first alias counts."""
INSTANCE = (
    Alias(
        name="redis_instance_info",
        kind="gauge",
        help=metrics_info.instance.help,
        of=metrics_info.instance,
        labels={name: name for name in metrics_info.IDENTITY},
    ),
)
DATABASES = (
    _of_databases("redis_db_keys", "redis_db_keys"),
    _of_databases("redis_db_keys", "redis_db_empty", 0.0),
    _of_databases("redis_db_keys_expiring", "redis_db_expiring_keys"),
    _of_databases("redis_db_keys_expiring", "redis_db_empty", 0.0),
    _of_databases("redis_db_avg_ttl_seconds", "redis_db_avg_ttl_seconds"),
)
COMMANDS = (
    _of_commands(_PERCENTILES, "summary", metrics_commands.percentile, _CMD | {"quantile": "quantile"}, scale=1e6),
    _of_commands(_PERCENTILES, "summary", metrics_commands.seconds, _CMD, scale=1e6, part="_sum"),
    _of_commands(_PERCENTILES, "summary", metrics_commands.calls, _CMD, part="_count"),
    *(
        _of_commands(
            _LATENCIES,
            "histogram",
            metrics_commands.latency,
            _CMD | {"le": "le"},
            suffix=suffix,
            spoken={"le": _micro},
            scale=scale,
        )
        for suffix, scale in (("_bucket", 1.0), ("_sum", 1e6), ("_count", 1.0))
    ),
    Alias(
        name="redis_latency_spike_last",
        kind="gauge",
        help=_OURS["redis_latency_event_last_seconds"].help,
        of=_OURS["redis_latency_event_last_seconds"],
        labels={"event": "event_name"},
    ),
    Alias(
        name="redis_latency_spike_duration_seconds",
        kind="gauge",
        help=_OURS["redis_latency_event_seconds"].help,
        of=_OURS["redis_latency_event_seconds"],
        labels={"event": "event_name"},
    ),
)
REPLICATION = (
    _of_replicas("redis_connected_slave_offset_bytes", "redis_connected_replica_offset_bytes"),
    _of_replicas("redis_connected_slave_lag_seconds", "redis_connected_replica_lag_seconds"),
    _of_master("redis_master_link_up", "redis_replica_link_up"),
    _of_master("redis_master_last_io_seconds_ago", "redis_replica_last_io_seconds"),
    _of_master("redis_master_last_io_seconds_ago", "redis_replica_link_up", 0.0, -1.0),
    _of_master("redis_master_sync_in_progress", "redis_replica_sync_in_progress"),
    _of_master("redis_slave_repl_offset", "redis_replica_offset_bytes"),
    Alias(
        name="redis_slave_info",
        kind="gauge",
        help=_OURS["redis_master"].help,
        of=_OURS["redis_master"],
        labels={"master_host": "master_host", "master_port": "master_port"},
        beside={"read_only": (_OURS["redis_replica_read_only"], "")},
    ),
)

LEFT_OUT = {
    "redis_exporter_*": "of the exporter, not of Redis",
    "redis_target_scrape_*": "of the exporter, not of Redis",
    "redis_last_key_groups_scrape_duration_milliseconds": "of the exporter, not of Redis",
    "redis_db_keys_cached": "the exporter takes subexpiry for it",
    "redis_db0_distrib_strings_sizes": "1.45 takes a distribution for a number",
    "redis_db_avg_ttl_seconds": "0 there until Redis has sampled it; unknown here",
    "redis_instance_info": "1.45 lacks one of the labels that 1.69 has; Valkey's redis_mode is empty there",
}
"""Names of theirs that we do not give, in whole or in part."""
