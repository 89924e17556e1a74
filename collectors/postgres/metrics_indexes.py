"""What each index was used for."""

from collectors.postgres.declare import gauge
from collectors.postgres.metrics_tables import total
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

BY_INDEX = ("database", "schema", "table", "index")

scans = total("pg_index_scan_total", "Scans of the index.", BY_INDEX)
size = gauge("pg_index_size_bytes", "Size of the index by pg_class.relpages.", BY_INDEX, Unit.BYTES)
read = total("pg_index_tup_read_total", "Index entries returned by scans of the index.", BY_INDEX)
fetched = total(
    "pg_index_tup_fetch_total",
    "Rows fetched by simple scans of the index.",
    BY_INDEX,
    note="Bitmap scans and index-only scans fetch none.",
)
last_scan = gauge(
    "pg_index_last_scan_timestamp_seconds",
    "When it was last scanned.",
    BY_INDEX,
    Unit.SECONDS,
    note="No sample when it never was, and none after a crash or a reset of statistics.",
)
blocks_read = total("pg_index_blks_read_total", "Blocks of the index not found in shared buffers.", BY_INDEX)
blocks_hit = total("pg_index_blks_hit_total", "Blocks of the index found in shared buffers.", BY_INDEX)
invalid = gauge(
    "pg_index_invalid",
    "1 for an index that is maintained and not used, because its CREATE INDEX CONCURRENTLY failed or goes on.",
    BY_INDEX,
)
INDEXES = Reading(
    "indexes",
    tier=Tier.MEDIUM,
    view="pg_stat_user_indexes, pg_statio_user_indexes, pg_class, pg_index",
    labels={"datname": "database", "nspname": "schema", "relname": "table", "indexrelname": "index"},
    columns={
        "idx_scan": scans,
        "size": size,
        "idx_tup_read": read,
        "idx_tup_fetch": fetched,
        "last_idx_scan": Column(last_scan, since=(16,)),
        "idx_blks_read": blocks_read,
        "idx_blks_hit": blocks_hit,
        "invalid": invalid,
    },
    omitted={
        "relid": "names tell tables apart",
        "schemaname": "the label schema",
        "indexrelid": "names tell indexes apart",
        "indisunique": "asked when advice is given",
        "indisprimary": "asked when advice is given",
    },
)
