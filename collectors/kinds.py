"""The kinds of source, found by walking ``collectors/*/``: there is no list to forget one in.

A kind is a folder with three modules: ``metrics`` (declarations), ``source`` with one subclass of Source, and
``collector`` with one subclass of Collector. The driver is imported when the first collector of the kind is made.
"""

import importlib
import importlib.util
import pkgutil
from types import ModuleType
from typing import Any

import collectors
from collectors.collector import AnyCollector, Collector
from collectors.source import Source


def source_types() -> dict[str, type[Source]]:
    """The config types by kind; loads no driver."""
    found = {}
    for module in pkgutil.iter_modules(collectors.__path__):
        if module.ispkg and importlib.util.find_spec(f"collectors.{module.name}.source"):
            found[module.name] = _own(importlib.import_module(f"collectors.{module.name}.source"), Source)
    return found


def collector_of(source: Source) -> AnyCollector:
    """A collector of a source, not yet connected."""
    made: AnyCollector = _own(importlib.import_module(f"collectors.{source.kind}.collector"), Collector)(source)
    return made


def _own(module: ModuleType, base: type) -> Any:
    """The one subclass that a module defines itself."""
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
    )
    return found
