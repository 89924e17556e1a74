"""What Redis and its connection say, as classes of ours."""

from ssl import SSLError

from collectors.failed import Disconnected, Failed
from collectors.redis import tls
from collectors.redis.resp import BadReply
from metrics.poll import ErrorClass

# ValueError: an address that is nonsense.
FAULTS = (BadReply, OSError, ValueError)

Right = tuple[str, tuple[str, ...], str]
"""A right as ACL SETUSER names it, a command that needs it, and what stays unknown without."""

RIGHTS: tuple[Right, ...] = (
    ("+slowlog|len", ("SLOWLOG", "LEN"), "the number of slow commands stays unknown"),
    ("+slowlog|get", ("SLOWLOG", "GET", "1"), "slow commands are not kept"),
    ("+latency|latest", ("LATENCY", "LATEST"), "spikes of latency stay unknown"),
    ("+client|list", ("CLIENT", "LIST"), "clients are not told apart by name"),
)
SINCE_7: Right = ("+latency|histogram", ("LATENCY", "HISTOGRAM"), "percentiles of commands stay unknown")
VALKEY_LOG: Right = (
    "+commandlog|get",
    ("COMMANDLOG", "GET", "1", "large-reply"),
    "commands and answers that are large are not kept",
)
CLUSTER: Right = ("+cluster|info", ("CLUSTER", "INFO"), "the state of the cluster stays unknown")
CONFIG: Right = ("+config|get", ("CONFIG", "GET", "databases"), "changes of settings are not seen")
ALWAYS = ("+info", *(right for right, _, _ in RIGHTS))

ACL_LINE = "ACL SETUSER {user} on >PASSWORD resetchannels resetkeys -@all {rights}"


def line(user: str, *more: str) -> str:
    """The line that gives an account what is needed, and no more."""
    return ACL_LINE.format(user=user, rights=" ".join([*ALWAYS, *more]))


def rights(version: tuple[int, ...], valkey: tuple[int, ...], mode: str, config: bool) -> list[Right]:
    """What is asked of a server: a right that it does not know of makes the whole ACL SETUSER fail.

    >>> [right for right, _, _ in rights((6, 2, 5), (), "standalone", False)]
    ['+slowlog|len', '+slowlog|get', '+latency|latest', '+client|list']
    """
    found = [*RIGHTS]
    found += [VALKEY_LOG] if valkey >= (8, 1) else []
    found += [SINCE_7] if version >= (7, 0) else []
    found += [CLUSTER] if mode == "cluster" else []
    return [*found, CONFIG] if config else found


def refused(text: str, user: str) -> Failed:
    """What an error that Redis answers with means."""
    name = user or "default"
    word = text.split(" ", 1)[0]
    if word in ("NOAUTH", "WRONGPASS") or "invalid password" in text or "without any password" in text:
        hint = f"Check user and password (on Redis: ACL GETUSER {name}), or make the account: {line(user or 'trivet')}"
        return Disconnected(ErrorClass.AUTH, text, hint)
    if word == "NOPERM":
        return Failed(ErrorClass.FORBIDDEN, text, f"On Redis: ACL SETUSER {name} {_right(text)}")
    if "max number of clients" in text:
        hint = "Raise maxclients (and the limit of file descriptors), or find who keeps connections open: CLIENT LIST"
        return Disconnected(ErrorClass.REFUSED_BY_LIMIT, text, hint)
    if word == "DENIED":
        return Disconnected(ErrorClass.FORBIDDEN, text, "Set a password on Redis, or let it listen for others: bind")
    if "unknown command" in text.lower() or "unknown subcommand" in text.lower():
        return Failed(ErrorClass.MISSING, text)
    if word in ("MASTERDOWN", "LOADING", "BUSY"):
        return Failed(ErrorClass.NOT_READY, text, "It passes by itself: wait until the data set is loaded.")
    return Failed(ErrorClass.BAD_REPLY, text)


def failed(error: Exception, *, connecting: bool = False) -> Failed:
    """What one of FAULTS means."""
    text = str(error) or type(error).__name__
    if isinstance(error, BadReply):
        return Disconnected(ErrorClass.BAD_REPLY, text, "Check host and port: what answers there is no Redis.")
    if isinstance(error, SSLError):
        return tls.failed(error, connecting=connecting)
    if connecting:
        return Disconnected(ErrorClass.UNREACHABLE, text, "Check host and port, and that Redis runs and listens there.")
    return Disconnected(ErrorClass.CONNECTION_LOST, text)


def _right(text: str) -> str:
    """The right that is lacking, as ACL SETUSER names it; all of them when the server does not say which.

    >>> _right("NOPERM User narrow has no permissions to run the 'slowlog|len' command")
    '+slowlog|len'
    """
    quoted = text.split("'")
    asked = f"+{quoted[1]}" if len(quoted) > 1 else ""
    known = {right for right, _, _ in (*RIGHTS, SINCE_7, VALKEY_LOG, CLUSTER, CONFIG)} | {"+info"}
    return asked if asked in known else " ".join(ALWAYS)
