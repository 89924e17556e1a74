"""What the judge found, as series like any other: so that pages read it instead of computing it anew."""

from metrics.model import Kind, Metric, Unit

LABEL = "target"
"""The label that names the form; beside it are those that the form keeps."""

VALUE = Metric(
    name="trivet_target_value",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="Value of a target or rule over its window, in its own base unit.",
    labels=(LABEL,),
    least=float("-inf"),
)
PART = Metric(
    name="trivet_target_part",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="What a ratio's value was divided from: the upper sum.",
    labels=(LABEL,),
    least=float("-inf"),
)
WHOLE = Metric(
    name="trivet_target_whole",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="The same: the lower sum.",
    labels=(LABEL,),
    least=float("-inf"),
)
VOLUME = Metric(
    name="trivet_target_volume",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="What counted as traffic in the window.",
    labels=(LABEL,),
)
MET = Metric(
    name="trivet_target_met",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="1 where a target is met, 0 where it is missed; nothing where it is unknown.",
    labels=(LABEL,),
)
FIRING = Metric(
    name="trivet_alert_firing",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="1 while an alert fires.",
    labels=(LABEL,),
)
SPENT = Metric(
    name="trivet_target_seconds_total",
    kind=Kind.COUNTER,
    unit=Unit.SECONDS,
    help="Time that was judged, by what was found: met, missed or unknown.",
    labels=(LABEL, "state"),
)
