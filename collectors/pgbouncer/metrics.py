"""What PgBouncer's console is asked, what its answers mean, and what is judged.

Its avg_* columns are never used: what avg_wait_time means changed in 1.23. cl_active counts clients that merely
are connected, and wait_time grows only when a client has got its server: so waiting is seen in cl_waiting and
maxwait, and a stall has a guard of its own.
"""

from metrics.forms import Guard, Level, Rate, Ratio
from metrics.model import Kind, Metric, Unit
from metrics.reading import Column, Reading
from metrics.target import at_least, at_most

MICROSECONDS = 1e-6
CONSOLE = "pgbouncer"
"""The pseudo database that our own polls are counted in."""

_BY_DATABASE = ("database",)
_BY_POOL = ("database", "user")


def _total(name: str, help: str, unit: Unit = Unit.COUNT) -> Metric:  # noqa: A002 - the field's own name
    return Metric(name=name, kind=Kind.COUNTER, unit=unit, help=help, labels=_BY_DATABASE)


def _gauge(name: str, help: str, labels: tuple[str, ...] = (), unit: Unit = Unit.COUNT) -> Metric:  # noqa: A002
    return Metric(name=name, kind=Kind.GAUGE, unit=unit, help=help, labels=labels)


transactions = _total("pgbouncer_stats_transactions_total", "Transactions, counted when they ask for a server.")
queries = _total("pgbouncer_stats_queries_total", "Queries, counted when they ask for a server.")
assignments = _total("pgbouncer_stats_server_assignments_total", "Times that a client was given a server.")
received = _total("pgbouncer_stats_received_bytes_total", "Bytes that clients sent.", Unit.BYTES)
sent = _total("pgbouncer_stats_sent_bytes_total", "Bytes that clients were sent.", Unit.BYTES)
transaction_seconds = _total(
    "pgbouncer_stats_transaction_seconds_total", "Time in transactions, waiting for a server included.", Unit.SECONDS
)
query_seconds = _total(
    "pgbouncer_stats_query_seconds_total", "Time in queries, waiting for a server included.", Unit.SECONDS
)
wait_seconds = _total(
    "pgbouncer_stats_wait_seconds_total", "Time that clients waited for a server, added when they got it.", Unit.SECONDS
)

clients_active = _gauge(
    "pgbouncer_pools_client_active_connections", "Clients with a server or without need of one.", _BY_POOL
)
clients_waiting = _gauge("pgbouncer_pools_client_waiting_connections", "Clients that wait for a server.", _BY_POOL)
servers_active = _gauge("pgbouncer_pools_server_active_connections", "Servers that serve a client.", _BY_POOL)
servers_idle = _gauge("pgbouncer_pools_server_idle_connections", "Servers ready for a client.", _BY_POOL)
servers_used = _gauge(
    "pgbouncer_pools_server_used_connections", "Idle servers to be checked before their next use.", _BY_POOL
)
servers_tested = _gauge("pgbouncer_pools_server_testing_connections", "Servers being reset or checked.", _BY_POOL)
servers_login = _gauge("pgbouncer_pools_server_login_connections", "Servers logging in.", _BY_POOL)
servers_cancelling = _gauge("pgbouncer_pools_server_cancel_connections", "Servers forwarding a cancel.", _BY_POOL)
servers_cancelled = _gauge("pgbouncer_pools_server_canceled_connections", "Servers being cancelled.", _BY_POOL)
servers_open = _gauge("pgbouncer_pools_server_open_connections", "Server connections in any state.", _BY_POOL)
servers_limit = _gauge(
    "pgbouncer_pools_server_limit_connections", "Pool size and reserve: the most servers of the pool.", _BY_POOL
)
longest_wait = _gauge(
    "pgbouncer_pools_client_longest_wait_seconds",
    "How long the first client in the queue has waited.",
    _BY_POOL,
    Unit.SECONDS,
)
session_mode = _gauge("pgbouncer_pools_session_mode", "1 when the pool gives servers for whole sessions.", _BY_POOL)

database_pool = _gauge("pgbouncer_databases_pool_size", "Pool size of each user of the database.", _BY_DATABASE)
database_reserve = _gauge("pgbouncer_databases_reserve_size", "Reserve of each user of the database.", _BY_DATABASE)
database_connections = _gauge(
    "pgbouncer_databases_current_connections", "Server connections to the database.", _BY_DATABASE
)
database_max = _gauge(
    "pgbouncer_databases_max_connections", "Most server connections to the database; 0: no limit.", _BY_DATABASE
)
database_paused = _gauge("pgbouncer_databases_paused", "1 while the database is paused.", _BY_DATABASE)
database_disabled = _gauge("pgbouncer_databases_disabled", "1 while the database is disabled.", _BY_DATABASE)

