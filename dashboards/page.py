"""Pages as data: which forms are shown, in which order and together with which. No HTML."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dashboards.amounts import measure
from metrics.catalog import Catalog
from metrics.forms import Form
from metrics.target import Direction

LIMIT = 5
LAYERS = {"api": "API", "pgbouncer": "PgBouncer", "redis": "Redis", "postgres": "PostgreSQL"}
"""Kinds of source from the user's side down, with their names as people write them."""


class Subjects(StrEnum):
    """What a panel does with a form that has several subjects."""

    EACH = "each"
    SUM = "sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart: one measure, at most LIMIT lines.

    name    part of its address
    forms   names from the catalog; the first gives the unit, and all have it
    note    what the title leaves open, in a few words
    subjects  a line each, or their sum, where a sum is honest (Level and Rate)
    marks   forms whose target line is drawn beside those of the forms shown
    lowest  with more subjects than room: show those with the lowest values, not the highest
    busiest  or those with most behind their values (calls of a mean), so that what hardly happens takes no room
    """

    name: str
    title: str
    forms: tuple[str, ...]
    note: str = ""
    subjects: Subjects = Subjects.EACH
    marks: tuple[str, ...] = ()
    lowest: bool = False
    busiest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, which answers one question.

    layers   whose targets its scorecard lists
    panels   charts in reading order
    whole    a page of one layer, that lists its metrics too
    """

    name: str
    title: str
    question: str
    layers: tuple[str, ...]
    panels: tuple[Panel, ...] = field(default=())
    whole: bool = False

    def panel(self, name: str) -> Panel | None:
        """One of its panels."""
        return next((panel for panel in self.panels if panel.name == name), None)


def known(panels: Iterable[Panel], catalog: Catalog) -> list[Panel]:
    """The panels without the forms that nothing declares; those left with none are left out."""
    found = []
    for panel in panels:
        forms = tuple(name for name in panel.forms if name in catalog.forms)
        if forms:
            found.append(
                replace(panel, forms=forms, marks=tuple(name for name in panel.marks if name in catalog.forms))
            )
    return found


def layer_panels(layer: str, picked: Iterable[Panel], catalog: Catalog) -> tuple[Panel, ...]:
    """Hand-picked panels and one for every other form of a layer; those with a target first.

    A form that is declared tomorrow has its panel without a line here.
    """
    mine = [form for form in catalog.forms.values() if catalog.layer_of(form) == layer]
    panels = known(picked, catalog)
    taken = {name for panel in panels for name in panel.forms}
    panels += [alone(form) for form in mine if form.name not in taken]
    return tuple(sorted(panels, key=lambda panel: not any(catalog.forms[name].target for name in panel.forms)))


def alone(form: Form) -> Panel:
    """The panel of one form."""
    lowest = form.target is not None and form.target.direction is Direction.AT_LEAST
    return Panel(name=form.name, title=form.title, forms=(form.name,), note=form.help.rstrip("."), lowest=lowest)


def mixed(panel: Panel, catalog: Catalog) -> set[str]:
    """The units of a panel, when it has more than the one it should have."""
    units = {measure(catalog.forms[name]) for name in panel.forms if name in catalog.forms}
    return units if len(units) > 1 else set()
