"""The pages, built from the config file that the environment names: for any WSGI server."""

import os
from pathlib import Path

from flask import Flask

from commands import house
from metrics.config import DEFAULT_PATH
from storage.series import SeriesReader
from storage.state import StateStore
from webapp import create_app


def build_app() -> Flask:
    """The pages of the config file that TRIVET_CONFIG names, for any WSGI server."""
    config = house.read(Path(os.environ.get(house.CONFIG_VARIABLE, DEFAULT_PATH)))
    state = StateStore(config.folder)
    return create_app(
        store=SeriesReader(config.folder),
        catalog=house.catalog(),
        sources=config.sources,
        bounds=config.bounds,
        events=state.events,
        notice=_notice,
        allowed_hosts=config.web.allowed_hosts,
        url_prefix=config.web.url_prefix,
    )


def _notice() -> str:
    """What the banner says: the text of a file that whoever started us keeps current."""
    path = os.environ.get(house.NOTICE_VARIABLE)
    try:
        return Path(path).read_text(encoding="utf-8") if path else ""
    except OSError:
        return ""
