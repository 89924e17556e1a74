"""What PgBouncer's console is asked every few seconds, what the answers mean, and what is judged.

Its avg_* columns are never used: what avg_wait_time means changed in 1.23. cl_active counts clients that merely
are connected, and wait_time grows only when a client has got its server: so waiting is seen in cl_waiting and
maxwait, and a stall has a guard of its own.
"""

from collectors.pgbouncer.declare import BY_DATABASE, BY_POOL, CONSOLE, MICROSECONDS, gauge, total
from collectors.pgbouncer.metrics_config import max_clients
from metrics.forms import Guard, Level, Rate, Ratio
from metrics.model import Pace, Unit
from metrics.reading import Column, Reading
from metrics.target import at_least, at_most

_LIVE = "Sums over the pools that live: KILL, RELOAD and the end of an unused automatic database take their share away."

transactions = total(
    "pgbouncer_stats_transactions_total", "Transactions, counted when they ask for a server.", note=_LIVE
)
queries = total("pgbouncer_stats_queries_total", "Queries, counted when they ask for a server.", note=_LIVE)
assignments = total("pgbouncer_stats_server_assignments_total", "Times that a client was given a server.")
received = total("pgbouncer_stats_received_bytes_total", "Bytes that clients sent.", Unit.BYTES)
sent = total("pgbouncer_stats_sent_bytes_total", "Bytes that clients were sent.", Unit.BYTES)
transaction_seconds = total(
    "pgbouncer_stats_transaction_seconds_total",
    "Time in transactions, waiting for a server included.",
    Unit.SECONDS,
    note="PgBouncer's own documents say that waiting is not in it; it is.",
)
query_seconds = total(
    "pgbouncer_stats_query_seconds_total",
    "Time in queries, waiting for a server included.",
    Unit.SECONDS,
    note="Includes the wait for a server, so that a full pool looks like slow queries.",
)
client_parses = total(
    "pgbouncer_stats_client_parses_total",
    "Statements that clients prepared.",
    note="Counted only while max_prepared_statements is over 0.",
)
server_parses = total(
    "pgbouncer_stats_server_parses_total",
    "Statements that PgBouncer prepared at servers.",
    note="Counted only while max_prepared_statements is over 0.",
)
binds = total("pgbouncer_stats_binds_total", "Prepared statements that clients made ready to run.")
logins = total(
    "pgbouncer_stats_client_logins_total", "Clients that logged in.", note="In versions after 1.25; not in 1.25 itself."
)

clients_active = gauge(
    "pgbouncer_pools_client_active_connections",
    "Clients with a server or without need of one.",
    BY_POOL,
    note="Counts idle clients too: not a measure of load.",
)
clients_waiting = gauge("pgbouncer_pools_client_waiting_connections", "Clients that wait for a server.", BY_POOL)
clients_cancelling = gauge(
    "pgbouncer_pools_client_cancel_connections", "Clients whose cancel was forwarded and not yet answered.", BY_POOL
)
clients_to_cancel = gauge(
    "pgbouncer_pools_client_waiting_cancel_connections", "Clients whose cancel waits to be forwarded.", BY_POOL
)
servers_active = gauge("pgbouncer_pools_server_active_connections", "Servers that serve a client.", BY_POOL)
servers_idle = gauge("pgbouncer_pools_server_idle_connections", "Servers ready for a client.", BY_POOL)
servers_used = gauge(
    "pgbouncer_pools_server_used_connections",
    "Idle servers to be checked before their next use.",
    BY_POOL,
    note='sv_used is not "in use": idle for longer than server_check_delay.',
)
servers_tested = gauge("pgbouncer_pools_server_testing_connections", "Servers being reset or checked.", BY_POOL)
servers_login = gauge("pgbouncer_pools_server_login_connections", "Servers logging in.", BY_POOL)
servers_cancelling = gauge("pgbouncer_pools_server_cancel_connections", "Servers forwarding a cancel.", BY_POOL)
servers_cancelled = gauge("pgbouncer_pools_server_canceled_connections", "Servers being cancelled.", BY_POOL)
_SHARED = (
    "Of user (max_db_connections) or database (max_user_connections): all pools that this setting holds down together."
)
servers_open = gauge(
    "pgbouncer_pools_server_open_connections", "Server connections in any state.", BY_POOL, note=_SHARED
)
servers_limit = gauge(
    "pgbouncer_pools_server_limit_connections",
    "The most servers of the pool: its size and reserve, or the setting that stops it earlier.",
    BY_POOL,
    note=f"Of the newest SHOW DATABASES, SHOW USERS and SHOW CONFIG, up to a minute old. {_SHARED}",
)
longest_wait = gauge(
    "pgbouncer_pools_client_longest_wait_seconds",
    "How long the first client in the queue has waited.",
    BY_POOL,
    Unit.SECONDS,
    note="maxwait and maxwait_us together; maxwait alone is 0 for the first second.",
)
session_mode = gauge("pgbouncer_pools_session_mode", "1 when the pool gives servers for whole sessions.", BY_POOL)

