"""redis-py's errors as classes of ours.

The order matters: AuthenticationError and BusyLoadingError are ConnectionErrors, NoPermissionError is a
ResponseError, and its TimeoutError is neither a ConnectionError nor Python's own.
"""

from redis import exceptions

from collectors.failed import Disconnected, Failed
from metrics.poll import ErrorClass

# ValueError: an address or an answer that is nonsense.
FAULTS = (exceptions.RedisError, OSError, ValueError)

ACL_LINE = "ACL SETUSER {user} on >PASSWORD resetchannels resetkeys -@all +info +slowlog|len"


def failed(error: Exception, user: str, *, connecting: bool = False) -> Failed:
    """What one of FAULTS means."""
    text = str(error)
    name = user or "default"
    match error:
        case exceptions.AuthenticationError():
            return Disconnected(ErrorClass.AUTH, text, f"Check user and password; on Redis: ACL GETUSER {name}")
        case exceptions.BusyLoadingError():
            return Failed(ErrorClass.NOT_READY, text)
        case exceptions.NoPermissionError():
            return Failed(ErrorClass.FORBIDDEN, text, f"On Redis: ACL SETUSER {name} +info +slowlog|len")
        case exceptions.TimeoutError():
            return Disconnected(ErrorClass.TIMEOUT, text)
        case exceptions.ResponseError():
            return _answered(text, name)
        case exceptions.InvalidResponse():
            return Disconnected(ErrorClass.BAD_REPLY, text)
        case _:
            return _broken(text, connecting)


def _answered(text: str, user: str) -> Failed:
    if text.startswith(("NOAUTH", "WRONGPASS")) or "Authentication required" in text:
        return Disconnected(ErrorClass.AUTH, text, f"Set user and password; on Redis: {ACL_LINE.format(user=user)}")
    if "unknown command" in text or "unknown subcommand" in text.lower():
        return Failed(ErrorClass.MISSING, text)
    if text.startswith(("MASTERDOWN", "LOADING", "BUSY")):
        return Failed(ErrorClass.NOT_READY, text)
    return Failed(ErrorClass.BAD_REPLY, text)


def _broken(text: str, connecting: bool) -> Failed:
    if "max number of clients" in text:
        hint = "Raise maxclients (and the limit of file descriptors), or find who keeps connections open: CLIENT LIST"
        return Disconnected(ErrorClass.REFUSED_BY_LIMIT, text, hint)
    if connecting:
        return Disconnected(ErrorClass.UNREACHABLE, text, "Check host and port, and that Redis runs and listens there.")
    return Disconnected(ErrorClass.CONNECTION_LOST, text)
