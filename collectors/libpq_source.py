"""What sources that are reached by libpq have in common."""

from typing import Annotated, Literal

from msgspec import Meta

from collectors.source import Source, one_of

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class LibpqSource(Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Address, account and TLS as libpq knows them."""

    host: Annotated[str, Meta(description="Host name or address, or the folder of a unix socket.")] = "127.0.0.1"
    user: Annotated[str, Meta(description="Role to log in as.", min_length=1)]
    password: Annotated[str, Meta(description="Its password; better ${NAME} from the environment than in clear.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the password and nothing else.")] = ""
    sslmode: Annotated[
        SslMode, Meta(description="disable, allow, prefer, require, verify-ca or verify-full, as libpq means them.")
    ] = "prefer"
    sslrootcert: Annotated[str, Meta(description="File of the certificate authorities to trust.")] = ""
    sslcert: Annotated[str, Meta(description="File of our own certificate.")] = ""
    sslkey: Annotated[str, Meta(description="File of its key.")] = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        super().__post_init__()
        one_of(self.password, self.password_file, "password")
