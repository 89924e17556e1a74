"""SHOW DATABASES and SHOW USERS: limits, and how near to them."""

from collectors.pgbouncer.declare import BY_DATABASE, CONSOLE, gauge
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

_REST = "Of (rest): how many."

pool_size = gauge("pgbouncer_databases_pool_size", "Pool size of each user of the database.", BY_DATABASE)
min_pool_size = gauge(
    "pgbouncer_databases_min_pool_size", "Servers of each user that are kept open at least.", BY_DATABASE
)
reserve_size = gauge("pgbouncer_databases_reserve_size", "Reserve of each user of the database.", BY_DATABASE)
server_lifetime = gauge(
    "pgbouncer_databases_server_lifetime_seconds",
    "How long a server connection is used.",
    BY_DATABASE,
    Unit.SECONDS,
    note="Before 1.23 it is the one setting.",
)
connections = gauge("pgbouncer_databases_current_connections", "Server connections to the database.", BY_DATABASE)
max_connections = gauge(
    "pgbouncer_databases_max_connections", "Most server connections to the database; 0: no limit.", BY_DATABASE
)
clients = gauge("pgbouncer_databases_current_client_connections", "Clients of the database.", BY_DATABASE)
max_clients_of = gauge(
    "pgbouncer_databases_max_client_connections",
    "Most clients of the database; 0: no limit.",
    BY_DATABASE,
)
paused = gauge(
    "pgbouncer_databases_paused",
    "1 while the database is paused.",
    BY_DATABASE,
    note=f"A PAUSE of all is not seen here but in pgbouncer_state. {_REST}",
)
disabled = gauge("pgbouncer_databases_disabled", "1 while the database is disabled.", BY_DATABASE, note=_REST)
info = gauge(
    "pgbouncer_databases_info",
    "Always 1: what a database of PgBouncer's stands for.",
    ("database", "host", "port", "server_database", "force_user", "pool_mode", "load_balance_hosts"),
)

user_connections = gauge("pgbouncer_users_current_connections", "Server connections of the user.", ("user",))
user_max_connections = gauge(
    "pgbouncer_users_max_connections", "Most server connections of the user; 0: no limit.", ("user",)
)
user_clients = gauge(
    "pgbouncer_users_current_client_connections",
    "Clients of the user.",
    ("user",),
    note="Trivet's own look at the console is one of its user's.",
)
user_max_clients = gauge("pgbouncer_users_max_client_connections", "Most clients of the user; 0: no limit.", ("user",))
user_pool_size = gauge("pgbouncer_users_pool_size", "The user's own pool size, where it has one.", ("user",))
user_reserve = gauge("pgbouncer_users_reserve_size", "The user's own reserve, where it has one.", ("user",))

DATABASES = Reading(
    "SHOW DATABASES",
    tier=Tier.MEDIUM,
    labels={"name": "database"},
    leave={"name": (CONSOLE,)},
    columns={
        "pool_size": pool_size,
        "min_pool_size": min_pool_size,
        "reserve_pool": Column(reserve_size, before=(1, 24)),
        "reserve_pool_size": Column(reserve_size, since=(1, 24)),
        "server_lifetime": Column(server_lifetime, since=(1, 23)),
        "current_connections": connections,
        "max_connections": max_connections,
        "current_client_connections": Column(clients, since=(1, 24)),
        "max_client_connections": Column(max_clients_of, since=(1, 24)),
        "paused": paused,
        "disabled": disabled,
    },
    omitted=dict.fromkeys(
        ("host", "port", "database", "force_user", "pool_mode", "load_balance_hosts"), "a label of the info metric"
    ),
)
DATABASES_INFO = Reading(
    "SHOW DATABASES",
    tier=Tier.MEDIUM,
    labels={
        "name": "database",
        "host": "host",
        "port": "port",
        "database": "server_database",
        "force_user": "force_user",
        "pool_mode": "pool_mode",
        "load_balance_hosts": "load_balance_hosts",
    },
    leave={"name": (CONSOLE,)},
    columns={"one": info},
    omitted={"*": "they are metrics of their own"},
)
"""``one`` is made by the collector: it is 1."""

USERS = Reading(
    "SHOW USERS",
    tier=Tier.MEDIUM,
    labels={"name": "user"},
    leave={"name": (CONSOLE,)},
    columns={
        "pool_size": Column(user_pool_size, since=(1, 23)),
        "reserve_pool_size": Column(user_reserve, since=(1, 24)),
        "current_connections": Column(user_connections, since=(1, 23)),
        "max_user_connections": Column(user_max_connections, since=(1, 23)),
        "current_client_connections": Column(user_clients, since=(1, 24)),
        "max_user_client_connections": Column(user_max_clients, since=(1, 24)),
    },
    since=(1, 23),
    omitted={"pool_mode": "a user's own mode is in the pools' is_session"},
)
