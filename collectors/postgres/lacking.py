"""What a PostgreSQL does not allow or does not have, with the line that mends it."""

from collections.abc import Mapping, Sequence
from typing import Any

from collectors.collector import Lack
from collectors.postgres.hints import EXTENSION, GRANT, PRELOAD, USAGE, identifier

LEAST = 130000


def lacking(
    identity: Mapping[str, Any], extension: Mapping[str, Any], preload: Sequence[Mapping[str, Any]], user: str
) -> tuple[Lack, ...]:
    """In the order in which it should be mended."""
    found = []
    if int(identity["version_num"]) < LEAST:
        why = "its statistics of tables and of statements name their columns otherwise: both stay unknown"
        found.append(Lack(f"PostgreSQL {identity['version']} is older than 13", why, "upgrade to 13 or later"))
    if not identity["monitors"]:
        why = "sessions of others, most settings and statements are hidden, without an error"
        found.append(Lack("the role is no member of pg_monitor", why, GRANT.format(role=identifier(user))))
    if preload and not preload[0]["loaded"]:
        why = "no statement is timed"
        found.append(Lack("pg_stat_statements is not loaded", why, f"{PRELOAD}  # postgresql.conf; then restart"))
    if not extension["schema"]:
        why = "the mean query time and the slowest statements stay unknown"
        found.append(Lack(f"pg_stat_statements is not in database {identity['datname']}", why, EXTENSION))
    elif not extension["usable"]:
        why = "the mean query time and the slowest statements stay unknown"
        mend = USAGE.format(schema=extension["schema"], role=identifier(user))
        found.append(
            Lack(f"pg_stat_statements is in schema {extension['schema']}, which the role may not use", why, mend)
        )
    if identity["in_recovery"]:
        why = "it has no counts of dead rows and only its own reads: watch the primary too"
        found.append(Lack("this is a standby", why))
    return tuple(found)
