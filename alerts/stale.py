"""The rules that no sample can break: that samples come at all, by a clock that no one sets."""

from metrics.forms import Level, Ratio
from metrics.model import Kind, Metric, Unit
from metrics.target import Severity, at_least, at_most
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

SOURCES_SEEN = Metric(
    name="trivet_sources_seen",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    help="Sources that answer; one that was lost alone counts as well, for it is told of by itself.",
)
trivet_cannot_see = Level(
    name="trivet_cannot_see",
    title="Trivet sees its sources",
    help="All sources were lost at once: it is more likely that Trivet cannot reach them than that all are down.",
    advice="See whether `trivet collect` runs, and its machine's network and names: nothing else is told meanwhile.",
    of=[SOURCES_SEEN],
    # What comes back first must not make alerts of those that come back some seconds later.
    alert=at_least(1, hold="0s", keep="1m", severity=Severity.CRITICAL),
)
