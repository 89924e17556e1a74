"""INFO stats, clients, cpu and server, by the minute: what of them is not watched at every interval."""

from collections.abc import Mapping

from collectors.redis.declare import BYTES, RATIO, SECONDS, counter, gauge
from metrics.model import Metric
from metrics.reading import Column

VALKEY = (99,)

SERVER: Mapping[str, Column | Metric] = {
    "hz": gauge("redis_hz", "How often a second the background work runs now."),
    "configured_hz": gauge("redis_configured_hz", "How often it is set to."),
    "clients_hz": Column(gauge("redis_clients_hz", "How often clients are looked after (Valkey)."), since=VALKEY),
    "io_threads_active": gauge("redis_io_threads_active", "1 while other threads read and write."),
    "process_id": gauge("redis_process_id", "The server's process."),
    "started": gauge("redis_start_seconds", "When the server began, in seconds of the epoch.", SECONDS),
    "tls_server_cert_expires_in_seconds": Column(
        gauge("redis_tls_server_cert_left_seconds", "Until the certificate expires (Valkey).", SECONDS), since=VALKEY
    ),
    "tls_client_cert_expires_in_seconds": Column(
        gauge("redis_tls_client_cert_left_seconds", "Until the clients' certificate expires (Valkey).", SECONDS),
        since=VALKEY,
    ),
    "tls_ca_cert_expires_in_seconds": Column(
        gauge("redis_tls_ca_cert_left_seconds", "Until the authority's expires (Valkey).", SECONDS), since=VALKEY
    ),
}
"""Where there is no TLS the certificates' columns are left out by the collector: their 0 says nothing."""

CLIENTS: Mapping[str, Column | Metric] = {
    "cluster_connections": gauge("redis_cluster_connections", "Sockets of the cluster's bus."),
    "client_recent_max_input_buffer": gauge(
        "redis_client_recent_max_input_buffer_bytes", "The largest of all clients of late.", BYTES
    ),
    "client_recent_max_output_buffer": gauge(
        "redis_client_recent_max_output_buffer_bytes", "The largest of all clients of late.", BYTES
    ),
    "tracking_clients": gauge("redis_tracking_clients", "Clients that keep a cache of their own."),
    "pubsub_clients": Column(gauge("redis_pubsub_clients", "Clients that subscribe."), since=(7, 4)),
    "watching_clients": Column(gauge("redis_watching_clients", "Clients that WATCH keys."), since=(7, 4)),
    "clients_in_timeout_table": gauge("redis_clients_in_timeout_table", "Blocked clients with a time limit."),
    "total_watched_keys": Column(gauge("redis_watched_keys", "Keys that are WATCHed."), since=(7, 4)),
    "total_blocking_keys": Column(gauge("redis_blocking_keys", "Keys that clients wait for."), since=(7, 2)),
    "total_blocking_keys_on_nokey": Column(
        gauge("redis_blocking_keys_on_nokey", "Those whose clients want to know of a deletion."), since=(7, 2)
    ),
    "paused_timeout_milliseconds": Column(
        gauge("redis_clients_paused_seconds", "How much longer clients are paused (Valkey).", SECONDS),
        scale=1e-3,
        since=VALKEY,
    ),
}

