"""The line that mends each kind of failure at PostgreSQL."""

import re

from collectors.failed import Failed
from metrics.poll import ErrorClass

GRANT = "GRANT pg_monitor TO {role};"
USAGE = "GRANT USAGE ON SCHEMA {schema} TO {role};"
UPDATE = "ALTER EXTENSION pg_stat_statements UPDATE;"
EXTENSION = "CREATE EXTENSION pg_stat_statements;"
PRELOAD = "shared_preload_libraries = 'pg_stat_statements'"
SEQUENCES = "GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"
WIDTHS = (
    "CREATE SCHEMA IF NOT EXISTS trivet; GRANT USAGE ON SCHEMA trivet TO {role}; "
    "CREATE OR REPLACE VIEW trivet.column_widths AS SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname, "
    "s.stainherit AS inherited, s.stanullfrac AS null_frac, s.stawidth AS avg_width, "
    "s.stadistinct AS n_distinct FROM pg_statistic AS s JOIN pg_class AS c ON c.oid = s.starelid "
    "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = s.staattnum WHERE NOT a.attisdropped; "
    "GRANT SELECT ON trivet.column_widths TO {role};"
)
"""Widths, shares of NULL and counts of distinct values of all columns, and no value: for a superuser to make."""

_HINTS = {
    ErrorClass.UNREACHABLE: "Check host and port, sslmode, listen_addresses, and that PostgreSQL runs there.",
    ErrorClass.AUTH: "Check user and password; pg_hba.conf: hostssl {database} {role} ADDRESS scram-sha-256",
    ErrorClass.REFUSED_BY_LIMIT: "ALTER ROLE {role} CONNECTION LIMIT 5; or raise max_connections.",
    ErrorClass.FORBIDDEN: GRANT,
    ErrorClass.GONE: "Set database to one that exists.",
}


def identifier(name: str) -> str:
    """A name as SQL needs it.

    >>> identifier("trivet"), identifier('o"dd')
    ('trivet', '"o""dd"')
    """
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def hinted(failed: Failed, user: str, database: str) -> Failed:
    """The same failure with what mends it."""
    kind, text = failed.failure.kind, failed.failure.text
    hint = _HINTS.get(kind, "").format(role=identifier(user), database=identifier(database))
    if kind is ErrorClass.MISSING and "startup parameter" in text:
        hint = "Connect to PostgreSQL itself, not through PgBouncer: statistics do not survive its pools."
    elif kind is ErrorClass.MISSING and "preload" in text:
        hint = f"postgresql.conf: {PRELOAD}; then restart."
    elif kind is ErrorClass.MISSING and re.search("toplevel|pg_stat_statements_info|total_exec_time", text):
        hint = UPDATE
    elif kind is ErrorClass.MISSING and "pg_stat_statements" in text:
        hint = EXTENSION
    return failed.hinted(hint)
