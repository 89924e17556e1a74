"""SHOW CLIENTS and SHOW SERVERS, counted by who they are: the rows themselves are too many to keep."""

from collectors.pgbouncer.declare import BY_DATABASE, gauge, total
from collectors.pgbouncer.metrics import transactions
from metrics.forms import Level, Ratio
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Reading

_WHO = ("database", "user", "application")
_APPLICATION = "application_name is what the client says, cut at 64 characters; with application_name_add_host the"
_APPLICATION += " address is in it."

clients = gauge(
    "pgbouncer_clients_connections",
    "Client connections by who they are and their state.",
    (*_WHO, "state"),
    note=f'{_APPLICATION} Idle clients are "active" before 1.25.',
)
client_wait = gauge(
    "pgbouncer_clients_longest_wait_seconds",
    "How long the first of these clients has waited for a server so far; 0 when none waits.",
    _WHO,
    Unit.SECONDS,
    note="A look a minute: short waits are in pgbouncer_stats_wait_seconds_total.",
)
client_statements = gauge(
    "pgbouncer_clients_prepared_statements",
    "Prepared statements that clients have.",
    BY_DATABASE,
)
client_age = gauge(
    "pgbouncer_clients_mean_age_seconds", "Mean age of the client connections.", BY_DATABASE, Unit.SECONDS
)
unencrypted = gauge("pgbouncer_clients_unencrypted_connections", "Clients without TLS.", BY_DATABASE)

servers = gauge(
    "pgbouncer_servers_connections",
    "Server connections by who uses them and their state.",
    (*_WHO, "state"),
    note="application_name is that of the client which was served last.",
)
server_age = gauge(
    "pgbouncer_servers_mean_age_seconds", "Mean age of the server connections.", BY_DATABASE, Unit.SECONDS
)
server_oldest = gauge(
    "pgbouncer_servers_oldest_age_seconds", "Age of the oldest server connection.", BY_DATABASE, Unit.SECONDS
)
server_statements = gauge(
    "pgbouncer_servers_prepared_statements",
    "Statements that PgBouncer keeps prepared at servers.",
    BY_DATABASE,
)
server_closing = gauge(
    "pgbouncer_servers_closing_connections", "Server connections to be closed after their use.", BY_DATABASE
)
opened = total(
    "pgbouncer_servers_opened_total",
    "Server connections seen for the first time.",
    note="A look a minute: those that came and went in between are not counted, so reuse is lower than it seems.",
)

_FIRST = dict.fromkeys(("addr", "port", "local_addr", "local_port"), "of one connection: a client list is no series")
_LEFT = {
    **_FIRST,
    "type": "C or S: the statement says it",
    "connect_time": "ages are made of it",
    "request_time": "of one connection; the console's own says what time it is there",
    "wait": "with wait_us it is the longest wait",
    "wait_us": "with wait it is the longest wait",
    "ptr": "tells connections apart while they are counted",
    "link": "of one connection",
    "remote_pid": "of one connection",
    "tls": "whether there is one is counted",
    "id": "of one connection",
    "replication": "few have any",
    "close_needed": "counted for servers",
    "prepared_statements": "summed by database",
}

CLIENTS = Reading(
    "SHOW CLIENTS",
    tier=Tier.MEDIUM,
    labels={"database": "database", "user": "user", "application_name": "application", "state": "state"},
    columns={"count": clients},
    omitted=_LEFT,
)
WAITS = Reading(
    "SHOW CLIENTS",
    tier=Tier.MEDIUM,
    labels={"database": "database", "user": "user", "application_name": "application"},
    columns={"wait_seconds": client_wait},
    omitted={"*": "another reading of the same rows"},
)
CLIENT_SUMS = Reading(
    "SHOW CLIENTS",
    tier=Tier.MEDIUM,
    labels={"database": "database"},
    columns={"statements": client_statements, "mean_age": client_age, "unencrypted": unencrypted},
    omitted={"*": "another reading of the same rows"},
)
SERVERS = Reading(
    "SHOW SERVERS",
    tier=Tier.MEDIUM,
    labels={"database": "database", "user": "user", "application_name": "application", "state": "state"},
    columns={"count": servers},
    omitted=_LEFT,
)
SERVER_SUMS = Reading(
    "SHOW SERVERS",
    tier=Tier.MEDIUM,
    labels={"database": "database"},
    columns={
        "statements": server_statements,
        "mean_age": server_age,
        "oldest_age": server_oldest,
        "closing": server_closing,
        "opened": opened,
    },
    omitted={"*": "another reading of the same rows"},
)
"""Of all five the collector makes the rows: the server gives one for each connection."""

reuse = Ratio(
    name="pgbouncer_connection_reuse",
    title="Transactions per connection",
    help="Transactions for each server connection that was opened: what pooling saves.",
    part=[transactions],
    whole=[opened],
    measure=Unit.COUNT,
    by=BY_DATABASE,
    clamp=False,
    absent="No server connection was opened in this time.",
)
applications_waiting = Level(
    name="pgbouncer_applications_longest_wait",
    title="Longest wait by application",
    help="How long the first client of an application has waited for a server so far.",
    by=("application",),
    of=[client_wait],
    highest=True,
)
applications_clients = Level(
    name="pgbouncer_applications_clients",
    title="Clients waiting by application",
    help="Clients of an application that wait for a server.",
    by=("application",),
    of=[clients.having("state", "waiting")],
    absent="No client of an application was seen waiting.",
)
