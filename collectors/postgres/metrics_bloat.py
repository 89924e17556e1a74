"""An estimate of the room that tables take beyond what their rows need."""

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