used_clients = _gauge("pgbouncer_used_clients", "Client connections.")
login_clients = _gauge("pgbouncer_login_clients", "Client connections that are logging in.")
free_clients = _gauge("pgbouncer_free_clients", "Client slots allocated and free.")
used_servers = _gauge("pgbouncer_used_servers", "Server connections.")
pools = _gauge("pgbouncer_pools", "Pools.")

max_clients = _gauge("pgbouncer_config_max_client_connections", "max_client_conn.")
default_pool_size = _gauge("pgbouncer_config_default_pool_size", "default_pool_size.")
min_pool_size = _gauge("pgbouncer_config_min_pool_size", "min_pool_size.")
reserve_pool_size = _gauge("pgbouncer_config_reserve_pool_size", "reserve_pool_size.")
max_db_connections = _gauge("pgbouncer_config_max_db_connections", "max_db_connections; 0: no limit.")
query_wait_timeout = _gauge(
    "pgbouncer_config_query_wait_timeout_seconds", "How long a query waits for a server at most.", unit=Unit.SECONDS
)

_LEAVE_CONSOLE = {"database": (CONSOLE,)}

POOLS = Reading(
    "SHOW POOLS",
    labels={"database": "database", "user": "user"},
    leave=_LEAVE_CONSOLE,
    columns={
        "cl_active": clients_active,
        "cl_waiting": clients_waiting,
        "sv_active": servers_active,
        "sv_idle": servers_idle,
        "sv_used": servers_used,
        "sv_tested": servers_tested,
        "sv_login": servers_login,
        "sv_active_cancel": Column(servers_cancelling, since=(1, 18)),
        "sv_being_canceled": Column(servers_cancelled, since=(1, 18)),
        "sv_open": servers_open,
        "sv_limit": servers_limit,
        "maxwait_seconds": longest_wait,
        "is_session": session_mode,
    },
)
"""The last four columns are made by the collector: sv_limit from SHOW DATABASES, and from SHOW USERS since 1.23."""

STATS_TOTALS = Reading(
    "SHOW STATS_TOTALS",
    labels={"database": "database"},
    leave=_LEAVE_CONSOLE,
    columns={
        "xact_count": transactions,
        "query_count": queries,
        "server_assignment_count": Column(assignments, since=(1, 23)),
        "bytes_received": received,
        "bytes_sent": sent,
        "xact_time": Column(transaction_seconds, scale=MICROSECONDS),
        "query_time": Column(query_seconds, scale=MICROSECONDS),
        "wait_time": Column(wait_seconds, scale=MICROSECONDS),
    },
)
DATABASES = Reading(
    "SHOW DATABASES",
    labels={"name": "database"},
    leave={"name": (CONSOLE,)},
    columns={
        "pool_size": database_pool,
        "reserve_pool": Column(database_reserve, before=(1, 24)),
        "reserve_pool_size": Column(database_reserve, since=(1, 24)),
        "current_connections": database_connections,
        "max_connections": database_max,
        "paused": database_paused,
        "disabled": database_disabled,
    },
)
LISTS = Reading(
    "SHOW LISTS",
    omitted={"*": "not taken yet"},
    columns={
        "used_clients": used_clients,
        "login_clients": login_clients,
        "free_clients": free_clients,
        "used_servers": used_servers,
        "pools": pools,
    },
)
"""The collector makes one row of the server's many."""

CONFIG = Reading(
    "SHOW CONFIG",
    omitted={"*": "not taken yet"},
    columns={
        "max_client_conn": max_clients,
        "default_pool_size": default_pool_size,
        "min_pool_size": min_pool_size,
        "reserve_pool_size": reserve_pool_size,
        "max_db_connections": max_db_connections,
        "query_wait_timeout": query_wait_timeout,
    },
)

# Not the count of transactions: it grows when a client asks, also when it is never served.
_MOVES = [transaction_seconds, assignments]
_SESSIONS = Guard(metric=session_mode, reason="a pool in session mode keeps its server, so waiting says nothing of it")

