"""What PostgreSQL is asked, what its answers mean, and what is judged.

A Reading's statement is the name of a file in queries/; of ``name.sql`` and ``name.17.sql`` the one with the
highest version that the server reaches is run.
"""

from collectors.postgres import metrics_database, metrics_wal
from collectors.postgres import metrics_statements as statements
from collectors.postgres.metrics_statements import BY_STATEMENT
from collectors.postgres.metrics_tables import EPOCH as RELATIONS
from collectors.postgres.metrics_tables import OMITTED, VIEWS
from metrics.forms import Floor, Guard, Level, Rate, Ratio
from metrics.model import Kind, Metric, Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading
from metrics.target import at_least, at_most

EPOCH = "postgres"
"""Made of the start of the server, of its checkpointer (which a crash renews) and of every statistics reset."""

MILLISECONDS = 1e-3
BIG_TABLE_BYTES = 1024 * 1024
BIG_TABLE_ROWS = 10_000

_DATABASE = ("database",)
_TABLE = ("database", "schema", "table")


def _total(
    name: str,
    help: str,  # noqa: A002 - the field's own name
    labels: tuple[str, ...] = (),
    unit: Unit = Unit.COUNT,
    epoch: str = EPOCH,
) -> Metric:
    return Metric(name=name, kind=Kind.COUNTER, unit=unit, help=help, labels=labels, epoch=epoch)


def _gauge(name: str, help: str, labels: tuple[str, ...] = (), unit: Unit = Unit.COUNT) -> Metric:  # noqa: A002
    return Metric(name=name, kind=Kind.GAUGE, unit=unit, help=help, labels=labels)


blocks_hit = _total("pg_stat_database_blks_hit_total", "Blocks found in shared buffers.", _DATABASE)
blocks_read = _total(
    "pg_stat_database_blks_read_total",
    "Blocks asked of the operating system, whose cache may have had them.",
    _DATABASE,
)
commits = _total("pg_stat_database_xact_commit_total", "Transactions committed.", _DATABASE)
rollbacks = _total("pg_stat_database_xact_rollback_total", "Transactions rolled back.", _DATABASE)
returned = _total("pg_stat_database_tup_returned_total", "Rows and index entries scanned.", _DATABASE)
fetched = _total("pg_stat_database_tup_fetched_total", "Rows fetched by index scans.", _DATABASE)
inserted = _total("pg_stat_database_tup_inserted_total", "Rows inserted.", _DATABASE)
updated = _total("pg_stat_database_tup_updated_total", "Rows updated.", _DATABASE)
deleted = _total("pg_stat_database_tup_deleted_total", "Rows deleted.", _DATABASE)
deadlocks = _total("pg_stat_database_deadlocks_total", "Deadlocks.", _DATABASE)
conflicts = _total("pg_stat_database_conflicts_total", "Queries cancelled by recovery on a standby.", _DATABASE)
temp_files = _total("pg_stat_database_temp_files_total", "Temporary files made by queries.", _DATABASE)
temp_bytes = _total(
    "pg_stat_database_temp_bytes_total", "Bytes written to temporary files by queries.", _DATABASE, Unit.BYTES
)
backends = _gauge("pg_stat_database_numbackends", "Sessions of the database.", _DATABASE)

connections = _gauge("pg_connections", "Client sessions, by state.", ("state",))
connections_max = _gauge("pg_max_connections", "max_connections without the slots reserved for superusers.")
lock_waiters = _gauge("pg_lock_waiters", "Client sessions that wait for a lock.")
longest_transaction = _gauge(
    "pg_longest_transaction_seconds", "Age of the oldest transaction of a client.", unit=Unit.SECONDS
)
longest_idle = _gauge(
    "pg_longest_idle_in_transaction_seconds", "Longest that a client has idled in a transaction.", unit=Unit.SECONDS
)
open_transactions = _gauge("pg_open_transactions", "Transactions of clients that are open, without ours.")
shared_buffers = _gauge("pg_shared_buffers_bytes", "shared_buffers.", unit=Unit.BYTES)
in_recovery = _gauge("pg_in_recovery", "1 on a standby.", _DATABASE)

