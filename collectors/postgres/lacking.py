"""What a PostgreSQL does not allow or does not have, with the line that mends it."""

from collections.abc import Mapping, Sequence
from typing import Any

from collectors.collector import Lack
from collectors.postgres.hints import EXTENSION, GRANT, PRELOAD, SEQUENCES, USAGE, WIDTHS, identifier

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


def unreadable(found: Mapping[str, Any], *, widths: bool, user: str) -> tuple[Lack, ...]:
    """What pg_monitor alone does not let one read, where there is any of it.

    >>> some = {"sequences": 2, "tables": 0, "schema": "public"}
    >>> [lack.mend for lack in unreadable(some, widths=False, user="trivet")]
    ['GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO trivet;']
    """
    role, lacks = identifier(user), []
    if found["sequences"]:
        why = "it stays unknown how near they are to their end"
        mend = SEQUENCES.format(schema=found["schema"], role=role)
        lacks.append(Lack(f"{found['sequences']} sequences may not be read", why, mend))
    if found["tables"] and not widths:
        why = "their bloat and their indexes' stays unknown; pg_monitor does not let one see the widths of columns"
        lacks.append(Lack(f"{found['tables']} tables may not be read", why, WIDTHS.format(role=role)))
    return tuple(lacks)
