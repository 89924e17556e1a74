"""What the aliases of postgres_exporter's families have in common."""

from collections.abc import Mapping

from collectors.postgres import metrics_database as database
from collectors.postgres import metrics_replication as replication
from metrics.alias import Alias
from metrics.model import Metric

Beside = Mapping[str, tuple[Metric, str]]

SERVER: Beside = {"server": (replication.info, "server")}
DATID: Beside = {"datid": (database.oid, "")}
DATABASE = {"database": "datname"}


def plain(names: Mapping[str, Metric], kind: str, beside: Beside, scale: float = 1.0) -> tuple[Alias, ...]:
    """Families of one series each."""
    return tuple(
        Alias(name=name, kind=kind, help=metric.help, of=metric, beside=beside, scale=scale)
        for name, metric in names.items()
    )