checkpoints_timed = _total("pg_checkpoints_timed_total", "Checkpoints that came due by time.")
checkpoints_requested = _total("pg_checkpoints_requested_total", "Checkpoints forced, mostly by max_wal_size.")
checkpoint_write = _total("pg_checkpoint_write_seconds_total", "Time writing in checkpoints.", unit=Unit.SECONDS)
checkpoint_sync = _total("pg_checkpoint_sync_seconds_total", "Time syncing in checkpoints.", unit=Unit.SECONDS)
buffers_checkpoint = _total("pg_buffers_checkpoint_total", "Buffers written by checkpoints.")
buffers_clean = _total("pg_buffers_clean_total", "Buffers written by the background writer.")
buffers_backend = _total("pg_buffers_backend_total", "Buffers written by backends themselves.")
buffers_alloc = _total("pg_buffers_alloc_total", "Buffers allocated.")
maxwritten_clean = _total("pg_maxwritten_clean_total", "Rounds that the background writer broke off at its limit.")

seq_scans = _total("pg_table_seq_scan_total", "Sequential scans.", _TABLE, epoch=RELATIONS)
seq_rows = _total("pg_table_seq_tup_read_total", "Rows read by sequential scans.", _TABLE, epoch=RELATIONS)
idx_scans = _total("pg_table_idx_scan_total", "Scans of the table's indexes.", _TABLE, epoch=RELATIONS)
idx_rows = _total(
    "pg_table_idx_tup_fetch_total",
    "Rows got by way of indexes, those of index-only scans included.",
    _TABLE,
    epoch=RELATIONS,
)
live_rows = _gauge("pg_table_live_rows", "Rows alive, estimated.", _TABLE)
dead_rows = _gauge("pg_table_dead_rows", "Rows dead and not yet vacuumed, estimated.", _TABLE)
table_size = _gauge("pg_table_size_bytes", "Size of the table by pg_class.relpages.", _TABLE, Unit.BYTES)
table_rows = _gauge("pg_table_rows", "Rows by pg_class.reltuples, which a statistics reset leaves alone.", _TABLE)
lost_rows = _gauge(
    "pg_tables_lost_rows_ratio",
    "Share of rows in tables whose counts of live and dead rows were lost.",
    _DATABASE,
    Unit.RATIO,
)
DATABASE = Reading(
    "database",
    labels={"datname": "database"},
    columns={
        "blks_hit": blocks_hit,
        "blks_read": blocks_read,
        "xact_commit": commits,
        "xact_rollback": rollbacks,
        "tup_returned": returned,
        "tup_fetched": fetched,
        "tup_inserted": inserted,
        "tup_updated": updated,
        "tup_deleted": deleted,
        "deadlocks": deadlocks,
        "conflicts": conflicts,
        "temp_files": temp_files,
        "temp_bytes": temp_bytes,
        "numbackends": backends,
        **metrics_database.TRAFFIC,
    },
    omitted={
        "datid": "in databases",
        "stats_reset": "in databases; a reset is an event",
        "checksum_*": "in databases",
    },
)
ACTIVITY = Reading("activity", labels={"state": "state"}, columns={"sessions": connections})
SESSIONS = Reading(
    "sessions",
    columns={
        "lock_waiters": lock_waiters,
        "longest_transaction": longest_transaction,
        "longest_idle_in_transaction": longest_idle,
        "open_transactions": open_transactions,
        "max_connections": connections_max,
        "shared_buffers": shared_buffers,
    },
)
CHECKPOINTS = Reading(
    "checkpoints",
    columns={
        "checkpoints_timed": checkpoints_timed,
        "checkpoints_requested": checkpoints_requested,
        "checkpoint_write_time": Column(checkpoint_write, scale=MILLISECONDS),
        "checkpoint_sync_time": Column(checkpoint_sync, scale=MILLISECONDS),
        "buffers_checkpoint": buffers_checkpoint,
        "buffers_clean": buffers_clean,
        "buffers_backend": Column(buffers_backend, before=(17,)),
        "buffers_alloc": buffers_alloc,
        "maxwritten_clean": maxwritten_clean,
        **metrics_wal.CHECKPOINTS,
    },
    view="pg_stat_bgwriter, pg_stat_checkpointer",
    omitted={"stats_reset": "in writers"},
)
TABLES = Reading(
    "tables",
    tier=Tier.MEDIUM,
    since=(13,),
    view=VIEWS,
    omitted=OMITTED,
    labels={"datname": "database", "nspname": "schema", "relname": "table"},
    columns={
        "seq_scan": seq_scans,
        "seq_tup_read": seq_rows,
        "idx_scan": idx_scans,
        "idx_rows": idx_rows,
        "n_live_tup": live_rows,
        "n_dead_tup": dead_rows,
        "size": table_size,
        "reltuples": table_rows,
    },
)
TABLES_STATE = Reading(
    "tables_state",
    tier=Tier.MEDIUM,
    since=(13,),
    view=VIEWS,
    labels={"datname": "database"},
    columns={"lost_rows": lost_rows, "in_recovery": in_recovery},
)
"""Made by the collector of the rows of ``tables``: no further query."""

