"""``[[source]]`` of kind redis."""

from typing import Annotated, Literal

from msgspec import Meta

from collectors.source import Port, Source, one_of


class RedisSource(Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="redis"):
    """A Redis or Valkey server; of a cluster, each node is a source."""

    host: Annotated[str, Meta(description="Host name or address.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Its port.")] = 6379
    socket: Annotated[str, Meta(description="Path of its unix socket, in place of host and port.")] = ""
    user: Annotated[str, Meta(description="ACL user; empty for the default user.")] = ""
    password: Annotated[str, Meta(description="Its password; better ${NAME} from the environment than in clear.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the password and nothing else.")] = ""
    tls: Annotated[bool, Meta(description="Whether to speak TLS (rediss); the certificate is always verified.")] = False
    ca_file: Annotated[str, Meta(description="File of the certificate authorities to trust.")] = ""
    cert_file: Annotated[str, Meta(description="File of our own certificate.")] = ""
    key_file: Annotated[str, Meta(description="File of its key.")] = ""

    config: Annotated[
        Literal["auto", "on", "off"],
        Meta(description="CONFIG GET, for changed settings and never for passwords; auto: when user is empty."),
    ] = "auto"
    slowlog_arguments: Annotated[
        bool, Meta(description="Whether to keep what slow commands were given: keys and values of your users.")
    ] = False

    @property
    def reads_config(self) -> bool:
        """Whether CONFIG GET is asked for: an account made by hand says so itself, the default one may do all."""
        return self.config == "on" or (self.config == "auto" and not self.user)

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        super().__post_init__()
        one_of(self.password, self.password_file, "password")
        if self.user and not (self.password or self.password_file):
            raise ValueError("user is set without password or password_file")
        if self.socket and self.tls:
            raise ValueError("socket and tls are both set: a unix socket speaks no TLS")
        if not self.tls and (self.ca_file or self.cert_file or self.key_file):
            raise ValueError("ca_file, cert_file and key_file need tls = true")
