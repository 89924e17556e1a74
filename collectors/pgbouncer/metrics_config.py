"""SHOW CONFIG: the limits that ratios need as metrics of their own, every other number and switch by its name."""

from collectors.pgbouncer.declare import gauge
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

max_clients = gauge("pgbouncer_config_max_client_connections", "max_client_conn.")
max_user_connections = gauge("pgbouncer_config_max_user_connections", "max_user_connections; 0: no limit.")
default_pool_size = gauge("pgbouncer_config_default_pool_size", "default_pool_size.")
min_pool_size = gauge("pgbouncer_config_min_pool_size", "min_pool_size.")
reserve_pool_size = gauge("pgbouncer_config_reserve_pool_size", "reserve_pool_size.")
max_db_connections = gauge("pgbouncer_config_max_db_connections", "max_db_connections; 0: no limit.")
max_prepared_statements = gauge(
    "pgbouncer_config_max_prepared_statements",
    "max_prepared_statements; 0: prepared statements are not followed.",
    note="0 by default until 1.23, 200 since.",
)
query_wait_timeout = gauge(
    "pgbouncer_config_query_wait_timeout_seconds", "How long a query waits for a server at most.", unit=Unit.SECONDS
)
setting = gauge(
    "pgbouncer_setting",
    "Every setting that is a number or a switch, in the unit of the file.",
    ("name",),
    note="unix_socket_mode is decimal here: 511 is 0777.",
)
settings_differing = gauge(
    "pgbouncer_settings_differing",
    "Settings that are not as they are by default.",
    note="Since 1.12, which show the default; settings whose default is unknown are not among them.",
)

CONFIG = Reading(
    "SHOW CONFIG",
    tier=Tier.MEDIUM,
    columns={
        "max_client_conn": max_clients,
        "max_user_connections": max_user_connections,
        "default_pool_size": default_pool_size,
        "min_pool_size": min_pool_size,
        "reserve_pool_size": reserve_pool_size,
        "max_db_connections": max_db_connections,
        "max_prepared_statements": Column(max_prepared_statements, since=(1, 21)),
        "query_wait_timeout": query_wait_timeout,
        "differing": settings_differing,
    },
    omitted={"*": "numbers and switches are pgbouncer_setting, texts are records where they are not as by default"},
)
"""The collector makes one row of the server's many, and counts ``differing`` itself."""

SETTINGS = Reading(
    "SHOW CONFIG",
    tier=Tier.SLOW,
    labels={"key": "name"},
    columns={"value": setting},
    omitted={
        "default": "what differs from it is a record",
        "changeable": "whether RELOAD is enough is in PgBouncer's documents",
    },
)
