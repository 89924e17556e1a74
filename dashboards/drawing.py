"""The lines of a panel: which subjects it shows and under which names. Chart, table and CSV are cut from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashboards import amounts
from dashboards.naming import ALL_OTHERS, is_rest, others, shortened
from dashboards.page import LAYERS, LIMIT, Panel, Subjects
from dashboards.standing import bound_text, within
from dashboards.survey import Survey
from metrics.evaluate import Line
from metrics.forms import Form, Level, Quantile, Rate, Share
from metrics.model import Matcher
from metrics.points import Column, plus


@dataclass(frozen=True, slots=True)
class Stroke:
    """One line of a chart; ``title`` is how its legend calls it, ``name`` what it is to a machine."""

    title: str
    name: str
    form: Form
    values: Column


@dataclass(frozen=True, slots=True)
class Mark:
    """A target line; ``far`` when it is judged elsewhere and need not be in sight."""

    value: float
    text: str
    far: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A panel with its values. ``more`` is how many subjects had no room."""

    panel: Panel
    unit: str
    strokes: tuple[Stroke, ...]
    marks: tuple[Mark, ...]
    more: int = 0

    @property
    def scale(self) -> amounts.Scale:
        """One scale for all of its values."""
        seen = [
            value for value in (*self.peaks, *(mark.value for mark in self.marks if not mark.far)) if np.isfinite(value)
        ]
        return amounts.scale(self.unit, max(seen, default=0.0, key=abs))

    @property
    def peaks(self) -> list[float]:
        """The highest known value of each line."""
        return [float(np.nanmax(s.values)) for s in self.strokes if not np.isnan(s.values).all()]


def drawing(survey: Survey, panel: Panel) -> Drawing:
    """The lines of a panel over the survey's range."""
    forms = [survey.catalog.forms[name] for name in panel.forms]
    room = LIMIT if len(forms) == 1 else max(1, LIMIT // len(forms))
    strokes: list[Stroke] = []
    more = 0
    for form in forms:
        lines = [line for line in survey.lines(form) if not np.isnan(line.values).all()]
        found, left = _strokes(_Naming(survey, forms, form, lines), panel, form, lines, room)
        strokes += found
        more += left
    marks = [mark for form in forms for mark in _marks(survey, form, _Naming(survey, forms, form, ()).short)]
    marks += [mark for name in panel.marks for mark in _marks(survey, survey.catalog.forms[name], "")]
    return Drawing(panel, amounts.measure(forms[0]), tuple(strokes), tuple(dict.fromkeys(marks)), more)


@dataclass(frozen=True, slots=True)
class _Naming:
    """The shortest name that tells a line from the others of its chart."""

    survey: Survey
    forms: Sequence[Form]
    form: Form
    lines: Sequence[Line]

    @property
    def title(self) -> str:
        """The form, where the chart has several; with its layer, where it has several of those."""
        if len(self.forms) == 1:
            return ""
        layers = {form.name: self.survey.catalog.layer_of(form) for form in self.forms}
        title = within(self.form) if isinstance(self.form, Share) else self.form.title
        if len(set(layers.values())) == 1:
            return title
        layer = layers[self.form.name]
        return f"{LAYERS.get(layer, layer)} {title[:1].lower() if title[1:2].islower() else title[:1]}{title[1:]}"

    @property
    def short(self) -> str:
        """The layer alone, where it is the only form of its layer in the chart."""
        layers = [self.survey.catalog.layer_of(form) for form in self.forms]
        layer = self.survey.catalog.layer_of(self.form)
        return LAYERS.get(layer, layer) if len(layers) == len(set(layers)) > 1 else self.title

    def of(self, line: Line) -> str:
        """The form and the subject, as far as they are needed."""
        if is_rest(line.subject):
            return f"{self.title} {others(line.subject)}".strip()
        named = [other.subject for other in self.lines if not is_rest(other.subject)]
        whom = shortened(map(self.survey.called, named))[self.survey.called(line.subject)]
        return f"{self.title} {whom}".strip() or self.form.title


def _strokes(naming: _Naming, panel: Panel, form: Form, lines: Sequence[Line], room: int) -> tuple[list[Stroke], int]:
    """As many lines as there is room for; where a sum is honest, the last is the sum of the others.

    Rows that are sums of others already come after all that are not: they are no candidates for the worst.
    """
    if len(lines) > 1 and panel.subjects is Subjects.SUM and summable(form):
        return [Stroke(naming.title or form.title, form.name, form, total(lines))], 0
    ranked = sorted(lines, key=lambda line: _rank(panel, line), reverse=panel.busiest or not panel.lowest)
    ranked.sort(key=lambda line: is_rest(line.subject))
    if len(lines) <= room and not (summable(form) and sum(is_rest(line.subject) for line in lines) > 1):
        rest: list[Line] = []
    else:
        single = sum(not is_rest(line.subject) for line in lines)
        rest = ranked[min(room - 1, single) if summable(form) else room :]
    shown = sorted(
        ranked[: len(ranked) - len(rest)],
        key=lambda line: (is_rest(line.subject), line.subject.source, line.subject.labels),
    )
    strokes = [Stroke(naming.of(line), named(form, line), form, line.values) for line in shown]
    if rest and summable(form):
        # Of how many a row of the rest is the sum is not known here.
        called = ALL_OTHERS if any(is_rest(line.subject) for line in rest) else f"{len(rest)} others"
        return [*strokes, Stroke(f"{naming.title} {called}".strip(), f"{form.name} of {called}", form, total(rest))], 0
    return strokes, len(rest)


def _rank(panel: Panel, line: Line) -> float:
    return float(np.nansum(line.volume) if panel.busiest else np.nanmean(line.values))


def named(form: Form, line: Line) -> str:
    """The column of one subject: the form, and its subject as a selector writes it."""
    subject = [("source", line.subject.source), *line.subject.labels]
    return f"{form.name}{{{','.join(str(Matcher(name, value)) for name, value in subject)}}}"


def summable(form: Form) -> bool:
    """Whether the sum of its subjects means anything: amounts do, quotients do not."""
    return isinstance(form, Rate) or (isinstance(form, Level) and not form.highest)


def total(lines: Sequence[Line]) -> Column:
    """The sum of lines, known where one of them is."""
    values = lines[0].values
    for line in lines[1:]:
        values = plus(values, line.values)
    return values


def _marks(survey: Survey, form: Form, title: str) -> list[Mark]:
    """The target lines of a form, one for each bound that its sources have."""
    if isinstance(form, Quantile):
        return _quantile_marks(survey, form)
    if not form.target:
        return []
    names = [watched.name for watched in survey.sources if watched.kind == survey.catalog.kind_of(form.name)]
    targets = [survey.bounds.of(form.name, form.target, name) for name in names] or [form.target]
    called = f"{title} target" if title and not isinstance(form, Share) else "target"
    return [
        Mark(target.bound, f"{called} {bound_text(form, target)}", target.judged_in is not None)
        for target in dict.fromkeys(targets)
    ]


def _quantile_marks(survey: Survey, form: Quantile) -> list[Mark]:
    """A target of at least q within a bound says that the q-quantile is at most that bound."""
    for share in survey.catalog.forms.values():
        same = isinstance(share, Share) and share.of is form.of and share.having == form.having
        if same and isinstance(share, Share) and share.target and abs(share.target.bound - form.q) < 1e-9:
            return [Mark(share.bound, f"{form.title} target ≤ {amounts.plain(share.bound, form.unit)}")]
    return []
