"""What every ``[[channel]]`` block of the config file has; each kind adds its own keys and its way to send.

ChannelError   a message could not be handed over; ``permanent`` when another try would end the same way
"""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

import alerts.channels
from alerts.message import Message
from metrics.alerting import SeverityWord
from metrics.duration import seconds

SEVERITIES: tuple[SeverityWord, ...] = ("info", "warning", "critical")
LONGEST_ERROR = 500


class ChannelError(Exception):
    """Carries what the receiver said, without any secret."""

    def __init__(self, text: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        """``retry_after``: seconds that the receiver asked to be left alone for."""
        super().__init__(text[:LONGEST_ERROR])
        self.permanent = permanent
        self.retry_after = retry_after


class Channel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """One way to reach somebody."""

    name: Annotated[
        str, Meta(description="What pages and [[alert]] blocks call it. Unique.", pattern=r"^[\w.-]{1,60}$")
    ]
    severities: Annotated[
        tuple[SeverityWord, ...], Meta(description="Which alerts go to it, where [[alert]] names no channels.")
    ] = ("warning", "critical")
    sources: Annotated[tuple[str, ...], Meta(description="Only alerts of these sources; of all when empty.")] = ()
    fallback: Annotated[str, Meta(description="Name of the channel that gets what could not be handed over here.")] = ""
    timeout: Annotated[str, Meta(description="When a try is cut off.")] = "10s"
    give_up: Annotated[str, Meta(description="After how long without success a message goes to fallback.")] = "1h"

    def __post_init__(self) -> None:
        """Refuse lengths that are none."""
        if not 0 < seconds(self.timeout) <= 60:
            raise ValueError(f'timeout = "{self.timeout}": expected more than nothing and at most 1m')
        if seconds(self.give_up) < seconds(self.timeout):
            raise ValueError(f'give_up = "{self.give_up}": expected at least one timeout')

    @property
    def kind(self) -> str:
        """The kind, as the config file writes it."""
        return str(self.__struct_config__.tag)

    def takes(self, severity: str, source: str) -> bool:
        """Whether an alert goes to it where nobody has named channels."""
        return severity in self.severities and (not self.sources or source in self.sources)

    def send(self, message: Message, context: "Context") -> str:
        """Hand one message over; what the receiver answered. Raises ChannelError."""
        raise NotImplementedError

    def secrets(self) -> Sequence[str]:
        """What must be in no error, log or page."""
        return ()

    def __repr__(self) -> str:
        """By name alone: nearly everything else of it may be a secret."""
        return f"{type(self).__name__}(name={self.name!r})"


class Context(Struct, frozen=True, kw_only=True):
    """What a channel needs to know beside the message.

    delivery      the same for every try, for receivers that drop what they have already
    deadline      a time of time.monotonic() by which the try has to end
    external_url  where people reach the pages; empty: no links
    zone          of the times in a message
    networks      private networks that may be reached
    """

    delivery: str
    deadline: float
    external_url: str = ""
    zone: str = "UTC"
    networks: tuple[str, ...] = ()


def channel_types() -> dict[str, type[Channel]]:
    """The kinds of channel, found by walking alerts/channels/: there is no list to forget one in."""
    found = {}
    for module in pkgutil.iter_modules(alerts.channels.__path__):
        loaded = importlib.import_module(f"{alerts.channels.__name__}.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, Channel) and value.__module__ == loaded.__name__:
                found[str(value.__struct_config__.tag)] = value
    return found
