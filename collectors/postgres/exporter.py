"""What postgres_exporter calls our metrics: names, labels and values of its default collectors, and of some others.

They are those of 0.17. 0.11 has the label server on more families, sessions by state only, and three families that
0.17 has not, which are here too. Where it says 0 for what never happened or is not there, so do we here.
"""

from collections.abc import Iterator, Mapping

from collectors.postgres import metrics as own
from collectors.postgres import metrics_database as database
from collectors.postgres import metrics_replication as replication
from collectors.postgres import metrics_settings as settings
from collectors.postgres.alias_asked import ASKED
from collectors.postgres.alias_scrapes import SCRAPES
from collectors.postgres.alias_server import REPLICATION, WRITERS
from collectors.postgres.alias_sessions import ACTIVITY, LOCKS
from collectors.postgres.alias_tables import TABLES
from collectors.postgres.alias_terms import DATABASE, DATID, SERVER
from metrics import watch
from metrics.alias import Alias
from metrics.reading import Column

__all__ = ["ACTIVITY", "ASKED", "DATABASES", "LEFT_OUT", "LOCKS", "REPLICATION", "SCRAPES", "TABLES", "UP", "WRITERS"]

TEMPLATE = {**DATABASE, "datid": "datid"}


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

LEFT_OUT = {
    "pg_scrape_collector_success": "0.11 calls one bgwriter, which fails on 17 and later",
    "pg_scrape_collector_duration_seconds": "the same",
    "pg_exporter_scrapes_total": "the exporter's account of itself; ours is trivet_poll_…",
    "pg_exporter_user_queries_load_error": "the exporter's own file",
    "postgres_exporter_build_info": "the exporter's own version",
    "postgres_exporter_config_last_reload_success_timestamp_seconds": "the exporter's own file",
    "postgres_exporter_config_last_reload_successful": "the exporter's own file",
    "pg_stat_archiver_last_archive_age": "NaN: nothing was ever archived",
    "pg_stat_activity_count": "the exporter's own sessions",
    "pg_stat_activity_max_tx_duration": "the exporter's own sessions",
    "pg_stat_database_checksum_failures": "0.11 without checksums: NaN",
    "pg_stat_database_checksum_last_failure": "0.11 without checksums: NaN",
    "pg_stat_database_stats_reset": "0.11 of the shared catalogs: NaN",
    "pg_process_idle_seconds": "--collector.process_idle: a histogram of one moment, 12 series for each application; "
    "what hurts is in pg_database_longest_idle_in_transaction_seconds",
    "pg_stat_wal_receiver_…": "--collector.stat_wal_receiver: 0.17 gives one column's value under another's name "
    "(flushed_lsn is a timeline); pg_standby_… has what a standby received and replayed",
    "pg_stat_statements_…": "--collector.stat_statements: statements beyond the busiest, and our own, are not there",
    "pg_xlog_location_bytes": "--collector.xlog_location: of PostgreSQL before 10",
    "pg_buffercache_summary_…": "--collector.buffercache_summary: needs another extension, and 0.17 has it not",
}
"""Names of theirs that we do not give, in whole or in part; 0.11 where it says so, else 0.17."""
