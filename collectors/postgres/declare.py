"""How this folder's metrics are declared, in few words."""

from collections.abc import Sequence
from typing import Unpack

from metrics.model import Believable, Kind, Metric, Unit

EPOCH = "postgres"
MILLISECONDS = 1e-3
BY_DATABASE = ("database",)


def total(
    name: str,
    help: str,  # noqa: A002 - the field's own name
    labels: Sequence[str] = (),
    unit: Unit = Unit.COUNT,
    note: str = "",
    **believable: Unpack[Believable],
) -> Metric:
    """A counter of the server, which its start, a crash or a reset of statistics sets back."""
    return Metric(
        name=name, kind=Kind.COUNTER, unit=unit, help=help, labels=tuple(labels), epoch=EPOCH, note=note, **believable
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
