"""How this folder's metrics are declared, in few words."""

from collections.abc import Sequence
from typing import Unpack

from metrics.model import Believable, Kind, Metric, Unit

CONSOLE = "pgbouncer"
"""The pseudo database that looks at PgBouncer, ours among them, are counted in."""

MICROSECONDS = 1e-6
START = "pgbouncer_start"
"""The mark of a PgBouncer's start, as far as it can be told: see restarts.py."""

BY_DATABASE = ("database",)
BY_POOL = ("database", "user")


def total(
    name: str,
    help: str,  # noqa: A002 - the field's own name
    unit: Unit = Unit.COUNT,
    labels: Sequence[str] = BY_DATABASE,
    note: str = "",
    **believable: Unpack[Believable],
) -> Metric:
    """A counter of the process, of one database unless said otherwise."""
    return Metric(
        name=name, kind=Kind.COUNTER, unit=unit, help=help, labels=tuple(labels), epoch=START, note=note, **believable
    )


def gauge(
    name: str,
    help: str,  # noqa: A002 - the field's own name
    labels: Sequence[str] = (),
    unit: Unit = Unit.COUNT,
    note: str = "",
    **believable: Unpack[Believable],
) -> Metric:
    """A gauge."""
    return Metric(name=name, kind=Kind.GAUGE, unit=unit, help=help, labels=tuple(labels), note=note, **believable)
