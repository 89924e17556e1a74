"""Estimates of the room that tables and B-tree indexes take beyond what their rows need."""

from collectors.postgres.declare import gauge
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Reading

_TABLE = ("database", "schema", "table")
_NOTE = (
    "An estimate from row counts and mean widths of columns: within a few per cent for plain tables just analysed, "
    "five off where half of the values are NULL; TOAST is not counted. No sample for tables under 1 MB, never "
    "analysed, or whose widths may not be read. Room that later rows will use is bloat here too. The twenty worst of "
    "each database."
)

bloat = gauge("pg_table_bloat_bytes", "Room that the table takes beyond its rows.", _TABLE, Unit.BYTES, _NOTE)
bloat_ratio = gauge("pg_table_bloat_ratio", "The same as a share of the table's size.", _TABLE, Unit.RATIO, _NOTE)
BLOAT = Reading(
    "bloat",
    tier=Tier.SLOW,
    view="pg_class, pg_stats",
    labels={"datname": "database", "nspname": "schema", "relname": "table"},
    columns={"bytes": bloat, "ratio": bloat_ratio},
)
unknown = gauge(
    "pg_tables_bloat_unknown",
    "Tables of at least 1 MB whose bloat cannot be estimated.",
    ("database",),
    note="Their column widths are not there, or the role may not read them.",
)
BLOAT_UNKNOWN = Reading(
    "bloat_unknown",
    tier=Tier.SLOW,
    view="pg_class, pg_stats",
    labels={"datname": "database"},
    columns={"unknown": unknown},
)

_INDEX = ("database", "schema", "table", "index")
_INDEX_NOTE = (
    "An estimate of what REINDEX would give back, from row counts, mean widths and counts of distinct values: within a "
    "few per cent of its size where tables were just analysed, anything where they were not for long. Equal entries "
    "are stored once since 13. So too low where columns go with one another (a town and its county), whose "
    "combinations are taken for more than there are; too high where ANALYZE finds too few distinct values, as it does "
    "in large tables. An index brought along from 12 stores none once, and REINDEX gives that back, too. Up to 4 bytes "
    "an entry too high for texts whose length varies. Only B-trees of at least 1 MB. No sample where widths may not be "
    "read or statistics are missing: counted as unknown. The ten worst of each database."
)

index_bloat = gauge("pg_index_bloat_bytes", "Room that a new index would not take.", _INDEX, Unit.BYTES, _INDEX_NOTE)
index_bloat_ratio = gauge("pg_index_bloat_ratio", "The same as a share of its size.", _INDEX, Unit.RATIO, _INDEX_NOTE)
INDEX_BLOAT = Reading(
    "index_bloat",
    tier=Tier.SLOW,
    view="pg_class, pg_index, pg_stats",
    labels={"datname": "database", "nspname": "schema", "relname": "table", "indexrelname": "index"},
    columns={"bytes": index_bloat, "ratio": index_bloat_ratio},
)
index_unknown = gauge(
    "pg_indexes_bloat_unknown",
    "B-tree indexes of at least 1 MB whose bloat cannot be estimated.",
    ("database",),
    note="Statistics of their columns are not there, or the role may not read them.",
)
INDEX_BLOAT_UNKNOWN = Reading(
    "index_bloat_unknown",
    tier=Tier.SLOW,
    view="pg_class, pg_index, pg_stats",
    labels={"datname": "database"},
    columns={"unknown": index_unknown},
)
