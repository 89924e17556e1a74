"""The reference stack's Redis: redis.conf and users.acl, fitted to the machine."""

import hashlib
import os
from pathlib import Path

from stack.native.redis import Redis
from stack.native.server import Say, silent
from stack.native.tools import Tool

HERE = Path(__file__).parent
MOST_BYTES = 2 * 1024**3


class ReferenceRedis(Redis):
    def __init__(
        self, tool: Tool, folder: Path, *, port: int, app_password: str, trivet_password: str, say: Say = silent
    ) -> None:
        super().__init__(
            tool,
            folder,
            port=port,
            config=HERE / "redis.conf",
            overrides={"maxmemory": str(_memory())},
            acl=acl(app_password, trivet_password),
            say=say,
        )


def acl(app_password: str, trivet_password: str) -> str:
    """users.acl with the passwords' digests, which is how Redis itself saves them."""
    text = (HERE / "users.acl").read_text(encoding="utf-8")
    return text.replace("{app}", _digest(app_password)).replace("{trivet}", _digest(trivet_password))


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _memory() -> int:
    """2 GB, on a machine that has eight: the others need some too."""
    return min(MOST_BYTES, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
