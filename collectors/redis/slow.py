"""What is asked by the hour: the settings, where that is allowed."""

from collectors.failed import Failed
from collectors.redis import config
from collectors.redis import metrics_config as of_config
from collectors.redis.connection import RedisConnection
from collectors.redis.server import WATCHED, Server
from collectors.round import Round
from metrics.poll import EventKind

MANY_PATTERNS = (7, 0)
MOST_DATABASES = 64
TOLD_BY_INFO = {*(name.replace("_", "-") for name in WATCHED), "hz"}
"""Their changes are events within one interval."""


class Slow:
    """Remembers the settings of the last look."""

    def __init__(self) -> None:
        """There was none."""
        self._before: dict[str, str] | None = None

    def read(self, round_: Round, connection: RedisConnection, server: Server, deadline: float) -> None:
        """CONFIG GET, without a pattern that a secret matches. Raises Disconnected."""
        with round_.part(of_config.CONFIG.statement):
            found = _settings(connection, server, deadline)
            self._take(round_, server, found)

    def _take(self, round_: Round, server: Server, found: dict[str, str]) -> None:
        number = found.get("databases", "")
        if number.isdecimal():
            server.databases = 1 if server.mode == "cluster" else min(int(number), MOST_DATABASES)
        wanted = {name: found[name] for name in of_config.CONFIG.columns if name in found}
        round_.take(of_config.CONFIG, [wanted])
        rows = config.buffers(found.get("client-output-buffer-limit", ""))
        round_.take(of_config.BUFFERS, rows)
        round_.take(of_config.BUFFER_TIMES, [row for row in rows if "seconds" in row])
        round_.records += config.records(self._before, found)
        if self._before is not None:
            told = {name: value for name, value in found.items() if name not in TOLD_BY_INFO}
            before = {name: value for name, value in self._before.items() if name not in TOLD_BY_INFO}
            for line in config.few(config.changes(before, told)):
                round_.event(EventKind.CONFIG, line)
        self._before = found


def _settings(connection: RedisConnection, server: Server, deadline: float) -> dict[str, str]:
    asked: list[tuple[str, ...]]
    if server.version >= MANY_PATTERNS:
        asked = [("CONFIG", "GET", *config.PATTERNS)]
    else:
        asked = [("CONFIG", "GET", pattern) for pattern in config.PATTERNS]
    answers = []
    for answer in connection.ask(deadline, *asked):
        if isinstance(answer, Failed):
            raise answer
        answers.append(answer if isinstance(answer, list) else [])
    return config.settings(answers)
