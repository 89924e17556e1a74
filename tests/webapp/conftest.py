"""Apps over stores in every condition, and a client that speaks like htmx."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import collectors
from metrics.catalog import Catalog, discover
from storage.series import SeriesStore
from storage.store import Store
from tests.dashboards.feed import SOURCES, Feed
from webapp.app import create_app

NOW = 1_800_000_000.0
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
Make = Callable[..., Flask]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return discover(collectors)


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeriesStore]:
    """An hour and a half of everything. Tests only read it."""
    store = SeriesStore(tmp_path_factory.mktemp("full"))
    Feed().fill(store, NOW - 5400, NOW, pause=(NOW - 2000, NOW - 1700))
    yield store
    store.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[SeriesStore]:
    store = SeriesStore(tmp_path)
    yield store
    store.close()


@pytest.fixture
def make(catalog: Catalog) -> Make:
    """An app over a store, at NOW unless told otherwise."""

    def made(store: Store, **more: Any) -> Flask:
        given: dict[str, Any] = {"sources": SOURCES, "clock": lambda: NOW, "version": "0.1.0", **more}
        return create_app(store=store, catalog=catalog, **given)

    return made


@pytest.fixture(scope="session")
def client(full: SeriesStore, catalog: Catalog) -> FlaskClient:
    """A browser before the full store."""
    app = create_app(store=full, catalog=catalog, sources=SOURCES, clock=lambda: NOW, version="0.1.0")
    return app.test_client()
