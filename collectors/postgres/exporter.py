"""What postgres_exporter calls our metrics: names, labels and values of its default collectors.

They are those of 0.17. 0.11 has the label server on more families, sessions by state only, and three families that
0.17 has not, which are here too. Where it says 0 for what never happened or is not there, so do we here.
"""

from collections.abc import Iterator, Mapping, Sequence

from collectors.postgres import metrics as own
from collectors.postgres import metrics_activity as activity
from collectors.postgres import metrics_database as database
from collectors.postgres import metrics_replication as replication
from collectors.postgres import metrics_settings as settings
from collectors.postgres import metrics_tables as tables
from collectors.postgres import metrics_wal as wal
from metrics import watch
from metrics.alias import Alias
from metrics.model import Metric
from metrics.reading import Column

Beside = Mapping[str, tuple[Metric, str]]

SERVER: Beside = {"server": (replication.info, "server")}
DATID: Beside = {"datid": (database.oid, "")}
DATABASE = {"database": "datname"}
TEMPLATE = {**DATABASE, "datid": "datid"}
STATES = (
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
)
MODES = (
    "accesssharelock",
    "rowsharelock",
    "rowexclusivelock",
    "shareupdateexclusivelock",
    "sharelock",
    "sharerowexclusivelock",
    "exclusivelock",
    "accessexclusivelock",
    "sireadlock",
)


def _plain(names: Mapping[str, Metric], kind: str, beside: Beside, scale: float = 1.0) -> tuple[Alias, ...]:
    """Families of one series each."""
    return tuple(
        Alias(name=name, kind=kind, help=metric.help, of=metric, beside=beside, scale=scale)
        for name, metric in names.items()
    )


def _database(names: Mapping[str, str], kind: str = "counter", scale: float = 1.0) -> Iterator[Alias]:
    """Columns of pg_stat_database: of the databases, and of templates, which we keep apart in milliseconds."""
    for name, column in names.items():
        given = own.DATABASE.columns[column]
        metric, milliseconds = (given.metric, 1 / given.scale) if isinstance(given, Column) else (given, 1.0)
        rest = {"name": f"pg_stat_database_{name}", "kind": kind, "help": metric.help}
        yield Alias(**rest, of=metric, labels=DATABASE, beside=DATID, scale=milliseconds * scale)  # type: ignore[arg-type]
        yield Alias(**rest, of=database.template, labels=TEMPLATE, where={"column": column}, scale=scale)  # type: ignore[arg-type]


UP = (
    Alias(name="pg_up", kind="gauge", help="1 when the server answered.", of=watch.UP),
    Alias(
        name="pg_static",
        kind="untyped",
        help="Versions.",
        of=replication.info,
        labels={"server": "server", "version": "version", "short_version": "short_version"},
    ),
    Alias(
        name="pg_settings_{setting}_{unit}", kind="gauge", help="Server Parameter", of=settings.setting, beside=SERVER
    ),
)

_SAME = (
    *("numbackends", "xact_commit", "xact_rollback", "blks_read", "blks_hit", "tup_returned", "tup_fetched"),
    *("tup_inserted", "tup_updated", "tup_deleted", "conflicts", "temp_files", "temp_bytes", "deadlocks"),
    *("blk_read_time", "blk_write_time"),
)
_NEWER = (
    *("session_time", "active_time", "idle_in_transaction_time"),
    *("sessions", "sessions_abandoned", "sessions_fatal", "sessions_killed"),
    *("parallel_workers_to_launch", "parallel_workers_launched"),
)
DATABASES = (
    *_database({name: name for name in _SAME if name != "numbackends"}),
    *_database({"numbackends": "numbackends"}, "gauge"),
    *_database({"active_time_seconds_total": "active_time"}, scale=1e-3),
    *_database({name: name for name in _NEWER}, "untyped"),
    Alias(
        name="pg_stat_database_stats_reset",
        kind="counter",
        help="When statistics were last reset.",
        of=database.stats_reset,
        labels=DATABASE,
        beside=DATID,
        whole=True,
    ),
    Alias(
        name="pg_stat_database_stats_reset",
        kind="counter",
        help="When statistics were last reset.",
        of=database.oid,
        labels=DATABASE,
        beside=DATID,
        scale=0.0,
    ),
    *(
        Alias(
            name=f"pg_stat_database_conflicts_confl_{kind}",
            kind="untyped" if kind == "active_logicalslot" else "counter",
            help=f"Queries that recovery cancelled: {kind}.",
            of=database.conflicts_by_kind,
            labels=DATABASE,
            beside={**DATID, **SERVER},
            where={"kind": kind},
        )
        for kind in ("tablespace", "lock", "snapshot", "bufferpin", "deadlock", "active_logicalslot")
    ),
    Alias(
        name="pg_database_size_bytes",
        kind="gauge",
        help="Disk space, as of the last hour.",
        of=database.size,
        labels=DATABASE,
    ),
    Alias(
        name="pg_database_connection_limit",
        kind="gauge",
        help=database.limit.help,
        of=database.limit,
        labels=DATABASE,
    ),
    Alias(
        name="pg_roles_connection_limit",
        kind="gauge",
        help=database.role_limit.help,
        of=database.role_limit,
        labels={"role": "rolname"},
    ),
)

