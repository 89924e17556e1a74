"""A store with a platform's last hours in it, and surveys of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import collectors
from dashboards.span import parse
from dashboards.survey import Survey
from metrics.catalog import Catalog, discover
from metrics.target import Bounds
from storage.series import SeriesStore
from tests.dashboards.feed import SOURCES, Feed

NOW = 1_800_000_000.0


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return discover(collectors)


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeriesStore]:
    """Two and a half hours, with five minutes missing half an hour ago. Tests only read it."""
    store = SeriesStore(tmp_path_factory.mktemp("full"))
    Feed().fill(store, NOW - 9000, NOW, pause=(NOW - 2000, NOW - 1700))
    yield store
    store.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[SeriesStore]:
    store = SeriesStore(tmp_path)
    yield store
    store.close()


@pytest.fixture
def survey(full: SeriesStore, catalog: Catalog) -> Callable[..., Survey]:
    """A survey of the full store, of another one, or under other bounds."""

    def made(store: SeriesStore = full, length: str = "1h", now: float = NOW, bounds: Bounds | None = None) -> Survey:
        return Survey(store, catalog, SOURCES, bounds or Bounds({}), parse({"range": length}, now))

    return made
