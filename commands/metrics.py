"""`trivet metrics`: everything that is declared, as docs/metrics.md or as JSON."""

import json
import re
from importlib import resources

import click

from commands import house
from commands.handbook import markdown
from commands.say import Misused
from metrics.config import nearest
from metrics.handbook import chapters
from metrics.reading import Reading


@click.command()
@click.argument("kind", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def metrics(kind: str | None, as_json: bool) -> None:
    """Print every metric, form, column and other exporter's name; of one KIND of source only, if one is named."""
    found = chapters(house.catalog(), views)
    kinds = [chapter["kind"] for chapter in found]
    if kind is not None and kind not in kinds:
        raise Misused(f'"{kind}" is no kind of source: expected one of {", ".join(kinds)}{nearest(kind, kinds)}.')
    chosen = [chapter for chapter in found if kind in (None, chapter["kind"])]
    if as_json:
        click.echo(json.dumps(chosen, ensure_ascii=False, indent=1))
    else:
        click.echo("\n".join(markdown(chosen)))


def views(kind: str, reading: Reading) -> str:
    """The server's views behind a statement: declared, or those that its .sql file reads."""
    folder = resources.files("collectors") / kind / "queries"
    if reading.view or not folder.is_dir():
        return reading.view
    found: set[str] = set()
    for file in folder.iterdir():
        if re.fullmatch(rf"{re.escape(reading.statement)}(\.\d+)?\.sql", file.name):
            found |= set(re.findall(r"(?i)\b(?:from|join)\s+(pg_\w+)", file.read_text("utf-8")))
    return ", ".join(sorted(found))
