"""`make bench-collect`: what collecting costs, beside the exporters that people run today, on the same servers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click

from benchmarks.collecting.run import OTHERS, ROWS, Plan, run


@click.command()
@click.option("--only", multiple=True, type=click.Choice([*ROWS, *OTHERS]), help="Measure this alone; may be repeated.")
@click.option("--polls", default=18, show_default=True, help="Polls and scrapes of each row.")
@click.option("--sources", default=1000, show_default=True, help="Sources of one collector for the capacity.")
@click.option("--seconds", default=60.0, show_default=True, help="How long that is watched.")
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
    only: tuple[str, ...], polls: int, sources: int, seconds: float, json_file: Path | None, results: Path, folder: Path
) -> None:
    """Measure collecting: CPU of a poll against a scrape, memory, capacity, and how much of the exporters we cover."""
    run(Plan(frozenset(only or (*ROWS, *OTHERS)), polls, sources, seconds), folder, results, json_file)


if __name__ == "__main__":
    main()
