"""INFO persistence, by the minute."""

from collections.abc import Mapping

from collectors.redis.declare import BYTES, RATIO, SECONDS, counter, gauge
from metrics.model import Metric
from metrics.reading import Column

COLUMNS: Mapping[str, Column | Metric] = {
    "async_loading": Column(gauge("redis_async_loading", "1 while a replica loads beside the old data."), since=(7, 0)),
    "current_cow_peak": Column(
        gauge("redis_current_cow_peak_bytes", "Most memory copied on write by the running child.", BYTES), since=(7, 0)
    ),
    "current_cow_size": gauge("redis_current_cow_bytes", "Memory copied on write by the running child.", BYTES),
    "current_cow_size_age": gauge("redis_current_cow_age_seconds", "How old that number is.", SECONDS),
    "current_fork_perc": Column(gauge("redis_current_fork_ratio", "How far the running child is.", RATIO), scale=0.01),
    "current_save_keys_processed": gauge("redis_current_save_keys_processed", "Keys the running child has written."),
    "current_save_keys_total": gauge("redis_current_save_keys", "Keys it has to write."),
    "rdb_bgsave_in_progress": gauge("redis_rdb_bgsave_in_progress", "1 while a snapshot is being made."),
    "rdb_saves": Column(counter("redis_rdb_snapshots_total", "Snapshots made since the start."), since=(7, 0)),
    "rdb_last_cow_size": gauge("redis_rdb_last_cow_size_bytes", "Memory copied on write by the last one.", BYTES),
    "rdb_last_load_keys_expired": Column(
        gauge("redis_rdb_last_load_expired_keys", "Keys that had expired when the data was loaded."), since=(7, 0)
    ),
    "rdb_last_load_keys_loaded": Column(
        gauge("redis_rdb_last_load_loaded_keys", "Keys that were loaded then."), since=(7, 0)
    ),
    "aof_rewrite_in_progress": gauge("redis_aof_rewrite_in_progress", "1 while the append-only file is rewritten."),
    "aof_rewrite_scheduled": gauge("redis_aof_rewrite_scheduled", "1 when that waits for a snapshot to end."),
    "aof_last_bgrewrite_ok": gauge("redis_aof_last_rewrite_ok", "1 when the last rewrite succeeded."),
    "aof_rewrites": Column(counter("redis_aof_rewrites_total", "Rewrites since the start."), since=(7, 0)),
    "aof_rewrites_consecutive_failures": Column(
        gauge("redis_aof_consecutive_failures", "Rewrites that failed one after the other."), since=(7, 0)
    ),
    "aof_last_cow_size": gauge("redis_aof_last_cow_size_bytes", "Memory copied on write by the last rewrite.", BYTES),
    "module_fork_in_progress": gauge("redis_module_fork_in_progress", "1 while a module's child runs."),
    "module_fork_last_cow_size": gauge(
        "redis_module_fork_last_cow_size", "Memory copied on write by the last module's child.", note="In bytes."
    ),
    "slot_migration_fork_in_progress": Column(
        gauge("redis_slot_migration_fork_in_progress", "1 while a child moves slots (Valkey)."), since=(99,)
    ),
}

TIMES: Mapping[str, Column | Metric] = {
    "rdb_last_bgsave_time_sec": gauge(
        "redis_rdb_last_bgsave_seconds", "How long the last snapshot since the start took.", SECONDS
    ),
    "rdb_current_bgsave_time_sec": gauge(
        "redis_rdb_current_bgsave_seconds", "How long the one that is being made has taken.", SECONDS
    ),
    "aof_last_rewrite_time_sec": gauge(
        "redis_aof_last_rewrite_seconds", "How long the last rewrite since the start took.", SECONDS
    ),
    "aof_current_rewrite_time_sec": gauge(
        "redis_aof_current_rewrite_seconds", "How long the one under way has taken.", SECONDS
    ),
}
"""Only when there was or is one."""

AOF: Mapping[str, Column | Metric] = {
    "aof_current_size": gauge("redis_aof_current_bytes", "Size of the append-only file.", BYTES),
    "aof_base_size": gauge("redis_aof_base_bytes", "Its size at the start or the last rewrite.", BYTES),
    "aof_pending_rewrite": gauge("redis_aof_pending_rewrite", "1 when a rewrite waits for another child."),
    "aof_buffer_length": gauge("redis_aof_buffer_bytes", "Bytes that wait to be written.", BYTES),
    "aof_rewrite_buffer_length": Column(
        gauge("redis_aof_rewrite_buffer_bytes", "Bytes that wait for the rewrite to end.", BYTES), before=(7, 0)
    ),
    "aof_pending_bio_fsync": gauge("redis_aof_pending_fsyncs", "Writes to disk that wait in the background."),
    "aof_delayed_fsync": counter("redis_aof_delayed_fsyncs_total", "Writes to disk that others had to wait for."),
}
"""Only while the append-only file is on."""

LOADING: Mapping[str, Column | Metric] = {
    "loading_start_time": gauge("redis_loading_start_seconds", "When loading began, of the epoch.", SECONDS),
    "loading_total_bytes": gauge("redis_loading_total_bytes", "Size of the file that is loaded.", BYTES),
    "loading_loaded_bytes": gauge("redis_loading_loaded_bytes", "How much of it is loaded.", BYTES),
    "loading_loaded_perc": Column(gauge("redis_loading_ratio", "The share of it.", RATIO), scale=0.01),
    "loading_eta_seconds": gauge("redis_loading_eta_seconds", "How much longer it takes, by its own guess.", SECONDS),
}
"""Only while the data set is being loaded."""
