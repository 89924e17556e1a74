"""`trivet keys`: which prefixes of a Redis' keys take its memory."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from collectors.failed import Failed
from collectors.redis import keys as sampling
from collectors.redis.source import RedisSource
from commands import house
from commands.say import Misused, Stop

MOST_SHOWN = 50


@click.command()
@click.argument("source")
@click.option("--sample", default=10_000, show_default=True, help="Most keys to look at.", type=click.IntRange(1))
@click.option("--seconds", default=30.0, show_default=True, help="When to stop.", type=click.FloatRange(1, 3600))
@click.option("--rate", default=2_000.0, show_default=True, help="Most keys per second.", type=click.FloatRange(1))
@click.option("--database", default=0, show_default=True, help="Which database.", type=click.IntRange(0))
@click.option("--separator", default=":", show_default=True, help="What parts of a key are divided by.")
@click.option("--depth", default=1, show_default=True, help="How many parts are a prefix.", type=click.IntRange(1, 5))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@house.config_option()
def keys(
    source: str,
    sample: int,
    seconds: float,
    rate: float,
    database: int,
    separator: str,
    depth: int,
    as_json: bool,
    config: Path,
) -> None:
    """Sample the keys of SOURCE, a Redis, and say what each prefix takes.

    Uses SCAN and MEMORY USAGE in small steps, keeps Redis busy for at most a tenth of the time, and touches no key.
    """
    known = {each.name: each for each in house.read(config).sources if isinstance(each, RedisSource)}
    found = known.get(source)
    if found is None:
        raise Misused(
            f"{source}: no [[source]] of kind redis is called so in {config}; there is {', '.join(known) or 'none'}."
        )
    if not separator:
        raise Misused("--separator: at least one character.")
    try:
        looked = sampling.sample(
            found,
            most=sample,
            seconds=seconds,
            per_second=rate,
            database=database,
            separator=separator,
            depth=depth,
        )
    except Failed as failed:
        raise Stop(f"{source}: {failed.failure.text}. {failed.failure.hint}".strip()) from None
    click.echo(json.dumps(asdict(looked), ensure_ascii=False) if as_json else table(looked))


def table(looked: sampling.Sample) -> str:
    """The sample for people."""
    lines = [f"{'prefix':<40} {'keys':>9} {'MB':>10} {'share':>7} {'mean B':>9}"]
    for each in looked.prefixes[:MOST_SHOWN]:
        share = each.bytes / looked.bytes if looked.bytes else 0.0
        mean = each.bytes / each.keys
        lines.append(f"{each.name:<40} {each.keys:>9,} {each.bytes / 1e6:>10,.2f} {share:>7.1%} {mean:>9,.0f}")
    if len(looked.prefixes) > MOST_SHOWN:
        lines.append(f"and {len(looked.prefixes) - MOST_SHOWN:,} more prefixes")
    part = "all" if looked.whole else f"a sample of {looked.keys / max(looked.total, 1):.1%}"
    lines.append(f"{looked.keys:,} of {looked.total:,} keys, {part}, in {looked.seconds:.1f} s")
    return "\n".join(lines)
