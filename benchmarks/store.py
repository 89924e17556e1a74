"""`make bench-store`: the embedded store beside VictoriaMetrics and Prometheus, same data, same run.

A day of realistic series goes into each; then an hour more arrives live, so that all are asked as they are in use.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click

from benchmarks.run import Plan, run


@click.command()
@click.option("--series", default=2000, show_default=True, help="How many series, a hundred to each source.")
@click.option("--hours", default=24.0, show_default=True, help="How much history, at one sample in 10 s.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same values.")
@click.option("--peers/--no-peers", default=True, show_default=True, help="VictoriaMetrics and Prometheus as well.")
@click.option("--week/--no-week", default=None, help="A tenth of the series over 7 days. [default: from 24 hours on]")
@click.option("--quarter/--no-quarter", default=None, help="25 series over 90 days. [default: from 24 hours on]")
@click.option("--crowd", default=None, type=float, help="Seconds with three readers. [default: 40 from 24 hours on, 3]")
@click.option("--memory", default=None, type=int, help="Series of the collector weighed. [default: 20000 or --series]")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Figures for a program.")
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path(__file__).with_name("results.md"),
    help="Where the table is added. [default: benchmarks/results.md]",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(__file__).resolve().parents[1] / "var" / "benchmarks",
    help="Where data is while it is measured; on a real disk. [default: var/benchmarks]",
)
def main(
    series: int,
    hours: float,
    seed: int,
    peers: bool,
    week: bool | None,
    quarter: bool | None,
    crowd: float | None,
    memory: int | None,
    json_file: Path | None,
    results: Path,
    folder: Path,
) -> None:
    """Measure the store: size on disk, writing, asking, memory. Bars are for 2,000 series and 24 hours."""
    whole = hours >= 24
    plan = Plan(
        series=series,
        hours=hours,
        seed=seed,
        peers=peers,
        week=whole if week is None else week,
        quarter=whole if quarter is None else quarter,
        crowd=crowd if crowd is not None else (40.0 if whole else 3.0),
        memory=memory if memory is not None else (20_000 if whole else series),
    )
    if run(plan, folder, results, json_file).disagreements:
        sys.exit("Stores answered differently: see above.")


if __name__ == "__main__":
    main()
