"""WAL, its archive, checkpoints, and what is read and written, by whom."""

from collections.abc import Mapping

from collectors.postgres.declare import MILLISECONDS, gauge, total
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

_TIMED = "Zero while track_wal_io_timing is off."

wal_records = total("pg_wal_records_total", "WAL records written.")
wal_fpi = total("pg_wal_full_page_images_total", "Whole pages written to the WAL, the first time after a checkpoint.")
wal_bytes = total("pg_wal_bytes_total", "WAL written.", unit=Unit.BYTES)
wal_full = total("pg_wal_buffers_full_total", "Times that WAL was written because its buffers were full.")
wal_writes = total("pg_wal_writes_total", "Writes of the WAL.", note="Since 18 in pg_io.")
wal_syncs = total("pg_wal_syncs_total", "Syncs of the WAL.", note="Since 18 in pg_io.")
wal_write_seconds = total("pg_wal_write_seconds_total", "Time writing the WAL.", unit=Unit.SECONDS, note=_TIMED)
wal_sync_seconds = total("pg_wal_sync_seconds_total", "Time syncing the WAL.", unit=Unit.SECONDS, note=_TIMED)
WAL = Reading(
    "wal",
    tier=Tier.MEDIUM,
    since=(14,),
    columns={
        "wal_records": wal_records,
        "wal_fpi": wal_fpi,
        "wal_bytes": wal_bytes,
        "wal_buffers_full": wal_full,
        "wal_write": Column(wal_writes, before=(18,)),
        "wal_sync": Column(wal_syncs, before=(18,)),
        "wal_write_time": Column(wal_write_seconds, MILLISECONDS, before=(18,)),
        "wal_sync_time": Column(wal_sync_seconds, MILLISECONDS, before=(18,)),
    },
    omitted={"stats_reset": "asked with identity; a reset is an event"},
)

wal_files = gauge("pg_wal_files", "Files in pg_wal, those that wait to be used again included.")
wal_disk = gauge("pg_wal_disk_bytes", "Size of the files in pg_wal.", unit=Unit.BYTES)
WAL_FILES = Reading(
    "wal_files", tier=Tier.MEDIUM, view="pg_ls_waldir()", columns={"files": wal_files, "bytes": wal_disk}
)

archived = total("pg_archiver_archived_total", "WAL files archived.")
archive_failed = total("pg_archiver_failed_total", "Attempts to archive a file that failed.")
archived_age = gauge("pg_archiver_last_archived_seconds", "Time since a file was last archived.", unit=Unit.SECONDS)
failed_age = gauge("pg_archiver_last_failed_seconds", "Time since archiving last failed.", unit=Unit.SECONDS)
ARCHIVER = Reading(
    "archiver",
    tier=Tier.MEDIUM,
    columns={
        "archived_count": archived,
        "failed_count": archive_failed,
        "archived_age": archived_age,
        "failed_age": failed_age,
    },
    omitted={
        "last_archived_*": "its age is taken",
        "last_failed_*": "its age is taken",
        "stats_reset": "asked with identity; a reset is an event",
    },
)

backend_fsyncs = total("pg_buffers_backend_fsync_total", "Syncs that backends had to make themselves.")
restartpoints_timed = total("pg_restartpoints_timed_total", "Restartpoints of a standby that came due by time.")
restartpoints_requested = total("pg_restartpoints_requested_total", "Restartpoints that were asked for.")
restartpoints_done = total("pg_restartpoints_done_total", "Restartpoints that were performed.")
checkpoints_done = total("pg_checkpoints_done_total", "Checkpoints that were performed.")
checkpoint_slru = total("pg_checkpoint_slru_written_total", "Blocks of SLRU caches written by checkpoints.")
writer_reset = gauge(
    "pg_stat_bgwriter_reset_timestamp_seconds",
    "When the background writer's statistics were last reset.",
    unit=Unit.SECONDS,
)
checkpointer_reset = gauge(
    "pg_stat_checkpointer_reset_timestamp_seconds", "When the checkpointer's were.", unit=Unit.SECONDS
)
CHECKPOINTS: Mapping[str, Column] = {
    "buffers_backend_fsync": Column(backend_fsyncs, before=(17,)),
    "restartpoints_timed": Column(restartpoints_timed, since=(17,)),
    "restartpoints_req": Column(restartpoints_requested, since=(17,)),
    "restartpoints_done": Column(restartpoints_done, since=(17,)),
    "num_done": Column(checkpoints_done, since=(18,)),
    "slru_written": Column(checkpoint_slru, since=(18,)),
}
"""More columns of the reading of the background writer and the checkpointer."""