_BIG = (
    Floor(metric=table_size, at_least=BIG_TABLE_BYTES),
    Floor(metric=table_rows, at_least=BIG_TABLE_ROWS),
)
_NO_TABLES = "No table statistics: the source's database has no tables of its own, or they cannot be read."

cache_hit = Ratio(
    name="pg_cache_hit_ratio",
    title="Cache hit ratio",
    help="Share of blocks that were found in shared buffers.",
    advice="Look for large sequential scans first, then compare shared_buffers with the tables in use.",
    part=[blocks_hit],
    whole=[blocks_hit, blocks_read],
    by=_DATABASE,
    target=at_least(0.90, window="5m", hold="5m", traffic=1000),
    beside=("pg_blocks_read",),
)
index_scan = Ratio(
    name="pg_index_scan_ratio",
    title="Index scan ratio",
    help="Share of scans of tables of at least 1 MB or 10,000 rows that used an index.",
    advice="Look at the tables with most rows read by sequential scans: a filter there has no index.",
    absent=_NO_TABLES,
    part=[idx_scans],
    whole=[idx_scans, seq_scans],
    where=_BIG,
    by=_DATABASE,
    target=at_least(0.95, window="5m", hold="5m", traffic=100),
    beside=("pg_index_row_ratio", "pg_index_scan_ratio_by_table"),
)
index_rows = Ratio(
    name="pg_index_row_ratio",
    title="Rows by index",
    help="Share of rows of the same tables that were got by way of an index.",
    absent=_NO_TABLES,
    part=[idx_rows],
    whole=[idx_rows, seq_rows],
    where=_BIG,
    by=_DATABASE,
)
index_scan_by_table = Ratio(
    name="pg_index_scan_ratio_by_table",
    title="Index scans by table",
    help="Share of a table's scans that used an index, for tables of at least 1 MB or 10,000 rows.",
    absent=_NO_TABLES,
    part=[idx_scans],
    whole=[idx_scans, seq_scans],
    where=_BIG,
    by=_TABLE,
)
dead_rows_ratio = Ratio(
    name="pg_dead_row_ratio",
    title="Dead row ratio",
    help="Share of rows that are dead and not yet vacuumed.",
    advice="Look for old transactions, which hold vacuum back, then lower the worst table's autovacuum scale factor.",
    absent=_NO_TABLES,
    part=[dead_rows],
    whole=[live_rows, dead_rows],
    by=_DATABASE,
    target=at_most(0.05, window="1m", hold="10m"),
    guards=(
        Guard(metric=in_recovery, reason="a standby keeps no count of dead rows: watch its primary"),
        Guard(
            metric=lost_rows,
            above=0.01,
            reason="the counts were lost in a crash or reset; known again after the next (auto)analyze of those tables",
        ),
    ),
    beside=("pg_dead_row_ratio_by_table",),
)
dead_rows_by_table = Ratio(
    name="pg_dead_row_ratio_by_table",
    title="Dead rows by table",
    help="Share of a table's rows that are dead, for tables with at least 1,000 of them.",
    absent="No table has 1,000 dead rows.",
    part=[dead_rows],
    whole=[live_rows, dead_rows],
    where=(Floor(metric=dead_rows, at_least=1000),),
    by=_TABLE,
)
query_mean = Ratio(
    name="pg_query_mean",
    title="Mean query time",
    help="Time executing over executions, without utility commands and our own queries.",
    advice="A mean hides the slow tail: look at the statements that take most time.",
    absent="pg_stat_statements is not there or may not be read.",
    part=[statements.statement_seconds],
    whole=[statements.statement_calls],
    measure=Unit.SECONDS,
    by=_DATABASE,
)
query_means = Ratio(
    name="pg_query_mean_by_statement",
    title="Mean time by statement",
    help="Time executing over executions of one statement.",
    part=[statements.seconds],
    whole=[statements.calls],
    measure=Unit.SECONDS,
    by=BY_STATEMENT,
)
query_time = Rate(
    name="pg_query_time",
    title="Time by statement",
    help="Seconds per second spent executing one statement.",
    by=BY_STATEMENT,
    of=[statements.seconds],
)
statement_rate = Rate(
    name="pg_statements",
    title="Queries",
    help="Statements executed per second, without utility commands and our own.",
    by=_DATABASE,
    of=[statements.statement_calls],
)
transaction_rate = Rate(
    name="pg_transactions",
    title="Transactions",
    help="Transactions per second, committed and rolled back.",
    by=_DATABASE,
    of=[commits, rollbacks],
)
rollback_rate = Rate(
    name="pg_rollbacks", title="Rollbacks", help="Transactions rolled back per second.", by=_DATABASE, of=[rollbacks]
)
write_rate = Rate(
    name="pg_rows_written",
    title="Rows written",
    help="Rows inserted, updated and deleted per second.",
    by=_DATABASE,
    of=[inserted, updated, deleted],
)
seq_row_rate = Rate(
    name="pg_seq_rows_read",
    title="Rows read sequentially",
    help="Rows read by sequential scans per second.",
    by=_DATABASE,
    of=[seq_rows],
)
seq_rows_by_table = Rate(
    name="pg_seq_rows_read_by_table",
    title="Rows read sequentially, by table",
    help="Rows read by sequential scans of one table per second.",
    by=_TABLE,
    of=[seq_rows],
)
block_read_rate = Rate(
    name="pg_blocks_read",
    title="Blocks read",
    help="Blocks per second that were not in shared buffers.",
    by=_DATABASE,
    of=[blocks_read],
)
temp_rate = Rate(
    name="pg_temp_bytes",
    title="Temporary files",
    help="Bytes per second that queries wrote to temporary files.",
    advice="Raise work_mem for the statements that sort or hash that much.",
    by=_DATABASE,
    of=[temp_bytes],
)
deadlock_rate = Rate(name="pg_deadlocks", title="Deadlocks", help="Deadlocks per second.", by=_DATABASE, of=[deadlocks])
checkpoint_rate = Rate(
    name="pg_checkpoints_forced",
    title="Forced checkpoints",
    help="Checkpoints per second that did not wait for their time.",
    advice="Raise max_wal_size.",
    of=[checkpoints_requested],
)
connection_levels = Level(
    name="pg_connections_by_state",
    title="Connections",
    help="Client sessions, by state.",
    by=("state",),
    of=[connections],
)
connection_use = Ratio(
    name="pg_connection_use",
    title="Connection slots used",
    help="Client sessions over max_connections without the reserved ones.",
    advice="Put PgBouncer in front, or lower its pools: each session costs memory.",
    part=[connections],
    whole=[connections_max],
    clamp=False,
)
lock_waiter_level = Level(
    name="pg_lock_waiting", title="Waiting for locks", help="Client sessions that wait for a lock.", of=[lock_waiters]
)
transaction_age = Level(
    name="pg_longest_transaction",
    title="Oldest transaction",
    help="Age of the oldest transaction of a client.",
    of=[longest_transaction],
)
idle_age = Level(
    name="pg_longest_idle_in_transaction",
    title="Longest idle in transaction",
    help="Longest that a client has idled in a transaction.",
    of=[longest_idle],
)
