"""The pages, built from the config file that the environment names: for any WSGI server."""

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from flask import Flask

from alerts.board import Board
from collectors.source import Source
from commands import house
from commands.alert import setup
from commands.say import Stop
from dashboards.memory import settle
from dashboards.watched import Watched
from metrics.config import LEAST_TOKEN, Config
from storage.files import StoreError
from storage.remote.opening import reader
from storage.state import StateStore
from storage.store import Reader
from webapp.app import create_app


def build_app() -> Flask:
    """The pages of the config file that TRIVET_CONFIG names; else of the one that is there."""
    settle()
    config = house.read(house.found())
    return create_app(
        store=_store(config),
        catalog=house.catalog(),
        sources=watched(config.sources),
        bounds=config.bounds,
        banner=_notice,
        allowed_hosts=config.web.allowed_hosts,
        url_prefix=config.web.url_prefix,
        journal=StateStore(config.folder),
        board=Board(config.folder, setup(config)),
        token=_token(config),
        version=version("trivet"),
    )


def _store(config: Config) -> Reader:
    try:
        return reader(config)
    except StoreError as error:
        raise Stop(str(error)) from None


def _token(config: Config) -> str:
    """The token of those who may write; read once, at the start."""
    if not config.web.token_file:
        return config.web.token
    try:
        token = Path(config.web.token_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"web.token_file cannot be read: {error}") from None
    if len(token) < LEAST_TOKEN:
        raise Stop(f"web.token_file holds fewer than {LEAST_TOKEN} characters: `openssl rand -hex 24` makes a token.")
    return token


def watched(sources: Sequence[Source]) -> list[Watched]:
    """What pages need to know of the configured sources: no account and no secret."""
    return [Watched(source.name, source.kind, source.tags, source.every, source.address) for source in sources]


def _notice() -> str:
    """What the banner says: the text of a file that whoever started us keeps current."""
    path = os.environ.get(house.NOTICE_VARIABLE)
    try:
        return Path(path).read_text(encoding="utf-8") if path else ""
    except OSError:
        return ""
