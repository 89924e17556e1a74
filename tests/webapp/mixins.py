"""What the mixins of the three exporters ask, without the thresholds of their alerts: each has to find something.

In our own words, with their names: postgres_mixin of postgres_exporter, redis-mixin of redis_exporter, and Grafana's
pgbouncer-mixin. Left out are expressions over names that no exporter of today gives (pg_xlog_position_bytes,
pg_stat_replication_pg_xlog_location_diff, pg_exporter_last_scrape_error), those of slots where there is no slot, and
PostgresTablesNotVaccumed, which joins on a label `server` that pg_stat_user_tables_* has in no exporter since 0.13.
"""

_CONNECTIONS = (
    "sum by (instance) (pg_settings_max_connections) - sum by (instance) (pg_settings_superuser_reserved_connections)"
)
_BLOCKS = "rate(pg_stat_database_blks_hit[1m])"
_DEAD, _LIVE = "pg_stat_user_tables_n_dead_tup", "pg_stat_user_tables_n_live_tup"

POSTGRES = (
    "pg_up == 1",
    f"sum by (instance) (pg_stat_activity_count) / ({_CONNECTIONS})",
    "avg by (datname) (rate(pg_stat_activity_max_tx_duration[1m]))",
    "avg by (datname) (irate(pg_stat_database_xact_commit[1m]) + irate(pg_stat_database_xact_rollback[1m]))",
    f"avg by (datname) ({_BLOCKS} / ({_BLOCKS} + rate(pg_stat_database_blks_read[1m])))",
    "max without (instance) (rate(pg_stat_database_deadlocks[1m]) * 60)",
    "max by (server, job, datname) (pg_locks_count / on(instance) group_left(server)"
    " (pg_settings_max_locks_per_transaction * pg_settings_max_connections))",
    "pg_replication_lag_seconds and on (instance) (pg_replication_is_replica == 0)",
    "pg_replication_is_replica and changes(pg_replication_is_replica[1m]) >= 0",
    f"sum without (relname) ({_DEAD}) + sum without (relname) ({_LIVE})"
    " unless on(instance) (pg_replication_is_replica == 1)",
    "rate(pg_stat_bgwriter_checkpoints_timed_total[1m]) + rate(pg_stat_bgwriter_checkpoints_req_total[1m])",
    "pg_stat_database_numbackends",
    "sum(rate(pg_stat_database_conflicts[1m]))",
    "irate(pg_stat_bgwriter_buffers_alloc_total[1m])",
    "irate(pg_stat_bgwriter_buffers_backend_fsync_total[1m])",
    "irate(pg_stat_bgwriter_buffers_backend_total[1m])",
    "irate(pg_stat_bgwriter_buffers_clean_total[1m])",
    "irate(pg_stat_bgwriter_buffers_checkpoint_total[1m])",
    *(
        f"sum(irate(pg_stat_database_tup_{what}[1m]))"
        for what in ("fetched", "returned", "inserted", "updated", "deleted")
    ),
    "pg_statio_user_tables_heap_blks_hit - pg_statio_user_tables_heap_blks_read",
    "pg_statio_user_tables_idx_blks_hit - pg_statio_user_tables_idx_blks_read",
    "pg_stat_user_tables_idx_scan + pg_stat_user_tables_seq_scan",
)
REDIS = (
    "redis_up == 1",
    "redis_memory_used_bytes / redis_total_system_memory_bytes",
    "avg by (cmd) (irate(redis_commands_total[1m]))",
    "avg by (cmd) (irate(redis_commands_duration_seconds_total[1m])) / avg by (cmd) (irate(redis_commands_total[1m]))",
    "irate(redis_keyspace_misses_total[1m]) + irate(redis_keyspace_hits_total[1m])",
    "sum(redis_memory_max_bytes)",
    "sum(redis_memory_used_rss_bytes)",
    "redis_mem_fragmentation_ratio",
    "irate(redis_evicted_keys_total[1m])",
    "sum(redis_connected_clients)",
    "sum(redis_blocked_clients)",
    "sum by (db) (redis_db_keys)",
    "sum(redis_db_keys) - sum(redis_db_keys_expiring)",
    "sum by (instance) (redis_connected_slaves)",
    "redis_master_last_io_seconds_ago",
)
_MEAN = (
    "1000 * increase(pgbouncer_stats_{}_seconds_total[1m])"
    " / clamp_min(increase(pgbouncer_stats_{}_pooled_total[1m]), 1)"
)
PGBOUNCER = (
    "pgbouncer_pools_client_waiting_connections",
    "pgbouncer_pools_client_active_connections",
    "pgbouncer_pools_client_maxwait_seconds",
    "sum without (database, user) (pgbouncer_pools_server_active_connections + pgbouncer_pools_server_idle_connections"
    " + pgbouncer_pools_server_used_connections) / clamp_min(pgbouncer_config_max_user_connections, 1)",
    "pgbouncer_pools_server_login_connections",
    "pgbouncer_pools_server_testing_connections",
    "pgbouncer_databases_max_connections",
    "pgbouncer_databases_current_connections",
    "rate(pgbouncer_stats_queries_pooled_total[1m])",
    "rate(pgbouncer_stats_sql_transactions_pooled_total[1m])",
    _MEAN.format("queries_duration", "queries"),
    _MEAN.format("server_in_transaction", "sql_transactions"),
    "rate(pgbouncer_stats_received_bytes_total[1m])",
    "rate(pgbouncer_stats_sent_bytes_total[1m])",
)
EXPRESSIONS = (*POSTGRES, *REDIS, *PGBOUNCER)
