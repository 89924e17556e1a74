"""Metrics of PostgreSQL that not every server gives, by why: each is given in some other test."""

WHEN = {
    "only a primary with standbys": """
        pg_standby_connected pg_standby_lag_bytes pg_standby_lag_seconds pg_standby_reply_timestamp_seconds
        pg_standby_sender_pid pg_standby_wal_position_bytes""",
    "only a standby": """
        pg_standby_last_replay_seconds pg_standby_own_lag_seconds pg_standby_receiving pg_standby_replay_bytes
        pg_standby_replay_paused""",
    "only with slots": """
        pg_slot_active pg_slot_retained_bytes pg_slot_unconfirmed_bytes pg_slot_current_position_bytes
        pg_slot_wal_status pg_slot_confirmed_position_bytes pg_slot_conflicting pg_slot_inactive_seconds
        pg_slot_safe_wal_bytes pg_slot_decoded_bytes_total pg_slot_decoded_transactions_total
        pg_slot_spilled_bytes_total pg_slot_spilled_transactions_total pg_slot_spills_total
        pg_slot_streamed_bytes_total pg_slot_streamed_transactions_total pg_slot_streams_total""",
    "only with subscriptions": "pg_subscription_apply_errors_total pg_subscription_sync_errors_total",
    "only once it has happened": """
        pg_archiver_last_archived_seconds pg_archiver_last_failed_seconds
        pg_database_checksum_last_failure_timestamp_seconds pg_database_stats_reset_timestamp_seconds
        pg_table_last_vacuum_timestamp_seconds pg_table_last_autovacuum_timestamp_seconds
        pg_table_last_analyze_timestamp_seconds pg_table_last_autoanalyze_timestamp_seconds
        pg_table_last_seq_scan_timestamp_seconds pg_table_last_idx_scan_timestamp_seconds
        pg_index_last_scan_timestamp_seconds""",
    "only while it happens": "pg_progress_ratio pg_xmin_age pg_locks pg_autovacuum_started_timestamp_seconds",
    "only with TOAST": """
        pg_table_toast_bytes pg_table_toast_blks_read_total pg_table_toast_blks_hit_total
        pg_table_tidx_blks_read_total pg_table_tidx_blks_hit_total""",
    "only with data checksums": "pg_database_checksum_failures",
    "only with sequences in use that may be read": "pg_sequence_used_ratio",
    "only with tables whose columns may be read": """
        pg_table_bloat_bytes pg_table_bloat_ratio pg_index_bloat_bytes pg_index_bloat_ratio""",
    "only since 16": """
        pg_io_evictions_total pg_io_extend_bytes_total pg_io_extend_seconds_total pg_io_extends_total
        pg_io_fsync_seconds_total pg_io_fsyncs_total pg_io_hits_total pg_io_read_bytes_total pg_io_read_seconds_total
        pg_io_reads_total pg_io_reuses_total pg_io_write_bytes_total pg_io_write_seconds_total pg_io_writes_total
        pg_table_tup_newpage_upd_total""",
    "only since 17": """
        pg_stat_checkpointer_reset_timestamp_seconds
        pg_restartpoints_done_total pg_restartpoints_requested_total pg_restartpoints_timed_total
        pg_query_jit_deform_seconds_total pg_query_jit_deform_total pg_query_local_blk_read_seconds_total
        pg_query_local_blk_write_seconds_total""",
    "only since 18": """
        pg_checkpoint_slru_written_total pg_checkpoints_done_total pg_stat_database_parallel_workers_launched_total
        pg_stat_database_parallel_workers_planned_total pg_query_parallel_workers_launched_total
        pg_query_parallel_workers_to_launch_total pg_query_wal_buffers_full_total pg_table_vacuum_seconds_total
        pg_table_autovacuum_seconds_total pg_table_analyze_seconds_total pg_table_autoanalyze_seconds_total""",
    "only before 17": "pg_buffers_backend_total pg_buffers_backend_fsync_total",
    "only before 18": "pg_wal_writes_total pg_wal_syncs_total pg_wal_write_seconds_total pg_wal_sync_seconds_total",
}
SOMETIMES = {name for names in WHEN.values() for name in names.split()}
