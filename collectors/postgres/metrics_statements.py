"""What each statement cost. Versions are those of the extension pg_stat_statements."""

from metrics.model import Kind, Metric, Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

EPOCH = "statements"
"""When pg_stat_statements was last reset."""

LEAST = (1, 8)
BY_STATEMENT = ("database", "user", "queryid")
_DATABASE = ("database",)
_MILLISECONDS = 1e-3
_VIEW = "pg_stat_statements"
_GROUPED = (
    "Statements that differ in their lists of values only are one, under the queryid of the first that was seen; "
    "an entry that was evicted and came back goes on where it was."
)
_TIMING = "Zero while track_io_timing is off."


def _total(name: str, help: str, unit: Unit = Unit.COUNT, note: str = _GROUPED) -> Metric:  # noqa: A002
    return Metric(
        name=f"pg_query_{name}_total",
        kind=Kind.COUNTER,
        unit=unit,
        help=help,
        labels=BY_STATEMENT,
        epoch=EPOCH,
        note=note,
    )


def _seconds(name: str, help: str, note: str = _GROUPED) -> Metric:  # noqa: A002
    return _total(f"{name}_seconds", help, Unit.SECONDS, note)


def _column(metric: Metric, since: int = 8) -> Column:
    scale = _MILLISECONDS if metric.unit is Unit.SECONDS else 1.0
    return Column(metric, scale, since=(1, since))


seconds = _total("seconds", "Time executing one statement.", Unit.SECONDS)
calls = _total("calls", "Executions of one statement.")
rows = _total("rows", "Rows returned or changed by one statement.")

_LABELS = {"datname": "database", "rolname": "user", "queryid": "queryid"}
_OMITTED = {
    "userid": "the label user",
    "dbid": "the label database",
    "toplevel": "statements inside functions are part of their caller's time: only the outer ones are read",
    "query": "kept once as a record",
    "blk_read_time": "shared_blk_read_time, as it is called since 1.11",
    "blk_write_time": "shared_blk_write_time, as it is called since 1.11",
    "min_*": "since the last reset: says nothing of a window",
    "max_*": "since the last reset: says nothing of a window",
    "mean_*": "the quotient of two totals, which are here",
    "stddev_*": "since the last reset: says nothing of a window",
    "stats_since": "tells an entry that was evicted and came back",
    "minmax_stats_since": "of no use without the least and the most",
}
STATEMENTS = Reading(
    "statements",
    tier=Tier.MEDIUM,
    since=LEAST,
    view=_VIEW,
    labels=_LABELS,
    columns={"total_exec_time": Column(seconds, scale=_MILLISECONDS), "calls": calls, "rows": rows},
    omitted=_OMITTED,
)
"""The collector keeps those that took most time of late, and one row for the others of each database."""

