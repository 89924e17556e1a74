"""INFO commandstats, errorstats and latencystats, and LATENCY: what is run, how long it takes, what fails."""

from collectors.redis.declare import EPOCH, SECONDS, counter, gauge
from metrics.forms import Quantile, Rate, Ratio
from metrics.model import Kind, Metric, Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

CMD = ("cmd",)

calls = counter("redis_commands_total", "Calls of a command, also those of this collector.", labels=CMD)
seconds = counter("redis_commands_duration_seconds_total", "Time of its calls, waiting left out.", SECONDS, CMD)
rejected_calls = counter(
    "redis_commands_rejected_calls_total", "Calls refused before they began: NOPERM, OOM, wrong arguments.", labels=CMD
)
failed_calls = counter("redis_commands_failed_calls_total", "Calls that ended in an error.", labels=CMD)

COMMANDS = Reading(
    "INFO commandstats",
    labels={"cmd": "cmd"},
    columns={
        "calls": calls,
        "usec": Column(seconds, scale=1e-6),
        "rejected_calls": rejected_calls,
        "failed_calls": failed_calls,
    },
    omitted={"usec_per_call": "a mean since the start; usec over calls is that of any window"},
    tier=Tier.MEDIUM,
)
"""The busiest commands and "(rest)"."""

errors = counter("redis_errors_total", "Errors given as answers, by their first word.", labels=("err",))
ERRORS = Reading("INFO errorstats", labels={"err": "err"}, columns={"count": errors}, tier=Tier.MEDIUM, since=(6, 2))

percentile = gauge(
    "redis_command_latency_percentile_seconds",
    "Duration that a share of a command's calls stayed under, since the start.",
    SECONDS,
    ("cmd", "quantile"),
    note="Of all calls since the start or CONFIG RESETSTAT: for a window take redis_command_latency_seconds.",
)
LATENCIES = Reading(
    "INFO latencystats",
    labels={"cmd": "cmd", "quantile": "quantile"},
    columns={"usec": Column(percentile, scale=1e-6)},
    tier=Tier.MEDIUM,
    since=(7, 0),
)
"""One row for each command and percentile, as latency-tracking-info-percentiles names them."""

latency = Metric(
    name="redis_command_latency_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    help="Duration of a command's calls.",
    labels=CMD,
    epoch=EPOCH,
    note="Edges are those of LATENCY HISTOGRAM, each twice the one before; calls over 1 s are in the last.",
)
HISTOGRAM = Reading("LATENCY HISTOGRAM", columns={}, tier=Tier.MEDIUM, since=(7, 0))
"""Its answer is no table: histogram.py makes the samples."""

EVENT = ("event",)
LATEST = Reading(
    "LATENCY LATEST",
    labels={"event": "event"},
    columns={
        "at": gauge("redis_latency_event_last_seconds", "When it happened last, of the epoch.", SECONDS, EVENT),
        "last": Column(
            gauge("redis_latency_event_seconds", "How long Redis stood still then.", SECONDS, EVENT), scale=1e-3
        ),
        "max": Column(
            gauge("redis_latency_event_max_seconds", "The longest it ever did for this.", SECONDS, EVENT), scale=1e-3
        ),
    },
    tier=Tier.MEDIUM,
)
"""Empty unless latency-monitor-threshold is set."""

slow_commands = counter("redis_slow_commands_total", "Commands that took longer than slowlog-log-slower-than.")
slowlog_id = gauge("redis_slowlog_last_id", "Number of the newest entry of the slow log; 0 when it is empty.")
slowest_last = gauge(
    "redis_last_slow_execution_duration_seconds", "What the newest entry took; 0 when the log is empty.", SECONDS
)
SLOW = Reading(
    "SLOWLOG GET",
    columns={"entries": slow_commands, "id": slowlog_id, "usec": Column(slowest_last, scale=1e-6)},
    omitted={"*": "the entries are records, not numbers"},
    tier=Tier.MEDIUM,
)

command_calls = Rate(
    name="redis_command_calls", title="Calls by command", help="Calls of a command per second.", by=CMD, of=[calls]
)
command_time = Rate(
    name="redis_command_time",
    title="Time by command",
    help="Share of one core that a command's calls take.",
    by=CMD,
    of=[seconds],
)
command_mean = Ratio(
    name="redis_command_mean",
    title="Mean by command",
    help="Mean duration of a command's calls.",
    by=CMD,
    part=[seconds],
    whole=[calls],
    measure=Unit.SECONDS,
)
command_p99 = Quantile(
    name="redis_command_p99",
    title="p99 by command",
    help="Duration that 99 of 100 calls of a command stay under.",
    by=CMD,
    of=latency,
    q=0.99,
    absent="LATENCY HISTOGRAM needs Redis 7.0, latency-tracking and the right to run it.",
)
p99 = Quantile(
    name="redis_p99",
    title="Command p99",
    help="Duration that 99 of 100 calls stay under.",
    of=latency,
    q=0.99,
    absent="LATENCY HISTOGRAM needs Redis 7.0, latency-tracking and the right to run it.",
)
command_errors = Rate(
    name="redis_command_errors", title="Errors by kind", help="Errors given per second.", by=("err",), of=[errors]
)
slow_rate = Rate(
    name="redis_slow_commands",
    title="Slow commands",
    help="Commands per second that were slower than slowlog-log-slower-than.",
    of=[slow_commands],
)

LARGE = {
    kind: counter(f"redis_{kind.replace('-', '_')}s_total", text)
    for kind, text in (
        ("large-request", "Commands larger than commandlog-request-larger-than (Valkey 8.1)."),
        ("large-reply", "Answers larger than commandlog-reply-larger-than (Valkey 8.1)."),
    )
}
COMMANDLOG = Reading("COMMANDLOG GET", columns={**LARGE}, tier=Tier.MEDIUM, since=(99,))
