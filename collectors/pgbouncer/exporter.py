"""What prometheus-community's pgbouncer_exporter (0.10, and the columns that 0.11 and 0.12 added) makes of the same.

It shows the console's own pool as well, which we keep apart: its samples come of the console's metrics.
"""

from collectors.pgbouncer import metrics, metrics_config, metrics_databases, metrics_process
from metrics import watch
from metrics.alias import Alias
from metrics.model import Metric

_CONSOLE = {"database": "pgbouncer"}


def _stat(name: str, help: str, of: Metric, console: Metric, column: str) -> tuple[Alias, Alias]:  # noqa: A002
    name = f"pgbouncer_stats_{name}_total"
    return (
        Alias(name=name, kind="counter", help=help, of=of, labels={"database": "database"}),
        Alias(name=name, kind="counter", help=help, of=console, add=_CONSOLE, where={"column": column}),
    )


def _pool(name: str, help: str, of: Metric, column: str) -> tuple[Alias, Alias]:  # noqa: A002
    name = f"pgbouncer_pools_{name}_connections"
    return (
        Alias(name=name, kind="gauge", help=help, of=of, labels={"database": "database", "user": "user"}),
        Alias(
            name=name,
            kind="gauge",
            help=help,
            of=metrics_process.console_connections,
            add={**_CONSOLE, "user": "pgbouncer"},
            where={"column": column},
        ),
    )


def _database(name: str, help: str, of: Metric) -> tuple[Alias, Alias]:  # noqa: A002
    info, console = metrics_databases.info, metrics_process.console_info
    family = f"pgbouncer_databases_{name}"
    return (
        Alias(
            name=family,
            kind="gauge",
            help=help,
            of=of,
            labels={"database": "name"},
            beside={
                "host": (info, "host"),
                "port": (info, "port"),
                "database": (info, "server_database"),
                "force_user": (info, "force_user"),
                "pool_mode": (info, "pool_mode"),
            },
        ),
        Alias(
            name=family,
            kind="gauge",
            help=help,
            of=metrics_process.console_limits,
            add={**_CONSOLE, "name": "pgbouncer", "host": ""},
            where={"column": name},
            beside={label: (console, label) for label in ("port", "force_user", "pool_mode")},
        ),
    )


def _plain(of: Metric, help: str, name: str = "") -> Alias:  # noqa: A002
    return Alias(name=name or of.name, kind="gauge", help=help, of=of)


_EVENTS, _BYTES, _SECONDS = (
    metrics_process.console_events,
    metrics_process.console_bytes,
    metrics_process.console_seconds,
)

STATS = (
    *_stat("queries_pooled", "SQL queries pooled.", metrics.queries, _EVENTS, "query_count"),
    *_stat("sql_transactions_pooled", "SQL transactions pooled.", metrics.transactions, _EVENTS, "xact_count"),
    *_stat("server_assignments", "Servers given.", metrics.assignments, _EVENTS, "server_assignment_count"),
    *_stat("client_parses", "Parse messages from clients.", metrics.client_parses, _EVENTS, "client_parse_count"),
    *_stat("server_parses", "Parse messages to servers.", metrics.server_parses, _EVENTS, "server_parse_count"),
    *_stat("binds", "Prepared statements readied by Bind.", metrics.binds, _EVENTS, "bind_count"),
    *_stat("received_bytes", "Bytes received.", metrics.received, _BYTES, "bytes_received"),
    *_stat("sent_bytes", "Bytes sent.", metrics.sent, _BYTES, "bytes_sent"),
    *_stat("queries_duration_seconds", "Time in queries.", metrics.query_seconds, _SECONDS, "query_time"),
    *_stat(
        "server_in_transaction_seconds", "Time in transactions.", metrics.transaction_seconds, _SECONDS, "xact_time"
    ),
    *_stat("client_wait_seconds", "Time waited for a server.", metrics.wait_seconds, _SECONDS, "wait_time"),
)
POOLS = (
    *_pool("client_active", "Clients that can process queries.", metrics.clients_active, "cl_active"),
    *_pool("client_waiting", "Clients that wait for a server.", metrics.clients_waiting, "cl_waiting"),
    *_pool("client_active_cancel", "Clients that cancel.", metrics.clients_cancelling, "cl_active_cancel_req"),
    *_pool("client_waiting_cancel", "Clients whose cancel waits.", metrics.clients_to_cancel, "cl_waiting_cancel_req"),
    *_pool("server_active", "Servers linked to a client.", metrics.servers_active, "sv_active"),
    *_pool("server_active_cancel", "Servers that forward a cancel.", metrics.servers_cancelling, "sv_active_cancel"),
    *_pool("server_being_canceled", "Servers being cancelled.", metrics.servers_cancelled, "sv_being_canceled"),
    *_pool("server_idle", "Servers ready for a client.", metrics.servers_idle, "sv_idle"),
    *_pool("server_used", "Idle servers that need a check.", metrics.servers_used, "sv_used"),
    *_pool("server_testing", "Servers being reset or checked.", metrics.servers_tested, "sv_tested"),
    *_pool("server_login", "Servers that log in.", metrics.servers_login, "sv_login"),
)
WAITS = (
    Alias(
        name="pgbouncer_pools_client_maxwait_seconds",
        kind="gauge",
        help="Age of the oldest client that waits, in whole seconds.",
        of=metrics.longest_wait,
        labels={"database": "database", "user": "user"},
        whole=True,
    ),
    Alias(
        name="pgbouncer_pools_client_maxwait_seconds",
        kind="gauge",
        help="Age of the oldest client that waits, in whole seconds.",
        of=metrics_process.console_wait,
        add={**_CONSOLE, "user": "pgbouncer"},
        whole=True,
    ),
)
"""Whole seconds as theirs, which leaves out maxwait_us; ours, pgbouncer_pools_client_longest_wait_seconds, has both."""

DATABASES = (
    *_database("pool_size", "Servers of a pool at most.", metrics_databases.pool_size),
    *_database("reserve_pool", "Servers beyond the pool size at most.", metrics_databases.reserve_size),
    *_database("max_connections", "Connections of the database at most.", metrics_databases.max_connections),
    *_database("current_connections", "Connections of the database.", metrics_databases.connections),
    *_database("paused", "1 while the database is paused.", metrics_databases.paused),
    *_database("disabled", "1 while the database is disabled.", metrics_databases.disabled),
)
LISTS = (
    _plain(metrics.databases, "Count of databases."),
    _plain(metrics.users, "Count of users."),
    _plain(metrics.pools, "Count of pools."),
    _plain(metrics.free_clients, "Count of free clients."),
    _plain(metrics.used_clients, "Count of used clients."),
    _plain(metrics.login_clients, "Count of clients in login state."),
    _plain(metrics.free_servers, "Count of free servers."),
    _plain(metrics.used_servers, "Count of used servers."),
    _plain(metrics.dns_names, "Count of DNS names in the cache."),
    _plain(metrics.dns_zones, "Count of DNS zones in the cache."),
    _plain(metrics.dns_queries, "Count of DNS queries under way."),
)
OTHERS = (
    _plain(metrics_config.max_clients, "max_client_conn."),
    _plain(metrics_config.max_user_connections, "max_user_connections."),
    Alias(
        name="pgbouncer_version_info",
        kind="gauge",
        help="The version.",
        of=metrics_process.version,
        labels={"version": "version"},
    ),
    _plain(watch.UP, "1 when the last poll was answered.", "pgbouncer_up"),
)

LEFT_OUT = {"pgbouncer_exporter_build_info": "of the exporter, not of PgBouncer"}
"""Names of theirs that we do not give."""
