"""What one poll takes of the process, without storing: python -m benchmarks.poll --pools 50 --tables 3000."""

import statistics
import time
from contextlib import closing

import click
import msgspec

from benchmarks.collecting import world
from benchmarks.collecting.world import Block
from collectors.collector import AnyCollector
from collectors.kinds import source_types
from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.postgres.collector import PostgresCollector
from metrics.poll import Tier
from stack.native.tools import Toolbox
from tests.servers import STATS, TOOLS, servers

REPEATS = 8
PATIENCE = 20.0
TIERS = (Tier.FAST, Tier.MEDIUM)


@click.command()
@click.option("--pools", default=50, show_default=True, help="Pools of a PgBouncer; none when 0.")
@click.option("--tables", default=3000, show_default=True, help="Tables of a PostgreSQL; none when 0.")
@click.option("--polls", default=20, show_default=True, help="Polls of each kind, eight times.")
def main(pools: int, tables: int, polls: int) -> None:
    """Milliseconds of CPU of a poll: the least and the median of eight series, so that other work tells less."""
    with servers(Toolbox(TOOLS, lambda _line: None)) as made:
        postgres = made.postgres(max_connections="1500", fsync="off")
        if pools:
            pooler = world.pooler(made, postgres, pools)
            block: Block = {"name": "p", "host": pooler.host, "port": pooler.port}
            block |= {"user": STATS.name, "password": STATS.password}
            source = msgspec.convert(block, source_types()["pgbouncer"])
            _measure(f"PgBouncer, {pools:,} pools", PgBouncerCollector(source), polls)  # type: ignore[arg-type]
        if tables:
            name = world.database(postgres, tables)
            block = world.of_postgres(postgres, "p", name, **world.only(name))
            block.pop("kind")
            source = msgspec.convert(block, source_types()["postgres"])
            _measure(f"PostgreSQL, {tables:,} tables", PostgresCollector(source), polls)  # type: ignore[arg-type]


def _measure(what: str, collector: AnyCollector, polls: int) -> None:
    with closing(collector):
        for tier in [*Tier, *Tier]:
            collector.poll(tier, time.monotonic() + PATIENCE)
        for tier in TIERS:
            found = []
            for _ in range(REPEATS):
                begun = time.process_time()
                for _ in range(polls):
                    collector.poll(tier, time.monotonic() + PATIENCE)
                found.append((time.process_time() - begun) / polls * 1e3)
            click.echo(f"{what}, {tier}: least {min(found):.2f} ms, median {statistics.median(found):.2f} ms")


if __name__ == "__main__":
    main()
