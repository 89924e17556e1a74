"""What Trivet reports of its own polls: series like any other, so that gaps explain themselves."""

from metrics.forms import Level
from metrics.model import Kind, Metric, Unit
from metrics.target import Severity, at_least, at_most

EPOCH = Metric(
    name="trivet_source_epoch",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="Mark of a server's start or reset: when it changes, counters began anew.",
    labels=("epoch",),
)
UP = Metric(
    name="trivet_source_up",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="1 when the last poll of the source got an answer, 0 when it failed.",
)
POLL_SECONDS = Metric(
    name="trivet_poll_duration_seconds",
    kind=Kind.GAUGE,
    unit=Unit.SECONDS,
    help="How long the poll took, failed or not.",
    labels=("tier",),
)
POLL_LAG = Metric(
    name="trivet_poll_lag_seconds",
    kind=Kind.GAUGE,
    unit=Unit.SECONDS,
    help="How much later than planned the poll began.",
    labels=("tier",),
)
POLL_INTERVAL = Metric(
    name="trivet_poll_interval_seconds",
    kind=Kind.GAUGE,
    unit=Unit.SECONDS,
    help="How often the source is polled: doubled while a poll takes more than a twentieth of it.",
    labels=("tier",),
)
SERIES_LEFT_OUT = Metric(
    name="trivet_series_left_out",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="Rows that max_series kept from having series of their own; they are part of a rest.",
    labels=("tier",),
)
POLLS_MISSED = Metric(
    name="trivet_polls_missed_total",
    kind=Kind.COUNTER,
    unit=Unit.COUNT,
    help="Polls that were due and did not happen, because the one before was still running or the collector was late.",
)
POLL_ERRORS = Metric(
    name="trivet_poll_errors_total",
    kind=Kind.COUNTER,
    unit=Unit.COUNT,
    help="Polls or single readings that failed, by class of error.",
    labels=("error",),
)
VALUES_REFUSED = Metric(
    name="trivet_values_refused_total",
    kind=Kind.COUNTER,
    unit=Unit.COUNT,
    help="Values that were not kept because they cannot be true, came twice, leapt, or were no number.",
    labels=("reason",),
)
source_up = Level(
    name="source_up",
    title="Source answers",
    help="Whether the last poll of the source got an answer.",
    advice="Status has the error and the line that mends it; what hangs on this source is not judged meanwhile.",
    of=[UP],
    alert=at_least(1, hold="30s", keep="20s", severity=Severity.CRITICAL),
)
collector_late = Level(
    name="collector_late",
    title="Polls are late",
    help="How much later than planned polls begin.",
    advice="The machine of the collector is busy, or has too many slow sources: see its load and how long polls take.",
    of=[POLL_LAG],
    highest=True,
    alert=at_most(2, hold="2m", recover=1, severity=Severity.WARNING),
)
