"""`trivet init`: a commented config file to begin with."""

from pathlib import Path

import click

from commands import example
from commands.say import Stop
from metrics.config import DEFAULT_PATH


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default=DEFAULT_PATH)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(path: Path, force: bool) -> None:
    """Write a commented config file to PATH (trivet.toml); - writes to the terminal."""
    if str(path) == "-":
        click.echo(example.text(), nl=False)
        return
    if path.exists() and not force:
        raise Stop(f"{path} is there already. Give another path, or --force to write over it.")
    try:
        path.write_text(example.text(), encoding="utf-8")
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {path}. Put your servers in, then: trivet check, trivet run")
