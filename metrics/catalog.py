"""All declarations, found by walking ``<package>/*/``: there is no list to forget one in.

They stand in the modules ``metrics`` and ``metrics_…`` of each folder; what other exporters call them, in
``exporter``.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TypeVar

from metrics import judged, watch
from metrics.alias import Alias
from metrics.forms import Form
from metrics.model import Metric
from metrics.reading import Reading

T = TypeVar("T")


class CatalogError(Exception):
    """Two declarations of one name, or a name that nothing declares."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every metric, form and reading by name; ``layer`` is the kind of source that declares it.

    aliases   by layer, the families of other exporters that its metrics can be given as
    left_out  by layer, the names of other exporters that are not given, in whole or in part: why
    """

    metrics: dict[str, Metric]
    forms: dict[str, Form]
    readings: dict[str, tuple[Reading, ...]]
    layers: dict[str, str]
    aliases: dict[str, tuple[Alias, ...]]
    left_out: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def targets(self) -> Iterator[Form]:
        """The forms that have a target, in the order of their declaration."""
        return (form for form in self.forms.values() if form.target)

    def alerting(self) -> Iterator[Form]:
        """The forms that somebody is told of: by their target, or by their alert."""
        return (form for form in self.forms.values() if (form.target and not form.target.judged_in) or form.alert)

    def kind_of(self, name: str) -> str:
        """The kind of source whose collector declares a metric or a form."""
        return self.layers[name]

    def layer_of(self, form: Form) -> str:
        """The page that a form belongs to."""
        return form.layer or self.layers[form.name]


def discover(package: ModuleType) -> Catalog:
    """The catalog of a package whose folders each hold a ``metrics`` module."""
    catalog = Catalog({}, {}, {}, {}, {})
    _take(catalog, watch, "trivet")
    _take(catalog, judged, "trivet")
    for found in pkgutil.iter_modules(package.__path__):
        if found.ispkg:
            _take_folder(catalog, f"{package.__name__}.{found.name}", found.name)
    for form in catalog.forms.values():
        for name in form.beside:
            if name not in catalog.forms:
                raise CatalogError(f"{form.name}: shows {name} beside it, which nothing declares")
        for name in form.worst:
            if name not in catalog.forms:
                raise CatalogError(f"{form.name}: looks for who brings it about in {name}, which nothing declares")
        if form.only_while and form.only_while not in catalog.forms:
            raise CatalogError(f"{form.name}: counts only while {form.only_while} is missed, which nothing declares")
        if form.target and form.alert:
            raise CatalogError(f"{form.name}: has a target, so its alert is that one's")
    return catalog


def declared(package: str, layer: str) -> dict[str, Metric]:
    """The metrics that one folder declares, by name."""
    catalog = Catalog({}, {}, {}, {}, {})
    for found in _declaring(package):
        _take(catalog, importlib.import_module(found), layer)
    return catalog.metrics


def _declaring(package: str) -> Iterator[str]:
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if found.name == "metrics" or found.name.startswith("metrics_"):
            yield f"{package}.{found.name}"


def _take_folder(catalog: Catalog, package: str, layer: str) -> None:
    for name in _declaring(package):
        _take(catalog, importlib.import_module(name), layer)
    if importlib.util.find_spec(f"{package}.exporter"):
        module = importlib.import_module(f"{package}.exporter")
        values = vars(module).values()
        catalog.left_out[layer] = getattr(module, "LEFT_OUT", {})
        lists = (value for value in values if isinstance(value, tuple) and value)
        catalog.aliases[layer] = tuple(each for value in lists for each in value if isinstance(each, Alias))


def _take(catalog: Catalog, module: ModuleType, layer: str) -> None:
    readings = list(catalog.readings.get(layer, ()))
    for value in vars(module).values():
        if isinstance(value, Metric):
            _enter(catalog.metrics, value.name, value)
            catalog.layers[value.name] = layer
        elif isinstance(value, Form):
            _enter(catalog.forms, value.name, value)
            catalog.layers[value.name] = layer
        elif isinstance(value, Reading) and value not in readings:
            readings.append(value)
            for metric in value.metrics():
                # Also those that are declared where they are fed, without a name of their own in the module.
                _enter(catalog.metrics, metric.name, metric)
                catalog.layers[metric.name] = layer
    catalog.readings[layer] = tuple(readings)


def _enter(where: dict[str, T], name: str, value: T) -> None:
    if where.setdefault(name, value) is not value:
        raise CatalogError(f"{name} is declared twice")
