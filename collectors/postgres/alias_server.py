"""postgres_exporter's families of writers, WAL, standbys and slots."""

from collectors.postgres import metrics as own
from collectors.postgres import metrics_replication as replication
from collectors.postgres import metrics_wal as wal
from collectors.postgres.alias_terms import SERVER, Beside, plain
from metrics.alias import Alias

WRITERS = (
    *plain(
        {
            "pg_stat_archiver_archived_count": wal.archived,
            "pg_stat_archiver_failed_count": wal.archive_failed,
        },
        "counter",
        SERVER,
    ),
    *plain({"pg_stat_archiver_last_archive_age": wal.archived_age}, "gauge", SERVER),
    *plain(
        {
            "pg_stat_bgwriter_buffers_alloc_total": own.buffers_alloc,
            "pg_stat_bgwriter_buffers_backend_fsync_total": wal.backend_fsyncs,
            "pg_stat_bgwriter_buffers_backend_total": own.buffers_backend,
            "pg_stat_bgwriter_buffers_clean_total": own.buffers_clean,
            "pg_stat_bgwriter_maxwritten_clean_total": own.maxwritten_clean,
            "pg_stat_bgwriter_buffers_checkpoint_total": own.buffers_checkpoint,
            "pg_stat_bgwriter_checkpoints_req_total": own.checkpoints_requested,
            "pg_stat_bgwriter_checkpoints_timed_total": own.checkpoints_timed,
            "pg_stat_checkpointer_num_timed_total": own.checkpoints_timed,
            "pg_stat_checkpointer_num_requested_total": own.checkpoints_requested,
            "pg_stat_checkpointer_restartpoints_timed_total": wal.restartpoints_timed,
            "pg_stat_checkpointer_restartpoints_req_total": wal.restartpoints_requested,
            "pg_stat_checkpointer_restartpoints_done_total": wal.restartpoints_done,
            "pg_stat_checkpointer_buffers_written_total": own.buffers_checkpoint,
        },
        "counter",
        {},
    ),
    *plain(
        {
            "pg_stat_bgwriter_checkpoint_sync_time_total": own.checkpoint_sync,
            "pg_stat_bgwriter_checkpoint_write_time_total": own.checkpoint_write,
            "pg_stat_checkpointer_sync_time_total": own.checkpoint_sync,
            "pg_stat_checkpointer_write_time_total": own.checkpoint_write,
        },
        "counter",
        {},
        scale=1e3,
    ),
    Alias(
        name="pg_stat_bgwriter_stats_reset_total",
        kind="counter",
        help=wal.writer_reset.help,
        of=wal.writer_reset,
        whole=True,
    ),
    *plain({"pg_wal_segments": wal.wal_files, "pg_wal_size_bytes": wal.wal_disk}, "gauge", {}),
    *plain({"pg_postmaster_start_time_seconds": replication.started}, "gauge", {}),
)

_STANDBY = {"standby": "application_name", "address": "client_addr"}
_SENDER: Beside = {
    **SERVER,
    "state": (replication.connected, "state"),
    # Their slot_name is the number of the process.
    "slot_name": (replication.sender, ""),
}
_SLOT = {"slot": "slot_name", "type": "slot_type"}
_SLOTS = {"slot": "slot_name", "database": "database"}
REPLICATION = (
    *plain({"pg_replication_is_replica": replication.standby}, "gauge", {}),
    *(
        alias
        for name, metric in (
            ("pg_replication_lag_seconds", replication.lag),
            ("pg_replication_last_replay_seconds", replication.replayed),
        )
        for alias in (
            Alias(name=name, kind="gauge", help=metric.help, of=metric),
            Alias(name=name, kind="gauge", help=metric.help, of=replication.standby, scale=0.0),
        )
    ),
    Alias(
        name="pg_stat_replication_pg_current_wal_lsn_bytes",
        kind="gauge",
        help=replication.sent_from.help,
        of=replication.sent_from,
        labels=_STANDBY,
        beside=_SENDER,
    ),
    Alias(
        name="pg_stat_replication_pg_wal_lsn_diff",
        kind="gauge",
        help=replication.behind_bytes.help,
        of=replication.behind_bytes,
        labels=_STANDBY,
        beside=_SENDER,
        where={"stage": "replay"},
    ),
    Alias(
        name="pg_stat_replication_reply_time",
        kind="untyped",
        help=replication.replied.help,
        of=replication.replied,
        labels=_STANDBY,
        beside=_SENDER,
        whole=True,
    ),
    *(
        Alias(name=f"pg_replication_slot_{name}", kind="gauge", help=metric.help, of=metric, labels=_SLOT, scale=scale)
        for name, metric, scale in (
            ("slot_current_wal_lsn", replication.slot_current, 1.0),
            ("slot_confirmed_flush_lsn", replication.slot_confirmed, 1.0),
            ("slot_confirmed_flush_lsn", replication.slot_active, 0.0),
            ("slot_is_active", replication.slot_active, 1.0),
            ("safe_wal_size_bytes", replication.slot_safe, 1.0),
        )
    ),
    Alias(
        name="pg_replication_slot_wal_status",
        kind="gauge",
        help=replication.slot_status.help,
        of=replication.slot_status,
        labels={**_SLOT, "wal_status": "wal_status"},
    ),
    *(
        Alias(
            name=f"pg_replication_slots_{name}",
            kind="gauge",
            help=metric.help,
            of=metric,
            labels=_SLOTS,
            beside=SERVER,
        )
        for name, metric in (("active", replication.slot_active), ("pg_wal_lsn_diff", replication.slot_kept))
    ),
)