plans = _total(
    "plans", "Times that the statement was planned.", note="Zero while pg_stat_statements.track_planning is off."
)
plan_seconds = _seconds("plan", "Time planning it.", "Zero while pg_stat_statements.track_planning is off.")
shared_hit = _total("shared_blks_hit", "Shared blocks that it found in memory.")
shared_read = _total("shared_blks_read", "Shared blocks that it read.")
shared_dirtied = _total("shared_blks_dirtied", "Shared blocks that it dirtied.")
shared_written = _total("shared_blks_written", "Shared blocks that it wrote.")
local_hit = _total("local_blks_hit", "Local blocks that it found in memory.")
local_read = _total("local_blks_read", "Local blocks that it read.")
local_dirtied = _total("local_blks_dirtied", "Local blocks that it dirtied.")
local_written = _total("local_blks_written", "Local blocks that it wrote.")
temp_read = _total("temp_blks_read", "Temporary blocks that it read.")
temp_written = _total("temp_blks_written", "Temporary blocks that it wrote.")
shared_read_seconds = _seconds("shared_blk_read", "Time reading shared blocks for it.", _TIMING)
shared_write_seconds = _seconds("shared_blk_write", "Time writing shared blocks for it.", _TIMING)
local_read_seconds = _seconds("local_blk_read", "Time reading local blocks for it.", _TIMING)
local_write_seconds = _seconds("local_blk_write", "Time writing local blocks for it.", _TIMING)
temp_read_seconds = _seconds("temp_blk_read", "Time reading temporary blocks for it.", _TIMING)
temp_write_seconds = _seconds("temp_blk_write", "Time writing temporary blocks for it.", _TIMING)
wal_records = _total("wal_records", "WAL records that it wrote.")
wal_fpi = _total("wal_fpi", "Full page images that it wrote to WAL.")
wal_bytes = _total("wal_bytes", "WAL that it wrote.", Unit.BYTES)
wal_buffers_full = _total("wal_buffers_full", "Times that it wrote WAL because the buffers were full.")
jit_functions = _total("jit_functions", "Functions that were compiled for it.")
jit_generation_seconds = _seconds("jit_generation", "Time generating code for it.")
jit_inlining = _total("jit_inlining", "Times that code was inlined for it.")
jit_inlining_seconds = _seconds("jit_inlining", "Time inlining code for it.")
jit_optimization = _total("jit_optimization", "Times that code was optimized for it.")
jit_optimization_seconds = _seconds("jit_optimization", "Time optimizing code for it.")
jit_emission = _total("jit_emission", "Times that code was emitted for it.")
jit_emission_seconds = _seconds("jit_emission", "Time emitting code for it.")
jit_deform = _total("jit_deform", "Times that it was compiled how to take rows apart for it.")
jit_deform_seconds = _seconds("jit_deform", "Time compiling how to take rows apart for it.")
workers_planned = _total("parallel_workers_to_launch", "Parallel workers that its plans asked for.")
workers_launched = _total("parallel_workers_launched", "Parallel workers that were started for it.")
WORK = Reading(
    "statements_work",
    tier=Tier.MEDIUM,
    since=LEAST,
    view=_VIEW,
    labels=_LABELS,
    columns={
        "plans": plans,
        "total_plan_time": _column(plan_seconds),
        "shared_blks_hit": shared_hit,
        "shared_blks_read": shared_read,
        "shared_blks_dirtied": shared_dirtied,
        "shared_blks_written": shared_written,
        "local_blks_hit": local_hit,
        "local_blks_read": local_read,
        "local_blks_dirtied": local_dirtied,
        "local_blks_written": local_written,
        "temp_blks_read": temp_read,
        "temp_blks_written": temp_written,
        "shared_blk_read_time": _column(shared_read_seconds),
        "shared_blk_write_time": _column(shared_write_seconds),
        "local_blk_read_time": _column(local_read_seconds, 11),
        "local_blk_write_time": _column(local_write_seconds, 11),
        "temp_blk_read_time": _column(temp_read_seconds, 10),
        "temp_blk_write_time": _column(temp_write_seconds, 10),
        "wal_records": wal_records,
        "wal_fpi": wal_fpi,
        "wal_bytes": wal_bytes,
        "wal_buffers_full": _column(wal_buffers_full, 12),
        "jit_functions": _column(jit_functions, 10),
        "jit_generation_time": _column(jit_generation_seconds, 10),
        "jit_inlining_count": _column(jit_inlining, 10),
        "jit_inlining_time": _column(jit_inlining_seconds, 10),
        "jit_optimization_count": _column(jit_optimization, 10),
        "jit_optimization_time": _column(jit_optimization_seconds, 10),
        "jit_emission_count": _column(jit_emission, 10),
        "jit_emission_time": _column(jit_emission_seconds, 10),
        "jit_deform_count": _column(jit_deform, 11),
        "jit_deform_time": _column(jit_deform_seconds, 11),
        "parallel_workers_to_launch": _column(workers_planned, 12),
        "parallel_workers_launched": _column(workers_launched, 12),
    },
    omitted=_OMITTED,
)
"""The rest of the columns, of the fewer statements that there is room for at the cap."""

statement_seconds = Metric(
    name="pg_statements_seconds_total",
    kind=Kind.COUNTER,
    unit=Unit.SECONDS,
    help="Time executing statements, without utility commands and our own; counted from the collector's start.",
    labels=_DATABASE,
    epoch=EPOCH,
)
statement_calls = Metric(
    name="pg_statements_calls_total",
    kind=Kind.COUNTER,
    unit=Unit.COUNT,
    help="Statements executed, without utility commands and our own; counted from the collector's start.",
    labels=_DATABASE,
    epoch=EPOCH,
)
TOTALS = Reading(
    "statements_totals",
    tier=Tier.MEDIUM,
    since=LEAST,
    view=_VIEW,
    labels={"datname": "database"},
    columns={"total_exec_time": Column(statement_seconds, scale=_MILLISECONDS), "calls": statement_calls},
)
"""Advanced by the collector by what each statement rose: entries that are evicted take nothing away."""

known = Metric(name="pg_statements_known", kind=Kind.GAUGE, unit=Unit.COUNT, help="Entries of pg_stat_statements.")
evictions = Metric(
    name="pg_statements_dealloc_total",
    kind=Kind.COUNTER,
    unit=Unit.COUNT,
    help="Times that the least executed entries were evicted, because pg_stat_statements.max was reached.",
    epoch=EPOCH,
)
reset_at = Metric(
    name="pg_statements_reset_timestamp_seconds",
    kind=Kind.GAUGE,
    unit=Unit.SECONDS,
    help="When pg_stat_statements was last reset.",
)
INFO = Reading(
    "statements_info",
    tier=Tier.MEDIUM,
    since=LEAST,
    view="pg_stat_statements_info",
    omitted={"stats_reset": "the column reset"},
    columns={
        "entries": known,
        "dealloc": Column(evictions, since=(1, 9)),
        "reset": Column(reset_at, since=(1, 9)),
    },
)
