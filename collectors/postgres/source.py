"""``[[source]]`` of kind postgres."""

from typing import Annotated

from msgspec import Meta

from collectors.libpq_source import LibpqSource
from collectors.source import Port


class PostgresSource(LibpqSource, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="postgres"):
    """A PostgreSQL server, reached directly and not through PgBouncer."""

    port: Annotated[Port, Meta(description="Its port.")] = 5432
    database: Annotated[
        str,
        Meta(
            description="Database whose tables are watched; the rest is watched for the whole server. "
            "The connection is kept, which DROP DATABASE … WITH (FORCE) gets past.",
            min_length=1,
        ),
    ] = "postgres"