STATS: Mapping[str, Column | Metric] = {
    "total_net_repl_input_bytes": Column(
        counter("redis_net_repl_input_bytes_total", "Bytes read for replication.", BYTES), since=(7, 0)
    ),
    "total_net_repl_output_bytes": Column(
        counter("redis_net_repl_output_bytes_total", "Bytes written for replication.", BYTES), since=(7, 0)
    ),
    "total_net_cluster_slot_import_bytes": Column(
        counter("redis_net_slot_import_bytes_total", "Bytes of slots that came in (Valkey).", BYTES), since=VALKEY
    ),
    "total_net_cluster_slot_export_bytes": Column(
        counter("redis_net_slot_export_bytes_total", "Bytes of slots that went out (Valkey).", BYTES), since=VALKEY
    ),
    "sync_full": counter("redis_full_syncs_total", "Replicas that had to be sent everything."),
    "sync_partial_ok": counter("redis_partial_syncs_accepted_total", "Replicas that could catch up."),
    "sync_partial_err": counter("redis_partial_syncs_denied_total", "Replicas that asked to and could not."),
    "expired_subkeys": Column(
        counter("redis_expired_subkeys_total", "Fields of hashes whose time to live ended."), since=(7, 4)
    ),
    "expired_fields": Column(
        counter("redis_expired_fields_total", "Fields of hashes whose time to live ended (Valkey)."), since=VALKEY
    ),
    "expired_stale_perc": Column(
        gauge("redis_expired_stale_ratio", "Guess of the share of keys that are expired and still there.", RATIO),
        scale=0.01,
    ),
    "expired_keys_with_volatile_items_stale_perc": Column(
        gauge("redis_expired_items_stale_ratio", "The same of keys with expired fields (Valkey).", RATIO),
        scale=0.01,
        since=VALKEY,
    ),
    "expired_time_cap_reached_count": counter(
        "redis_expired_time_cap_reached_total", "Times that looking for expired keys was cut short."
    ),
    "expire_cycle_cpu_milliseconds": Column(
        counter("redis_expire_cycle_cpu_seconds_total", "Time spent on looking for them.", SECONDS), scale=1e-3
    ),
    "evicted_clients": Column(
        counter("redis_evicted_clients_total", "Clients dropped because of maxmemory-clients."), since=(7, 0)
    ),
    "evicted_scripts": Column(counter("redis_evicted_scripts_total", "EVAL scripts thrown out."), since=(7, 4)),
    "total_eviction_exceeded_time": Column(
        counter("redis_eviction_exceeded_seconds_total", "Time above maxmemory.", SECONDS), scale=1e-3, since=(7, 0)
    ),
    "current_eviction_exceeded_time": Column(
        gauge("redis_current_eviction_exceeded_seconds", "Time above maxmemory so far, this time.", SECONDS),
        scale=1e-3,
        since=(7, 0),
    ),
    "pubsub_channels": gauge("redis_pubsub_channels", "Channels that are subscribed to."),
    "pubsub_patterns": gauge("redis_pubsub_patterns", "Patterns that are subscribed to."),
    "pubsubshard_channels": Column(
        gauge("redis_pubsubshard_channels", "Sharded channels that are subscribed to."), since=(7, 0)
    ),
    "total_forks": counter("redis_forks_total", "Children begun."),
    "migrate_cached_sockets": gauge("redis_migrate_cached_sockets", "Sockets kept open for MIGRATE."),
    "slave_expires_tracked_keys": gauge(
        "redis_slave_expires_tracked_keys", "Keys with a time to live that a writable replica looks after."
    ),
    "active_defrag_hits": counter("redis_defrag_hits_total", "Values that defragmentation has moved."),
    "active_defrag_misses": counter("redis_defrag_misses_total", "Values it began with and did not move."),
    "active_defrag_key_hits": counter("redis_defrag_key_hits_total", "Keys it has moved."),
    "active_defrag_key_misses": counter("redis_defrag_key_misses_total", "Keys it has passed over."),
    "total_active_defrag_time": Column(
        counter("redis_defrag_seconds_total", "Time with too much fragmentation.", SECONDS), scale=1e-3, since=(7, 0)
    ),
    "current_active_defrag_time": Column(
        gauge("redis_current_defrag_seconds", "The same so far, this time.", SECONDS), scale=1e-3, since=(7, 0)
    ),
    "tracking_total_keys": gauge("redis_tracking_total_keys", "Keys that clients cache themselves."),
    "tracking_total_items": gauge("redis_tracking_total_items", "Pairs of a client and such a key."),
    "tracking_total_prefixes": gauge("redis_tracking_total_prefixes", "Prefixes that clients cache."),
    "unexpected_error_replies": counter("redis_unexpected_error_replies_total", "Errors while loading or replicating."),
    "dump_payload_sanitizations": counter("redis_dump_payload_sanitizations_total", "Dumps that were checked."),
    "total_reads_processed": counter("redis_reads_processed_total", "Reads from sockets."),
    "total_writes_processed": counter("redis_writes_processed_total", "Writes to sockets."),
    "io_threaded_reads_processed": counter("redis_io_threaded_reads_total", "Reads done by other threads."),
    "io_threaded_writes_processed": counter("redis_io_threaded_writes_total", "Writes done by other threads."),
    "io_threaded_freed_objects": Column(
        counter("redis_io_threaded_freed_objects_total", "Objects freed by other threads (Valkey)."), since=VALKEY
    ),
    "io_threaded_accept_processed": Column(
        counter("redis_io_threaded_accepts_total", "Connections accepted by other threads (Valkey)."), since=VALKEY
    ),
    "io_threaded_poll_processed": Column(
        counter("redis_io_threaded_polls_total", "Polls by other threads (Valkey)."), since=VALKEY
    ),
    "io_threaded_total_prefetch_batches": Column(
        counter("redis_prefetch_batches_total", "Batches of keys fetched ahead (Valkey)."), since=VALKEY
    ),
    "io_threaded_total_prefetch_entries": Column(
        counter("redis_prefetch_entries_total", "Keys fetched ahead (Valkey)."), since=VALKEY
    ),
    "client_query_buffer_limit_disconnections": Column(
        counter("redis_client_query_buffer_limit_disconnections_total", "Clients dropped for what they sent."),
        since=(7, 4),
    ),
    "client_output_buffer_limit_disconnections": Column(
        counter("redis_client_output_buffer_limit_disconnections_total", "Clients dropped for what they did not read."),
        since=(7, 4),
    ),
    "reply_buffer_shrinks": Column(
        counter("redis_reply_buffer_shrinks_total", "Times that a reply buffer was made smaller."), since=(7, 0)
    ),
    "reply_buffer_expands": Column(
        counter("redis_reply_buffer_expands_total", "Times that a reply buffer was made larger."), since=(7, 0)
    ),
    "eventloop_cycles": Column(counter("redis_eventloop_cycles_total", "Turns of the event loop."), since=(7, 2)),
    "eventloop_duration_sum": Column(
        counter("redis_eventloop_seconds_total", "Time of those turns, waiting left out.", SECONDS),
        scale=1e-6,
        since=(7, 2),
    ),
    "eventloop_duration_cmd_sum": Column(
        counter("redis_eventloop_command_seconds_total", "Time of those turns that commands took.", SECONDS),
        scale=1e-6,
        since=(7, 2),
    ),
    **{
        f"acl_access_denied_{what}": Column(counter(f"redis_acl_access_denied_{what}_total", text), since=since)
        for what, text, since in (
            ("auth", "Logins that were refused.", (7, 2)),
            ("cmd", "Commands that the account may not run.", (7, 2)),
            ("key", "Keys that the account may not touch.", (7, 2)),
            ("channel", "Channels that the account may not use.", (7, 2)),
            ("tls_cert", "Certificates that were refused (Valkey).", VALKEY),
            ("db", "Databases that the account may not use (Valkey).", VALKEY),
        )
    },
}

CPU: Mapping[str, Column | Metric] = {
    "used_cpu_sys_children": counter("redis_cpu_sys_children_seconds_total", "Children's time in the kernel.", SECONDS),
    "used_cpu_user_children": counter("redis_cpu_user_children_seconds_total", "Children's other time.", SECONDS),
    "used_cpu_sys_main_thread": counter(
        "redis_cpu_sys_main_thread_seconds_total", "Time in the kernel of the thread that runs commands.", SECONDS
    ),
    "used_cpu_user_main_thread": counter(
        "redis_cpu_user_main_thread_seconds_total", "Its time outside the kernel.", SECONDS
    ),
    "used_active_time_main_thread": Column(
        counter("redis_main_thread_active_seconds_total", "Its time with work to do (Valkey).", SECONDS), since=VALKEY
    ),
}
