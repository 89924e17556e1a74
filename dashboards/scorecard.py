"""All targets and how they stand: one row per target, folded over its subjects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dashboards import amounts
from dashboards.amounts import Amount
from dashboards.naming import is_rest, shortened
from dashboards.standing import Standing, judged, silent, standing
from dashboards.survey import Survey
from metrics.forms import Form
from metrics.target import Direction, State, Target, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One target: the state of all its subjects, led by the one that matters most."""

    form: Form
    layer: str
    state: State
    lead: Standing
    others: tuple[Standing, ...] = ()
    idle: tuple[str, ...] = ()
    beside: tuple[tuple[str, Amount], ...] = ()
    inside: float | None = None

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every subject, the lead first."""
        return (self.lead, *self.others)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The rows of a page, and how many are in which state."""

    rows: tuple[Row, ...]

    def count(self, state: State) -> int:
        """How many targets are in a state."""
        return sum(row.state == state for row in self.rows)

    @property
    def headline(self) -> str:
        """One sentence that claims no more than is known.

        >>> Scorecard(()).headline
        'No targets to judge yet'
        """
        total = len(self.rows)
        if not total:
            return "No targets to judge yet"
        return f"{self.count(State.MET)} of {total} target{'s' if total > 1 else ''} met"


def scorecard(survey: Survey, layers: Sequence[str]) -> Scorecard:
    """The targets of some layers, in their order."""
    rows = []
    for layer in layers:
        forms = [form for form in survey.catalog.targets() if survey.catalog.layer_of(form) == layer]
        rows += [row for form in forms if (row := _row(survey, form, layer)) is not None]
    return Scorecard(tuple(rows))


def _row(survey: Survey, form: Form, layer: str) -> Row | None:
    """The row of one target; None where no configured source is of its layer."""
    names = [watched.name for watched in survey.sources if watched.kind == survey.catalog.kind_of(form.name)]
    found = [standing(survey, form, line) for line in survey.lines(form)]
    known = {item.verdict.subject.source for item in found}
    found += [silent(survey, form, name) for name in names if name not in known]
    if not found:
        if not any(watched.kind == layer for watched in survey.sources):
            return None
        found = [silent(survey, form, "")]
    lead, *others = sorted(found, key=_urgency)
    return Row(
        form=form,
        layer=layer,
        state=fold([item.verdict for item in found]),
        lead=lead,
        others=tuple(others),
        idle=tuple(item.subject for item in found if item.verdict.idle),
        beside=tuple(_beside(survey, form)),
        inside=_inside_all(survey, form, form.target or lead.verdict.target),
    )


def _urgency(item: Standing) -> tuple[int, bool, float]:
    """Missed before unknown before met before idle; sums of others last, else the least headroom first."""
    order = {State.MISSED: 0, State.UNKNOWN: 1, State.MET: 2}[item.state]
    headroom = item.headroom if item.headroom is not None else 0.0
    return 3 if item.verdict.idle else order, is_rest(item.verdict.subject), headroom


def _inside_all(survey: Survey, form: Form, target: Target) -> float | None:
    """Share of the windows in which some subject was known and none missed."""
    missed = np.zeros(len(survey.span.ends), dtype=np.bool_)
    some = missed.copy()
    for line in survey.lines(form):
        known, good = judged(line, survey.bounds.of(form.name, target, line.subject.source))
        some |= known
        missed |= known & ~good
    return float((~missed)[some].mean()) if some.any() else None


def _beside(survey: Survey, form: Form) -> Iterable[tuple[str, Amount]]:
    """The present values of the forms shown beside a target: of several subjects, the worst."""
    for name in form.beside:
        other = survey.catalog.forms[name]
        known = [line for line in survey.lines(other) if not np.isnan(line.values[-1])]
        known = [line for line in known if not is_rest(line.subject)] or known
        if known:
            judged = other.target or (form.target if other.unit is form.unit else None)
            lowest = judged is not None and judged.direction is Direction.AT_LEAST
            line = (min if lowest else max)(known, key=lambda line: float(line.values[-1]))
            whom = shortened(survey.called(line.subject) for line in known)[survey.called(line.subject)]
            yield (
                f"{other.title} ({whom})" if whom else other.title,
                amounts.amount(float(line.values[-1]), amounts.measure(other)),
            )
