"""What the browser tests serve: the real app over a folder that the test writes to."""

import os
from pathlib import Path

from flask import Flask

import collectors
from metrics.catalog import discover
from storage.reading import SeriesReader
from storage.state import StateStore
from tests.dashboards.feed import SOURCES
from tests.webapp.alarming import board
from webapp.app import create_app


def app() -> Flask:
    """Made by the server, in its own process."""
    folder = Path(os.environ["TRIVET_TEST_FOLDER"])
    catalog = discover(collectors)
    return create_app(
        store=SeriesReader(folder),
        journal=StateStore(folder),
        board=board(folder, catalog),
        catalog=catalog,
        sources=SOURCES,
        banner=lambda: "This is a rehearsal.",
        version="0.1.0",
    )
