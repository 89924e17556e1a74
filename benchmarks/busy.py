"""All tests, several times, beside busy loops: what fails only on a busy machine fails here.

python -m benchmarks.busy --runs 5 --loops 2
"""

import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks import machine

LOOP = "while True: pass"
ROOT = Path(__file__).parents[1]


@click.command()
@click.option("--runs", default=5, show_default=True, help="How often all tests are run.")
@click.option("--loops", default=2, show_default=True, help="Processes that do nothing but take time, all the while.")
@click.option("--results", type=click.Path(path_type=Path), default=None, help="File to which the table is added.")
def main(runs: int, loops: int, results: Path | None) -> None:
    """Run `make test` beside busy loops; prints a row for each run, and exits with 1 when one failed."""
    # So that the loops end with it, whoever ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    busy = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(loops)]
    rows, good = [], 0
    try:
        for number in range(1, runs + 1):
            begun = time.monotonic()
            done = subprocess.run(["make", "test"], cwd=ROOT, capture_output=True, text=True, check=False)
            took = time.monotonic() - begun
            counts = re.findall(
                r"(\d+) (passed|failed|errors?|skipped)", done.stdout.splitlines()[-1] if done.stdout else ""
            )
            words = ", ".join(f"{count} {what}" for count, what in counts) or "no result"
            failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
            left = re.findall(r"^.*(left behind: .*)$", done.stderr, re.MULTILINE)
            good += done.returncode == 0
            rows.append(f"| {number} | {words} | {took:.0f} | {'; '.join([*failed, *left]) or '–'} |")
            click.echo(rows[-1])
    finally:
        for loop in busy:
            loop.kill()
            loop.wait()
    table = [
        f"## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: all tests {runs} times beside {loops} busy loops",
        "",
        machine.described(ROOT),
        "",
        "| run | result | seconds | what failed |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"{good} of {runs} passed.",
        "",
    ]
    click.echo(f"{good} of {runs} passed.")
    if results:
        with results.open("a", encoding="utf-8") as file:
            file.write("\n".join(["", *table]))
    sys.exit(good < runs)


if __name__ == "__main__":
    main()