# Clients that come and go between two polls are in no gauge: so some more than are seen.
_WAITS = Pace(per_second=1.0, each=(clients_waiting, clients_active), earlier=longest_wait, slack=4.0, few=20.0)
wait_seconds = total(
    "pgbouncer_stats_wait_seconds_total",
    "Time that clients waited for a server, added when they got it.",
    Unit.SECONDS,
    note="Stands still while clients wait and jumps when they are served.",
    pace=_WAITS,
)

used_clients = gauge("pgbouncer_used_clients", "Client connections.", note="Looks at the console are among them.")
login_clients = gauge("pgbouncer_login_clients", "Client connections that are logging in.")
free_clients = gauge(
    "pgbouncer_free_clients", "Client slots allocated and free.", note="Not what is left of max_client_conn."
)
used_servers = gauge("pgbouncer_used_servers", "Server connections.")
free_servers = gauge("pgbouncer_free_servers", "Server slots allocated and free.")
pools = gauge("pgbouncer_pools", "Pools.", note="The console's own is among them.")
databases = gauge("pgbouncer_databases", "Databases.", note="The console's own is among them.")
users = gauge("pgbouncer_users", "Users.")
peers = gauge("pgbouncer_peers", "Peers that cancels are forwarded to.")
peer_pools = gauge("pgbouncer_peer_pools", "Pools of connections to peers.")
dns_names = gauge("pgbouncer_cached_dns_names", "Host names in the cache.")
dns_zones = gauge("pgbouncer_cached_dns_zones", "DNS zones in the cache.")
dns_queries = gauge("pgbouncer_in_flight_dns_queries", "Host names being looked up.")
dns_pending = gauge(
    "pgbouncer_pending_dns_queries", "Look-ups that wait to be sent.", note="PgBouncer does not use it."
)

_AVERAGES = "what avg_* means differs between versions, and its window is not ours"

