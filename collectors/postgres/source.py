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
            description="Database that the connection is kept to; pg_stat_statements is looked for there. "
            "DROP DATABASE … WITH (FORCE) gets past it.",
            min_length=1,
        ),
    ] = "postgres"
    include: Annotated[
        tuple[str, ...], Meta(description="Databases whose tables are watched, by patterns such as app_*.")
    ] = ("*",)
    exclude: Annotated[
        tuple[str, ...],
        Meta(description="Those of them whose tables are not; the one of `database` always is watched."),
    ] = ("template*", "rdsadmin", "cloudsqladmin", "azure_maintenance", "azure_sys")