WRITERS = Reading(
    "writers",
    tier=Tier.MEDIUM,
    view="pg_stat_bgwriter, pg_stat_checkpointer",
    columns={"reset": writer_reset, "checkpointer_reset": Column(checkpointer_reset, since=(17,))},
)

_IO = ("backend_type", "object", "context")


_IO_TIMED = "Zero while track_io_timing is off."
io_reads = total("pg_io_reads_total", "Reads.", _IO)
io_read_bytes = total("pg_io_read_bytes_total", "Bytes read.", _IO, Unit.BYTES)
io_read_seconds = total("pg_io_read_seconds_total", "Time reading.", _IO, Unit.SECONDS, _IO_TIMED)
io_writes = total("pg_io_writes_total", "Writes.", _IO)
io_write_bytes = total("pg_io_write_bytes_total", "Bytes written.", _IO, Unit.BYTES)
io_write_seconds = total("pg_io_write_seconds_total", "Time writing.", _IO, Unit.SECONDS, _IO_TIMED)
io_extends = total("pg_io_extends_total", "Times that a relation grew.", _IO)
io_extend_bytes = total("pg_io_extend_bytes_total", "Bytes that relations grew by.", _IO, Unit.BYTES)
io_extend_seconds = total("pg_io_extend_seconds_total", "Time growing relations.", _IO, Unit.SECONDS, _IO_TIMED)
io_hits = total("pg_io_hits_total", "Blocks found in buffers.", _IO)
io_evictions = total("pg_io_evictions_total", "Blocks put out of a buffer to make room.", _IO)
io_reuses = total("pg_io_reuses_total", "Buffers of a ring used again.", _IO)
io_fsyncs = total("pg_io_fsyncs_total", "Syncs.", _IO)
io_fsync_seconds = total("pg_io_fsync_seconds_total", "Time syncing.", _IO, Unit.SECONDS, _IO_TIMED)
IO = Reading(
    "io",
    tier=Tier.MEDIUM,
    since=(16,),
    view="pg_stat_io",
    labels={"backend_type": "backend_type", "object": "object", "context": "context"},
    columns={
        "reads": io_reads,
        "read_bytes": io_read_bytes,
        "read_time": Column(io_read_seconds, MILLISECONDS),
        "writes": io_writes,
        "write_bytes": io_write_bytes,
        "write_time": Column(io_write_seconds, MILLISECONDS),
        "extends": io_extends,
        "extend_bytes": io_extend_bytes,
        "extend_time": Column(io_extend_seconds, MILLISECONDS),
        "hits": io_hits,
        "evictions": io_evictions,
        "reuses": io_reuses,
        "fsyncs": io_fsyncs,
        "fsync_time": Column(io_fsync_seconds, MILLISECONDS),
    },
    omitted={
        "writeback*": "hints to the kernel; their cost shows in the times of writes",
        "op_bytes": "multiplied into the bytes",
        "stats_reset": "asked with identity; a reset is an event",
    },
)
"""Rows that have done something."""

_SLRU = ("cache",)
slru_hit = total("pg_slru_blks_hit_total", "Blocks found in the cache.", _SLRU)
slru_read = total("pg_slru_blks_read_total", "Blocks that the cache had to read.", _SLRU)
slru_written = total("pg_slru_blks_written_total", "Blocks of the cache written.", _SLRU)
SLRU = Reading(
    "slru",
    tier=Tier.MEDIUM,
    since=(13,),
    labels={"name": "cache"},
    columns={"blks_hit": slru_hit, "blks_read": slru_read, "blks_written": slru_written},
    omitted={
        "blks_zeroed": "follows from how much is written",
        "blks_exists": "asked at truncation only",
        "flushes": "one for each checkpoint",
        "truncates": "one for each vacuum that freezes",
        "stats_reset": "asked with identity; a reset is an event",
    },
)
"""Rows that have done something."""
