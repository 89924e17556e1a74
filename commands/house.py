"""What every command begins with: the catalog, the config file, the address of the pages."""

import getpass
import ipaddress
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import click

import collectors
from alerts.channel import channel_types
from alerts.rule import rules_of
from collectors.kinds import source_types
from commands.say import Misused, Stop
from metrics.catalog import Catalog, discover
from metrics.config import DEFAULT_PATH, Config, ConfigError, load
from metrics.model import Kind
from stack.native.ports import is_free

CONFIG_VARIABLE = "TRIVET_CONFIG"
NOTICE_VARIABLE = "TRIVET_NOTICE_FILE"
HOME = Path("var")
STACK_CONFIG = HOME / "stack" / "trivet.toml"
"""What `trivet run` writes when there is no config file, to watch the reference stack."""

F = TypeVar("F", bound=Callable[..., Any])


def config_option(*, required: bool = True, stack: bool = True) -> Callable[[F], F]:
    """The option --config, alike in every command.

    required  Misused when there is no config file; else the command gets None
    stack     whether the reference stack's counts as one
    """

    def chosen(_context: click.Context, _option: click.Parameter, given: Path | None) -> Path | None:
        return given or (found() if required else there(stack=stack))

    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=chosen,
        help=f"The config file.  [default: {', else '.join(map(str, _places(stack)))}]",
    )


def as_option() -> Callable[[F], F]:
    """The option --as, alike in every command that is somebody's doing."""
    return click.option("--as", "who", default=user, help="Who does it.  [default: the system's user]")


def user() -> str:
    """The system's user, who a command's doing is ascribed to."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user that no file names.
        return f"user {os.getuid()}"


def there(*, stack: bool = True) -> Path | None:
    """The config file that is meant when none is named: that of the environment, else the first that is there."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else next((path for path in _places(stack) if path.exists()), None)


def found() -> Path:
    """The same, or Misused that names every place that was looked at."""
    path = there()
    if path is None:
        raise Misused(
            f"There is no config file: {Path.cwd()} has neither {' nor '.join(map(str, _places()))}, and "
            f"{CONFIG_VARIABLE} names none.\n`trivet init` writes a commented {DEFAULT_PATH}; --config names another."
        )
    return path


def _places(stack: bool = True) -> tuple[Path, ...]:
    return (DEFAULT_PATH, STACK_CONFIG) if stack else (DEFAULT_PATH,)


@cache
def catalog() -> Catalog:
    """Every declaration there is."""
    return discover(collectors)


def kinds() -> dict[str, Kind]:
    """What the store is told of metrics: of a counter, and of nothing else, a fall is a reset."""
    return {metric.name: metric.kind for metric in catalog().metrics.values()}


def target_names() -> dict[str, list[str]]:
    """The names that ``bounds`` may set, by the kind of source that reports what they are made of."""
    names: dict[str, list[str]] = {}
    for form in catalog().targets():
        names.setdefault(catalog().kind_of(form.name), []).append(form.name)
    return names


def rule_names() -> list[str]:
    """The names of the rules that [[alert]] may speak of."""
    return list(rules_of(catalog()).rules)


def read(path: Path) -> Config:
    """The config file, or Stop with every mistake on a line of its own."""
    try:
        return load(path, source_types(), target_names(), channels=channel_types(), rules=rule_names())
    except ConfigError as error:
        hint = "" if path.exists() else f"\n`trivet init` writes a commented {DEFAULT_PATH}."
        raise Misused(f"{error}{hint}") from None


def check_address(listen: str) -> tuple[str, int]:
    """Host and port to serve the pages on, or Stop: there is no sign-in yet, so loopback only."""
    host, _, port = listen.rpartition(":")
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
        number = int(port)
    except ValueError:
        raise Misused(f'web.listen = "{listen}": expected an address and a port, such as 127.0.0.1:8600') from None
    if not address.is_loopback:
        raise Misused(
            f'web.listen = "{listen}" is no loopback address, and the pages have no sign-in yet: whoever reaches them '
            f"reads all. Listen on 127.0.0.1:{number} and reach it by `ssh -L {number}:127.0.0.1:{number} THIS-HOST`."
        )
    return str(address), number


def check_free(port: int) -> None:
    """Stop when somebody listens there: granian would share the port, and either of them would answer."""
    if not is_free(port):
        raise Stop(f"Another process listens on port {port}. Stop it, or give [web] another port: listen.")
