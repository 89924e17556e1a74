"""`trivet check`: is the config file right, and do its servers allow what is needed?"""

import sys
from pathlib import Path

import click

from collectors.probe import Report, probe
from commands import house
from commands.say import Misused, Stop


@click.command()
@house.config_option()
def check(config: Path) -> None:
    """Validate the config file, then ask each server what it is and what it lacks.

    For everything that is lacking or odd, prints why it matters and the line that mends it. Exits with 0 when all
    servers answer, 1 when one does not, 2 when the file is wrong.
    """
    settings = house.read(config)
    if not settings.sources:
        raise Misused(f"{config} is valid, but names no [[source]]: nothing would be watched.")
    click.echo(f"{config} is valid: {len(settings.sources)} sources. Asking them …")
    reports = probe(settings.sources)
    for report in reports:
        _show(report)
    down = [report.name for report in reports if not report.reachable]
    if down:
        click.echo(f"\n{len(down)} of {len(reports)} sources did not answer: {', '.join(down)}")
        sys.exit(Stop.exit_code)
    lacking = sum(len(report.lacking) for report in reports)
    odd = sum(len(report.findings) for report in reports)
    things = {0: "Nothing is", 1: "One thing is"}
    click.echo(
        f"\nAll sources answer. {things.get(lacking, f'{lacking} things are')} lacking."
        + (f" {things.get(odd, f'{odd} things are')} odd." if odd else "")
    )


def _show(report: Report) -> None:
    click.echo()
    if report.failure:
        mark = click.style("down", fg="red")
        click.echo(f"{mark}  {report.name} ({report.kind}): {report.failure.kind}: {report.failure.text}")
        if report.failure.hint:
            click.echo(f"      {report.failure.hint}")
        return
    mark = (
        click.style("ok  ", fg="green") if not (report.lacking or report.findings) else click.style("look", fg="yellow")
    )
    about = " ".join(filter(None, [report.version, report.role]))
    click.echo(f"{mark}  {report.name} ({report.kind}): {about}, {report.seconds * 1000:.0f} ms")
    for lack in report.lacking:
        click.echo(f"      lacks {lack.what}: {lack.why}")
        _mend(lack.mend)
    for finding in report.findings:
        click.echo(f"      odd: {finding.text}")
        _mend(finding.hint)


def _mend(text: str) -> None:
    for line in text.splitlines():
        click.echo(f"        {line}")
