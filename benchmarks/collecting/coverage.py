"""How much of the exporters' default series is on our pages, of the same servers."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import msgspec

import collectors
from benchmarks.collecting import world
from benchmarks.coverage import Comparison, compare, page
from collectors.kinds import collector_of, source_types
from collectors.source import Source
from collectors.station import Station
from commands.pages import watched
from metrics.catalog import discover
from metrics.target import Bounds
from storage.series import SeriesStore
from tests.servers import Servers
from webapp.app import create_app

PATIENCE = 20.0


def served(block: world.Block, folder: Path) -> str:
    """The page of one source under the exporter's names, after one poll of each tier."""
    source: Source = msgspec.convert(dict(block), source_types()[str(block["kind"])])
    station = Station(collector_of(source))
    store = SeriesStore(folder)
    try:
        for tier in station.collector.tiers:
            for poll in (station.one(tier, PATIENCE), station.one(tier, PATIENCE)):
                if poll.error is not None:
                    raise RuntimeError(f"{source.name}: {poll.error.text}")
                store.append(poll)
        app = create_app(store=store, catalog=discover(collectors), sources=watched([source]), bounds=Bounds({}))
        answer = app.test_client().get(f"/metrics/{source.kind}?source={source.name}")
        return str(answer.text)
    finally:
        station.collector.close()
        store.close()


def coverages(made: Servers, folder: Path) -> tuple[dict[str, float], list[str]]:
    """Shares by kind, and what is left out."""
    found = dict(_comparisons(made, folder))
    notes = [_left(kind, sorted(each.missing)) for kind, each in found.items()]
    return {kind: round(each.coverage, 4) for kind, each in found.items()}, notes


def _comparisons(made: Servers, folder: Path) -> Sequence[tuple[str, Comparison]]:
    postgres = made.postgres()
    pooler = world.pooler(made, postgres, 3)
    redis = made.redis()
    with world.traffic(redis):
        cases = (
            (world.of_postgres(postgres, "pg", "postgres"), made.postgres_exporter(postgres)),
            (world.of_pgbouncer(pooler, "pool"), made.pgbouncer_exporter(pooler)),
            (world.of_redis(redis, "redis"), made.redis_exporter(redis)),
        )
        return [
            (kind := str(block["kind"]), _compared(exporter.page(), served(block, folder / kind)))
            for block, exporter in cases
        ]


def _compared(theirs: str, ours: str) -> Comparison:
    return compare(page(theirs), page(ours))


def _left(kind: str, names: Sequence[str]) -> str:
    """What is not given, and why."""
    reasons = discover(collectors).left_out[kind]
    told = (
        f"{name} ({next((why for each, why in reasons.items() if fnmatch(name, each)), 'not told why')})"
        for name in names
    )
    return f"Left out of {kind}_exporter's default: {', '.join(told) or 'nothing'}."
