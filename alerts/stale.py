"""The one rule that no sample can break: that samples come at all, by a clock that no one sets."""

from metrics.forms import Ratio
from metrics.model import Kind, Metric, Unit
from metrics.target import Severity, at_most
from metrics.watch import POLL_INTERVAL

POLL_AGE = Metric(
    name="trivet_poll_age_seconds",
    kind=Kind.GAUGE,
    unit=Unit.SECONDS,
    help="How old the newest poll of the source is.",
)
source_stale = Ratio(
    name="source_stale",
    title="Source is polled",
    help="Age of the newest poll, in intervals: beyond three nothing is known of the source.",
    advice="See whether `trivet collect` runs and can write: its log and Status say why not.",
    part=[POLL_AGE],
    whole=[POLL_INTERVAL.having("tier", "fast")],
    measure=Unit.COUNT,
    clamp=False,
    alert=at_most(3, hold="0s", keep="0s", severity=Severity.CRITICAL),
)
