"""`trivet store`: look after the data folder, whether or not a collector runs on it."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from commands import house
from commands.collect import retention
from commands.say import Busy, Misused, Stop, say
from storage import backup as backups
from storage import errands, files, scrub
from storage.figures import figures
from storage.files import StoreBusy, StoreError
from storage.importing.formats import FORMATS
from storage.importing.load import gather, load
from storage.importing.problems import ImportRefused
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.upkeep import told

SAY_EVERY = 2.0
TOGETHER = 1000
"""Damaged pieces of one errand."""


@click.group()
def store() -> None:
    """Size, checks, backups and imports of the data folder.

    What only reads may run at any time. What writes is done by the running collector, or here when there is none.
    """


@store.command()
@house.config_option()
def stats(config: Path) -> None:
    """How many series and samples there are, and what each resolution costs."""
    path = _series(config)
    with _trouble():
        table = figures(path)
    for row in table:
        click.echo("  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(row)))
    with closing(SeriesReader(path.parent)) as reader:
        problem = reader.health().problem
    if problem:
        say(f"{problem}.")


@store.command(name="scrub")
@click.option("--dry-run", is_flag=True, help="Only look; take nothing out.")
@click.option("--forget", is_flag=True, help="Afterwards, delete what is in quarantine.")
@house.config_option()
def scrub_(dry_run: bool, forget: bool, config: Path) -> None:
    """Verify every checksum, and put what is damaged into quarantine. Exits with 1 when anything is.

    The undamaged series of a damaged segment stay. What SQLite itself cannot read is mended by a backup only:
    `trivet store restore`.
    """
    path = _series(config)
    with _trouble(), closing(files.connect(path, write=False)) as db:
        found = scrub.look(db, _progress("checked"))
    for damage in found:
        click.echo(str(damage))
    movable = [damage for damage in found if damage.kind in scrub.MOVABLE]
    if movable and not dry_run:
        say(f"{_put_aside(config, movable)} damaged pieces are now in quarantine.")
    if forget and not dry_run:
        gone = _written(config, "forget", lambda own: {"forgotten": own.forget_quarantine()})["forgotten"]
        say(f"{gone} pieces were in quarantine and are deleted.")
    if found:
        raise Stop(f"{len(found)} pieces are damaged.")
    say("No damage.")


@store.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE when it is there.")
@house.config_option()
def backup(file: Path, force: bool, config: Path) -> None:
    """Write both data files, as they are at one moment, into FILE, a zip. The collector goes on.

    Needs about twice the room of the data folder beside FILE while it works.
    """
    if str(file) == "-":
        raise Misused("A backup goes to a file, not to -: what it says of itself is known only when it is whole.")
    with _trouble():
        made = backups.write(house.read(config).folder, file, say, force=force)
    click.echo(f"{file}: {file.stat().st_size / 1e6:,.1f} MB, mark {made.mark}, {made.made}")


@store.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the data that is there.")
@house.config_option()
def restore(file: Path, force: bool, config: Path) -> None:
    """Put the data files of a backup into the data folder. The collector has to be stopped first."""
    folder = house.read(config).folder
    with _trouble():
        made = backups.restore(folder, file, say, force=force)
    click.echo(f"{folder}: restored to mark {made.mark}, {made.made}")


@store.command()
@house.config_option()
def compact(config: Path) -> None:
    """Do what the collector does every 5 minutes: compress, merge, roll up and forget what is old enough."""
    _series(config)
    kept = retention(house.read(config))
    done = _written(config, "compact", lambda own: told(own.compact(time.time(), kept)))
    click.echo(", ".join(f"{name} {done[name]}" for name in ("windows", "merged", "forgotten", "damaged")))


@store.command(name="import")
@click.argument("file", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", required=True, help="The source that the samples are put under.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="The format.  [default: by how a file begins]")
@click.option("--replace", is_flag=True, help="Replace what the source has at the same milliseconds.")
@click.option("--dry-run", is_flag=True, help="Only read the files and say what is in them.")
@house.config_option()
def import_(file: tuple[Path, ...], source: str, form: str | None, replace: bool, dry_run: bool, config: Path) -> None:
    """Take in history of other programs: OpenMetrics, Prometheus, VictoriaMetrics, CSV.

    Every FILE is read before anything is written: one bad line, and nothing is imported. Give all files of a source
    at once. A label "source" of theirs becomes "exported_source".
    """
    settings, chosen = house.read(config), form or ""
    with _trouble():
        if dry_run:
            found = gather(file, chosen, say)
            click.echo(f"{len(found):,} samples of {found.series:,} series at {len(found.times()):,} times")
            return
        done = _written(
            config,
            "import",
            lambda own: load(own, file, source, chosen, replace, retention(settings), say),
            files=[str(path.absolute()) for path in file],
            source=source,
            format=chosen,
            replace=replace,
        )
    begin, end = (time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(done[key] / 1000)) for key in ("from", "to"))
    click.echo(f"{done['samples']:,} samples of {done['series']:,} series, {begin} to {end} UTC, into {source}")


def _put_aside(config: Path, found: Sequence[scrub.Damage]) -> int:
    taken = 0
    for at in range(0, len(found), TOGETHER):
        some = found[at : at + TOGETHER]
        done = _written(
            config,
            "quarantine",
            lambda own, some=some: {"taken": len(own.quarantine(some))},  # type: ignore[misc]
            damage=[[piece.kind, piece.number, piece.reason] for piece in some],
        )
        taken += int(done["taken"])
    return taken


def _written(
    config: Path, errand: str, here: Callable[[SeriesStore], Mapping[str, Any]], **given: object
) -> Mapping[str, Any]:
    """Have the running collector do it, or do it here with its lock."""
    folder = house.read(config).folder
    with _trouble():
        try:
            return errands.ask(folder, errand, say, **given)
        except errands.NobodyError:
            with closing(SeriesStore(folder, declared=house.kinds())) as own:
                return here(own)


def _series(config: Path) -> Path:
    path = house.read(config).folder / files.SERIES
    if not path.exists():
        raise Stop(f"{path} is not there yet: `trivet collect` makes it.")
    return path


@contextmanager
def _trouble() -> Iterator[None]:
    try:
        yield
    except ImportRefused as error:
        raise Stop(str(error)) from None
    except StoreBusy as error:
        raise Busy(f"{error}. It answers no errands; stop it first.") from None
    except (StoreError, sqlite3.Error) as error:
        raise Stop(f"{error}.") from None
    except OSError as error:
        raise Stop(f"{error.filename or 'The store'}: {error.strerror or error}.") from None


def _progress(what: str) -> Callable[[int, int], None]:
    last = time.monotonic()

    def said(done: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last > SAY_EVERY:
            last = time.monotonic()
            say(f"{done:,} of {of:,} pieces {what}")

    return said
