"""What every command begins with: the catalog, the config file, the address of the pages."""

import ipaddress
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import click

import collectors
from collectors.kinds import source_types
from commands.say import Misused
from metrics.catalog import Catalog, discover
from metrics.config import DEFAULT_PATH, Config, ConfigError, load
from metrics.model import Kind

CONFIG_VARIABLE = "TRIVET_CONFIG"
NOTICE_VARIABLE = "TRIVET_NOTICE_FILE"

F = TypeVar("F", bound=Callable[..., Any])


def config_option(*, must_exist: bool = True) -> Callable[[F], F]:
    """The option --config, alike in every command."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        default=DEFAULT_PATH if must_exist else None,
        show_default=str(DEFAULT_PATH),
        help="The config file.",
    )


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


def read(path: Path) -> Config:
    """The config file, or Stop with every mistake on a line of its own."""
    try:
        return load(path, source_types(), target_names())
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
