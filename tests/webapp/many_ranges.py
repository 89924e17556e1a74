"""A process that asks for many ranges of a large store, and prints the most memory it had and what it has left."""

import sys
from pathlib import Path

import collectors
from dashboards.memory import settle
from dashboards.watched import Watched
from metrics.catalog import discover
from storage.reading import SeriesReader
from webapp.app import create_app


def status(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def main(folder: Path, now: float, count: int) -> None:
    settle()
    kinds = ("postgres", "pgbouncer", "redis", "api")
    sources = [Watched(f"{kind}-{number}", kind) for number in range(5) for kind in kinds]
    app = create_app(store=SeriesReader(folder), catalog=discover(collectors), sources=sources, clock=lambda: now)
    client = app.test_client()
    for number in range(count):
        page = ("/", "/postgres", "/redis")[number % 3]
        length = (3600, 86_400, 5 * 86_400)[number // 3 % 3]
        end = now - 60 * number
        answer = client.get(page, query_string={"from": str(end - length), "to": str(end)})
        assert answer.status_code == 200, answer.text[:500]
        answer.close()
    sys.stdout.write(f"{status('VmHWM')} {status('VmRSS')}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
