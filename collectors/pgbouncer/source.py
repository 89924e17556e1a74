"""``[[source]]`` of kind pgbouncer."""

from typing import Annotated

from msgspec import Meta

from collectors.libpq_source import LibpqSource
from collectors.source import Port


class PgBouncerSource(LibpqSource, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="pgbouncer"):
    """A PgBouncer, by its admin console. The user stands in stats_users and need not be an admin."""

    port: Annotated[Port, Meta(description="Its port.")] = 6432