pool_efficiency = Ratio(
    name="pgbouncer_pool_efficiency",
    title="Pool efficiency",
    help="Share of the time in transactions that was not spent waiting for a server.",
    advice="Look for long transactions, then at pool_size: more servers help only while PostgreSQL has cores for them.",
    part=[wait_seconds],
    whole=[transaction_seconds],
    complement=True,
    by=_BY_DATABASE,
    volume=[transactions],
    target=at_least(0.90, window="1m", hold="2m", traffic=20),
    guards=(
        _SESSIONS,
        Guard(
            metric=clients_waiting,
            idle=_MOVES,
            then=0.0,
            reason="clients wait and no transaction has ended for 30 s: the pool is stalled",
        ),
    ),
    beside=("pgbouncer_clients_waiting", "pgbouncer_longest_wait"),
)
acquisition = Ratio(
    name="pgbouncer_acquisition",
    title="Connection acquisition",
    help="Mean time that a client waited for a server.",
    advice="Look at clients waiting: short peaks want a larger reserve, a standing queue wants shorter transactions.",
    part=[wait_seconds],
    whole=[assignments],
    else_whole=[transactions],
    measure=Unit.SECONDS,
    by=_BY_DATABASE,
    target=at_most(0.005, window="1m", hold="2m", traffic=20),
    guards=(
        _SESSIONS,
        Guard(
            metric=clients_waiting,
            idle=_MOVES,
            then=longest_wait,
            reason="clients wait and none has got a server for 30 s: this is how long the first has waited so far",
        ),
    ),
    beside=("pgbouncer_longest_wait",),
)
server_connections = Ratio(
    name="pgbouncer_server_connections",
    title="Server connections",
    help="Server connections that are open, over the pool's size and its reserve.",
    advice="More servers than the pool allows are left of a pool that was made smaller, or wait to be cancelled.",
    part=[servers_open],
    whole=[servers_limit],
    by=_BY_POOL,
    clamp=False,
    target=at_most(1.0, window="1m", hold="2m"),
    beside=("pgbouncer_servers_in_use", "pgbouncer_servers_open", "pgbouncer_servers_limit"),
)
waiting_level = Level(
    name="pgbouncer_clients_waiting",
    title="Clients waiting",
    help="Clients that wait for a server.",
    by=_BY_DATABASE,
    of=[clients_waiting],
)
active_level = Level(
    name="pgbouncer_clients_active",
    title="Clients active",
    help="Clients with a server or without need of one: PgBouncer counts idle clients too.",
    by=_BY_DATABASE,
    of=[clients_active],
)
wait_level = Level(
    name="pgbouncer_longest_wait",
    title="Longest wait",
    help="How long the first client in a queue has waited.",
    by=_BY_DATABASE,
    of=[longest_wait],
    highest=True,
)
in_use_level = Level(
    name="pgbouncer_servers_in_use",
    title="Servers in use",
    help="Server connections that serve a client, log in, or are checked or cancelled.",
    by=_BY_POOL,
    of=[servers_active, servers_tested, servers_login, servers_cancelling, servers_cancelled],
)
open_level = Level(
    name="pgbouncer_servers_open",
    title="Servers open",
    help="Server connections in any state.",
    by=_BY_POOL,
    of=[servers_open],
)
limit_level = Level(
    name="pgbouncer_servers_limit",
    title="Pool size and reserve",
    help="The most server connections of the pool.",
    by=_BY_POOL,
    of=[servers_limit],
)
client_use = Ratio(
    name="pgbouncer_client_use",
    title="Client slots used",
    help="Client connections over max_client_conn.",
    advice="Raise max_client_conn and the limit of file descriptors, or let clients hold fewer connections.",
    part=[used_clients],
    whole=[max_clients],
    clamp=False,
)
transaction_rate = Rate(
    name="pgbouncer_transactions",
    title="Transactions",
    help="Transactions per second.",
    by=_BY_DATABASE,
    of=[transactions],
)
query_rate = Rate(name="pgbouncer_queries", title="Queries", help="Queries per second.", by=_BY_DATABASE, of=[queries])
wait_rate = Rate(
    name="pgbouncer_wait",
    title="Waiting",
    help="Seconds of waiting per second: how many clients waited at a time, on average.",
    by=_BY_DATABASE,
    of=[wait_seconds],
)
receive_rate = Rate(
    name="pgbouncer_network_in",
    title="Network in",
    help="Bytes from clients per second.",
    by=_BY_DATABASE,
    of=[received],
)
send_rate = Rate(
    name="pgbouncer_network_out", title="Network out", help="Bytes to clients per second.", by=_BY_DATABASE, of=[sent]
)
