"""What the config file says of alerts: [alerts] and [[alert]]. Channels have types of their own."""

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from metrics.duration import seconds

SeverityWord = Literal["info", "warning", "critical"]
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
HOURS = re.compile(rf"({_CLOCK})-({_CLOCK}|24:00)")


class Alerting(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[alerts]``: when to repeat, when to be quiet, and who watches the watcher."""

    repeat: Annotated[str, Meta(description="How often an alert that goes on is told again; 0s for never.")] = "4h"
    group: Annotated[
        str, Meta(description="How long further alerts of a channel wait for one another after a message.")
    ] = "30s"
    escalate_after: Annotated[
        str, Meta(description="When an alert that nobody acknowledged goes to escalate_to as well; 0s for never.")
    ] = "0s"
    escalate_to: Annotated[str, Meta(description="Name of the channel that it goes to then.")] = ""
    zone: Annotated[
        str, Meta(description="Time zone of quiet hours and of times in messages, such as Europe/Berlin.")
    ] = "UTC"
    quiet: Annotated[
        str, Meta(description="Hours in which less severe alerts wait, such as 22:00-07:00; never when empty.")
    ] = ""
    quiet_severities: Annotated[tuple[SeverityWord, ...], Meta(description="Which alerts wait in quiet hours.")] = (
        "info",
        "warning",
    )
    heartbeat_url: Annotated[
        str, Meta(description="Asked after each whole pass, so that somebody outside notices when they stop.")
    ] = ""
    heartbeat: Annotated[str, Meta(description="How often it is asked.")] = "1m"
    allow_networks: Annotated[
        tuple[str, ...],
        Meta(description="Private networks that channels may reach, such as 10.0.0.0/8; loopback too has to be named."),
    ] = ()

    def __post_init__(self) -> None:
        """Refuse a length, a zone or hours that are none."""
        for length in (self.repeat, self.group, self.escalate_after, self.heartbeat):
            seconds(length)
        if self.quiet and not HOURS.fullmatch(self.quiet):
            raise ValueError(f'quiet = "{self.quiet}": expected two times of a day, such as 22:00-07:00')
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f'zone = "{self.zone}" is unknown: expected a name such as Europe/Berlin') from None


class Tuning(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[alert]]``: what is different for one rule, for one source or for all. Of several blocks the last wins."""

    rule: Annotated[
        str, Meta(description="Name of the rule, as `trivet alerts list` has it; all rules when empty.")
    ] = ""
    source: Annotated[str, Meta(description="Name of the source; all sources when empty.")] = ""
    off: Annotated[bool | None, Meta(description="Whether it is switched off.")] = None
    bound: Annotated[float | None, Meta(description="Its bound, in base units (seconds, shares of 1).")] = None
    recover: Annotated[float | None, Meta(description="The value that ends it.")] = None
    window: Annotated[str | None, Meta(description="How far one judgement looks back.")] = None
    hold: Annotated[str | None, Meta(description="How long a miss has to last.")] = None
    keep: Annotated[str | None, Meta(description="How long it has to be well again.")] = None
    traffic: Annotated[float | None, Meta(description="Least volume in the window.")] = None
    severity: Annotated[SeverityWord | None, Meta(description="info, warning or critical.")] = None
    channels: Annotated[
        tuple[str, ...] | None,
        Meta(description="Names of the channels it goes to, in place of those for its severity."),
    ] = None

    def __post_init__(self) -> None:
        """Refuse a length that is none."""
        for length in (self.window, self.hold, self.keep):
            if length is not None:
                seconds(length)
        if self.traffic is not None and self.traffic < 0:
            raise ValueError(f"traffic = {self.traffic:g}: expected 0 or more")

    def speaks_of(self, rule: str, source: str) -> bool:
        """Whether the block is about a rule and a source.

        >>> Tuning(rule="redis_hit_rate").speaks_of("redis_hit_rate", "cache"), Tuning(source="a").speaks_of("x", "b")
        (True, False)
        """
        return self.rule in ("", rule) and self.source in ("", source)
