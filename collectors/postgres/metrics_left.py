"""Columns of statistics views that no statement takes under their own names: where they went, or why they are left.

None of these is asked for itself; they are for docs/metrics.md.
"""

from collections.abc import Mapping

from metrics.reading import Reading

_PROGRESS = "of what is under way: its share done, by command, relation and phase, is in progress"
_MINE = "of the transaction that asks: ours does nothing"


def _left(view: str, columns: Mapping[str, str]) -> Reading:
    return Reading(view, {}, omitted=columns, view=view)


def _whole(view: str, why: str) -> Reading:
    return _left(view, {"*": why})


ACTIVITY = _left(
    "pg_stat_activity",
    {
        "datid": "the label database names it",
        "usesysid": "the label user names it",
        "pid": "sessions are counted, not listed; blocking names those that block or wait",
        "xact_start": "as an age: ages has the oldest of each database, activity_detail of each kind of session",
        "query_start": "as an age, in ages",
        "state_change": "as an age of sessions idle in transaction, in ages",
        "backend_start": "says nothing of load; long sessions are no fault",
        "backend_xid": "as an age in transactions, in xmin",
        "backend_xmin": "as an age in transactions, in xmin",
        "client_addr": "of poolers it is always the pooler's",
        "client_hostname": "needs log_hostname, a look-up at each connection",
        "client_port": "says nothing of load",
        "leader_pid": "workers are counted by their backend_type",
        "query_id": "pg_stat_statements counts them all, not those of one moment",
        "query": "text that may hold values; blocking keeps that of who blocks, without them",
    },
)
REPLICATION = _left(
    "pg_stat_replication",
    {
        "sent_lsn": "as bytes behind, in replication",
        "write_lsn": "as bytes behind, in replication",
        "flush_lsn": "as bytes behind, in replication",
        "replay_lsn": "as bytes behind, in replication",
    },
)
SLOTS = _left(
    "pg_replication_slots",
    {
        "datoid": "the label database names it",
        "temporary": "no measure",
        "active_pid": "active says whether there is one, in slots",
        "restart_lsn": "as bytes kept, in slots",
        "confirmed_flush_lsn": "as bytes behind, in slots",
        "inactive_since": "as an age, in slots, since 17",
    },
)
RECEIVER = _whole(
    "pg_stat_wal_receiver", "position tells whether it streams, and what is received and replayed, by functions"
)
PREFETCH = _whole("pg_stat_recovery_prefetch", "how a standby reads ahead; its lag is what counts")
SUBSCRIPTION = _whole(
    "pg_stat_subscription", "workers of this moment; the errors are in subscriptions, the lag at the publisher's slots"
)
BGWRITER = _left("pg_stat_bgwriter", {"checkpoints_req": "as checkpoints_requested, in checkpoints"})
CHECKPOINTER = _left(
    "pg_stat_checkpointer",
    {
        "num_timed": "as checkpoints_timed, in checkpoints",
        "num_requested": "as checkpoints_requested, in checkpoints",
        "write_time": "as checkpoint_write_time, in checkpoints",
        "sync_time": "as checkpoint_sync_time, in checkpoints",
        "buffers_written": "as buffers_checkpoint, in checkpoints",
    },
)
RELATIONS = _left("pg_stat_user_indexes", {"schemaname": "the label schema"})
IO_INDEXES = _left("pg_statio_user_indexes", {"schemaname": "the label schema"})
STATEMENTS = _left(
    "pg_stat_statements",
    {
        "blk_read_time": "as shared_blk_read_time, its name since 1.11",
        "blk_write_time": "as shared_blk_write_time, its name since 1.11",
    },
)
STATEMENTS_INFO = _left("pg_stat_statements_info", {"stats_reset": "as reset, in statements_info"})
FUNCTIONS = _whole("pg_stat_user_functions", "needs track_functions, which is off by default; their statements count")
SEQUENCES = _whole("pg_statio_user_sequences", "one block each; their ends are in sequences")
SSL = _whole("pg_stat_ssl", "how single sessions are secured, certificates among it: no matter of load")
GSSAPI = _whole("pg_stat_gssapi", "how single sessions are secured, names among it: no matter of load")
PLANNER = _whole(
    "pg_stats", "values of your tables; bloat uses widths, shares of NULL, how many are distinct, and nothing else"
)
PLANNER_EXTENDED = _whole("pg_stats_ext", "values of your tables, for the planner")
PLANNER_EXPRESSIONS = _whole("pg_stats_ext_exprs", "values of your tables, for the planner")
XACT_TABLES = _whole("pg_stat_xact_user_tables", _MINE)
XACT_FUNCTIONS = _whole("pg_stat_xact_user_functions", _MINE)
PROGRESS = tuple(
    _whole(f"pg_stat_progress_{name}", _PROGRESS)
    for name in ("analyze", "basebackup", "cluster", "copy", "create_index", "vacuum")
)
ANALYZE, BASEBACKUP, CLUSTER, COPY, CREATE_INDEX, VACUUM = PROGRESS
