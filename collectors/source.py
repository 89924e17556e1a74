"""What every ``[[source]]`` block of the config file has; each kind adds its own fields in ``<kind>/source.py``."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, structs

from collectors.failed import Disconnected
from metrics.duration import seconds
from metrics.poll import ErrorClass

LONGEST_DEADLINE = 8.0
DEADLINE_SHARE = 0.8
_SECRETS = ("password", "token")


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """One monitored server."""

    name: Annotated[
        str, Meta(description="What pages, alerts and series call it. Unique.", min_length=1, max_length=100)
    ]
    interval: Annotated[str, Meta(description="How often it is asked, such as 10s.")] = "10s"
    deadline: Annotated[
        str, Meta(description="When a poll is cut off; 0.8 of the interval and 8 s at most when empty.")
    ] = ""
    max_series: Annotated[
        int, Meta(description="Most series; of more, the busiest are kept and the others are summed up.", ge=200)
    ] = 2000
    tags: Annotated[
        dict[str, str], Meta(description='Words to tell it by, such as { environment = "production" }.')
    ] = {}
    behind: Annotated[
        tuple[str, ...],
        Meta(description="Names of sources that this one stands on: while one is down, only that is told."),
    ] = ()
    bounds: Annotated[
        dict[str, float], Meta(description="Bounds of targets in place of the built-in ones, by the target's name.")
    ] = {}

    def __post_init__(self) -> None:
        """Refuse times that are none, or that do not fit each other."""
        if self.every < 1:
            raise ValueError(f'interval = "{self.interval}": expected at least 1s')
        if not 0 < self.limit <= self.every:
            raise ValueError(f'deadline = "{self.deadline}": expected more than nothing and no more than the interval')

    @property
    def kind(self) -> str:
        """The kind, as the config file writes it."""
        return str(self.__struct_config__.tag)

    @property
    def address(self) -> str:
        """Where it is, as a page may show it: host and port, a socket or a URL; never an account."""
        place = structs.asdict(self)
        return str(place.get("socket") or place.get("url") or f"{place.get('host', '')}:{place.get('port', '')}")

    @property
    def every(self) -> float:
        """The interval in seconds."""
        return seconds(self.interval)

    @property
    def limit(self) -> float:
        """The deadline in seconds."""
        return seconds(self.deadline) if self.deadline else min(DEADLINE_SHARE * self.every, LONGEST_DEADLINE)

    def __repr__(self) -> str:
        """Without secrets, so that it may stand in an error."""
        shown = (
            f"{key}={'…' if key in _SECRETS and value else repr(value)}" for key, value in structs.asdict(self).items()
        )
        return f"{type(self).__name__}({', '.join(shown)})"


def secret(value: str, file: str) -> str:
    """A secret given as such or by its file, which is read at each connect so that a changed one is taken up.

    Raises Disconnected when the file cannot be read.
    """
    if not file:
        return value
    try:
        return Path(file).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        hint = f"Let Trivet's account read {file}, which holds the secret and nothing else."
        raise Disconnected(ErrorClass.AUTH, f"the secret cannot be read: {error}", hint) from None


def one_of(value: str, file: str, name: str) -> None:
    """Refuse a secret that is given twice."""
    if value and file:
        raise ValueError(f"{name} and {name}_file are both set: one of them is enough")


Port = Annotated[int, Meta(ge=1, le=65535)]
