"""How Redis' metrics are declared, in few words."""

from typing import Unpack

from metrics.model import Believable, Kind, Metric, Unit

COUNT, SECONDS, BYTES, RATIO = Unit.COUNT, Unit.SECONDS, Unit.BYTES, Unit.RATIO

EPOCH = "redis_run"
"""Made of INFO's run_id. CONFIG RESETSTAT leaves it alone and is seen by counters that fall."""


def counter(
    name: str,
    help: str,  # noqa: A002 - the field's own name
    unit: Unit = COUNT,
    labels: tuple[str, ...] = (),
    note: str = "",
    **believable: Unpack[Believable],
) -> Metric:
    """A counter that begins anew with the server."""
    return Metric(
        name=name, kind=Kind.COUNTER, unit=unit, help=help, labels=labels, epoch=EPOCH, note=note, **believable
    )


def gauge(
    name: str,
    help: str,  # noqa: A002
    unit: Unit = COUNT,
    labels: tuple[str, ...] = (),
    note: str = "",
    **believable: Unpack[Believable],
) -> Metric:
    """A gauge."""
    return Metric(name=name, kind=Kind.GAUGE, unit=unit, help=help, labels=labels, note=note, **believable)