_SESSION = {
    **DATABASE,
    "state": "state",
    "user": "usename",
    "application": "application_name",
    "backend_type": "backend_type",
    "wait_event_type": "wait_event_type",
    "wait_event": "wait_event",
}
_NOBODY = dict.fromkeys(("usename", "application_name", "backend_type", "wait_event_type", "wait_event"), "")
ACTIVITY = tuple(
    alias
    for name, metric in (
        ("pg_stat_activity_count", activity.activity),
        ("pg_stat_activity_max_tx_duration", activity.activity_age),
    )
    for alias in (
        Alias(
            name=name,
            kind="gauge",
            help=metric.help,
            of=metric,
            labels=_SESSION,
            beside=SERVER,
            where={"database": "~.+", "state": "~.+"},
        ),
        *(
            # Each database and state is there, with nobody in it.
            Alias(
                name=name,
                kind="gauge",
                help=metric.help,
                of=database.oid,
                labels=DATABASE,
                add={"state": state, **_NOBODY},
                beside=SERVER,
                scale=0.0,
            )
            for state in STATES
        ),
    )
)
LOCKS = (
    Alias(
        name="pg_locks_count",
        kind="gauge",
        help="Locks, held and waited for.",
        of=activity.locks,
        labels={**DATABASE, "mode": "mode"},
        where={"database": "~.+"},
        summed=True,
    ),
    *(
        Alias(
            name="pg_locks_count",
            kind="gauge",
            help="Locks, held and waited for.",
            of=database.oid,
            labels=DATABASE,
            add={"mode": mode},
            scale=0.0,
        )
        for mode in MODES
    ),
)

WRITERS = (
    *_plain(
        {
            "pg_stat_archiver_archived_count": wal.archived,
            "pg_stat_archiver_failed_count": wal.archive_failed,
        },
        "counter",
        SERVER,
    ),
    *_plain({"pg_stat_archiver_last_archive_age": wal.archived_age}, "gauge", SERVER),
    *_plain(
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
    *_plain(
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
    *_plain({"pg_wal_segments": wal.wal_files, "pg_wal_size_bytes": wal.wal_disk}, "gauge", {}),
    *_plain({"pg_postmaster_start_time_seconds": replication.started}, "gauge", {}),
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
    *_plain({"pg_replication_is_replica": replication.standby}, "gauge", {}),
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

_TABLE = {**DATABASE, "schema": "schemaname", "table": "relname"}


def _table(names: Mapping[str, Metric], kind: str, zero: bool = False, plus: Sequence[Metric] = ()) -> Iterator[Alias]:
    """Columns of pg_stat_user_tables and pg_statio_user_tables; ``zero`` where there is none of ours."""
    for name, metric in names.items():
        when = "_last_" in name
        yield Alias(name=name, kind=kind, help=metric.help, of=metric, labels=_TABLE, plus=plus, whole=when)
        if zero:
            yield Alias(name=name, kind=kind, help=metric.help, of=own.live_rows, labels=_TABLE, scale=0.0)


TABLES = (
    *_table(
        {
            "pg_stat_user_tables_seq_scan": own.seq_scans,
            "pg_stat_user_tables_seq_tup_read": own.seq_rows,
            "pg_stat_user_tables_idx_scan": own.idx_scans,
            "pg_stat_user_tables_idx_tup_fetch": tables.fetched,
            "pg_stat_user_tables_n_tup_ins": tables.inserted,
            "pg_stat_user_tables_n_tup_upd": tables.updated,
            "pg_stat_user_tables_n_tup_del": tables.deleted,
            "pg_stat_user_tables_n_tup_hot_upd": tables.hot_updated,
            "pg_stat_user_tables_vacuum_count": tables.vacuums,
            "pg_stat_user_tables_autovacuum_count": tables.autovacuums,
            "pg_stat_user_tables_analyze_count": tables.analyzes,
            "pg_stat_user_tables_autoanalyze_count": tables.autoanalyzes,
            "pg_statio_user_tables_heap_blocks_read": tables.heap_read,
            "pg_statio_user_tables_heap_blocks_hit": tables.heap_hit,
            "pg_statio_user_tables_idx_blocks_read": tables.idx_read,
            "pg_statio_user_tables_idx_blocks_hit": tables.idx_hit,
            "pg_statio_user_tables_toast_blocks_read": tables.toast_read,
            "pg_statio_user_tables_toast_blocks_hit": tables.toast_hit,
            "pg_statio_user_tables_tidx_blocks_read": tables.tidx_read,
            "pg_statio_user_tables_tidx_blocks_hit": tables.tidx_hit,
        },
        "counter",
        zero=True,
    ),
    *_table(
        {
            "pg_stat_user_tables_n_live_tup": own.live_rows,
            "pg_stat_user_tables_n_dead_tup": own.dead_rows,
            "pg_stat_user_tables_n_mod_since_analyze": tables.modified,
        },
        "gauge",
    ),
    *_table(
        {
            "pg_stat_user_tables_last_vacuum": tables.last_vacuum,
            "pg_stat_user_tables_last_autovacuum": tables.last_autovacuum,
            "pg_stat_user_tables_last_analyze": tables.last_analyze,
            "pg_stat_user_tables_last_autoanalyze": tables.last_autoanalyze,
        },
        "gauge",
        zero=True,
    ),
    *_table({"pg_stat_user_tables_size_bytes": own.table_size}, "gauge", plus=[tables.indexes_size, tables.toast_size]),
)
