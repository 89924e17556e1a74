"""``[[source]]`` of kind api."""

from typing import Annotated

from msgspec import Meta

from collectors.source import Source, one_of


class ApiSource(Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="api"):
    """An HTTP API, by its page of Prometheus metrics."""

    url: Annotated[
        str,
        Meta(
            description="Its page of metrics in Prometheus' text format.",
            pattern=r"^https?://[^\s/?#@]+(/[^\s#]*)?$",
        ),
    ]
    token: Annotated[str, Meta(description="Bearer token; better ${NAME} from the environment than in clear.")] = ""
    token_file: Annotated[str, Meta(description="File that holds the token and nothing else.")] = ""
    ca_file: Annotated[str, Meta(description="File of the certificate authorities to trust.")] = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        super().__post_init__()
        one_of(self.token, self.token_file, "token")