POOLS = Reading(
    "SHOW POOLS",
    labels={"database": "database", "user": "user"},
    leave={"database": (CONSOLE,)},
    columns={
        "cl_active": clients_active,
        "cl_waiting": clients_waiting,
        "cl_active_cancel_req": Column(clients_cancelling, since=(1, 18)),
        "cl_waiting_cancel_req": Column(clients_to_cancel, since=(1, 18)),
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
    omitted={
        "maxwait": "with maxwait_us it is maxwait_seconds",
        "maxwait_us": "with maxwait it is maxwait_seconds",
        "pool_mode": "is_session says the one mode that matters to a ratio; pgbouncer_databases_info names it",
        "load_balance_hosts": "pgbouncer_databases_info names it",
        "cl_cancel_req": "1.16 and 1.17 only",
    },
)
"""sv_open, sv_limit, maxwait_seconds and is_session are made by the collector: sv_limit from SHOW DATABASES, and
from SHOW USERS since 1.23."""

STATS_TOTALS = Reading(
    "SHOW STATS_TOTALS",
    labels={"database": "database"},
    leave={"database": (CONSOLE,)},
    columns={
        "xact_count": transactions,
        "query_count": queries,
        "server_assignment_count": Column(assignments, since=(1, 23)),
        "bytes_received": received,
        "bytes_sent": sent,
        "xact_time": Column(transaction_seconds, scale=MICROSECONDS),
        "query_time": Column(query_seconds, scale=MICROSECONDS),
        "wait_time": Column(wait_seconds, scale=MICROSECONDS),
        "client_parse_count": Column(client_parses, since=(1, 24)),
        "server_parse_count": Column(server_parses, since=(1, 24)),
        "bind_count": Column(binds, since=(1, 24)),
        "client_login_count": Column(logins, since=(1, 26)),
    },
    omitted={"avg_*": _AVERAGES},
)
LISTS = Reading(
    "SHOW LISTS",
    columns={
        "databases": databases,
        "users": users,
        "peers": Column(peers, since=(1, 19)),
        "pools": pools,
        "peer_pools": Column(peer_pools, since=(1, 19)),
        "free_clients": free_clients,
        "used_clients": used_clients,
        "login_clients": login_clients,
        "free_servers": free_servers,
        "used_servers": used_servers,
        "dns_names": dns_names,
        "dns_zones": dns_zones,
        "dns_queries": dns_queries,
        "dns_pending": dns_pending,
    },
)
"""The collector makes one row of the server's many."""

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
    by=BY_DATABASE,
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
    by=BY_DATABASE,
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
    help="Server connections that are open, over the tightest limit they share.",
    advice="The limit is the pool's size and reserve, or the setting that is named: max_db_connections, "
    "max_user_connections. More than it allows are left of a larger one, or wait to be cancelled.",
    part=[servers_open],
    whole=[servers_limit],
    by=BY_POOL,
    clamp=False,
    target=at_most(1.0, window="1m", hold="2m"),
    beside=("pgbouncer_servers_in_use", "pgbouncer_servers_open", "pgbouncer_servers_limit"),
)
waiting_level = Level(
    name="pgbouncer_clients_waiting",
    title="Clients waiting",
    help="Clients that wait for a server.",
    by=BY_DATABASE,
    of=[clients_waiting],
)
active_level = Level(
    name="pgbouncer_clients_active",
    title="Clients active",
    help="Clients with a server or without need of one: PgBouncer counts idle clients too.",
    by=BY_DATABASE,
    of=[clients_active],
)
wait_level = Level(
    name="pgbouncer_longest_wait",
    title="Longest wait",
    help="How long the first client in a queue has waited.",
    by=BY_DATABASE,
    of=[longest_wait],
    highest=True,
)
in_use_level = Level(
    name="pgbouncer_servers_in_use",
    title="Servers in use",
    help="Server connections that serve a client, log in, or are checked or cancelled.",
    by=BY_POOL,
    of=[servers_active, servers_tested, servers_login, servers_cancelling, servers_cancelled],
)
open_level = Level(
    name="pgbouncer_servers_open",
    title="Servers open",
    help="Server connections in any state.",
    by=BY_POOL,
    of=[servers_open],
)
limit_level = Level(
    name="pgbouncer_servers_limit",
    title="Pool size and reserve",
    help="The most server connections of the pool.",
    by=BY_POOL,
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
    by=BY_DATABASE,
    of=[transactions],
)
query_rate = Rate(name="pgbouncer_queries", title="Queries", help="Queries per second.", by=BY_DATABASE, of=[queries])
wait_rate = Rate(
    name="pgbouncer_wait",
    title="Waiting",
    help="Seconds of waiting per second: how many clients waited at a time, on average.",
    by=BY_DATABASE,
    of=[wait_seconds],
)
receive_rate = Rate(
    name="pgbouncer_network_in",
    title="Network in",
    help="Bytes from clients per second.",
    by=BY_DATABASE,
    of=[received],
)
send_rate = Rate(
    name="pgbouncer_network_out", title="Network out", help="Bytes to clients per second.", by=BY_DATABASE, of=[sent]
)
