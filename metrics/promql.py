"""Every form as a PromQL expression, for rules, dashboards and the differential test.

Equal to `metrics.evaluate` on aligned data without resets. Two differences remain, and a test states them: at a
reset PromQL counts the new value from zero where evaluate drops the interval, and on a series' first samples engines
differ on what came before. Sources are never mixed: everything is ``sum by (source, …)``.
"""

from collections.abc import Sequence

from metrics.forms import AnyForm, Guard, Level, Quantile, Rate, Ratio, Share, bucket, count, edge, terms
from metrics.model import SOURCE, Kind, Matcher, Metric, Term


def promql(form: AnyForm, window: float) -> str:
    """The expression over a window in seconds.

    >>> from metrics.model import Unit
    >>> hits = Metric(name="hits_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Hits.")
    >>> miss = Metric(name="misses_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Misses.")
    >>> promql(Ratio(name="r", title="R", help="R.", part=[hits], whole=[hits, miss]), 300)
    'clamp(sum by (source) (increase(hits_total[300s])) / (sum by (source) (increase(hits_total[300s])) + \
sum by (source) (increase(misses_total[300s]))), 0, 1)'
    """
    by = ", ".join((SOURCE, *form.by))
    if isinstance(form, Ratio):
        return _ratio(form, by, window)
    if isinstance(form, Rate):
        return " + ".join(f"sum by ({by}) (rate({term.selector}[{window:g}s]))" for term in terms(form.of))
    if isinstance(form, Level):
        fold = "max" if form.highest else "sum"
        return " + ".join(f"{fold} by ({by}) ({term.selector})" for term in terms(form.of))
    if isinstance(form, Share):
        under = bucket(form.of, (*form.having, Matcher("le", edge(form.bound))))
        return f"{_increase(under, by, window)} / {_increase(count(form.of, form.having), by, window)}"
    return _quantile(form, by, window)


def _increase(term: Term, by: str, window: float, where: str = "") -> str:
    return f"sum by ({by}) (increase({term.selector}[{window:g}s]){where})"


def _value(form: Ratio, term: Term, by: str, window: float) -> str:
    where = _where(form)
    if term.metric.kind is Kind.GAUGE:
        return f"sum by ({by}) ({term.selector}{where})"
    return _increase(term, by, window, where)


def _where(form: Ratio) -> str:
    if not form.where:
        return ""
    shared = set.intersection(*(set(term.metric.labels) for term in terms([*form.part, *form.whole])))
    on = ", ".join((SOURCE, *sorted(shared)))
    floors = " or ".join(f"{floor.metric.name} >= {floor.at_least:g}" for floor in form.where)
    return f" and on ({on}) ({floors})"


def _ratio(form: Ratio, by: str, window: float) -> str:
    whole = _sum([_value(form, term, by, window) for term in terms(form.whole)])
    if form.else_whole:
        spare = _sum([_value(form, term, by, window) for term in terms(form.else_whole)])
        whole = f"({whole} or {spare})"
    parts = [
        f"({_value(form, term, by, window)} or 0 * {whole})" if term.matchers else _value(form, term, by, window)
        for term in terms(form.part)
    ]
    quotient = f"{_sum(parts)} / {whole}"
    if form.complement:
        quotient = f"1 - {quotient}"
    if form.clamped:
        quotient = f"clamp({quotient}, 0, 1)"
    # A quotient of nothing is unknown, not NaN: leave the subject out.
    quotient = f"({quotient} and on ({by}) {whole} > 0)" if form.guards else quotient
    for guard in reversed(form.guards):
        quotient = _guarded(guard, by, quotient)
    return quotient


def _guarded(guard: Guard, by: str, quotient: str) -> str:
    bites = f"max by ({by}) ({guard.metric.name}) > {guard.above:g}"
    idle = [_increase(term, by, guard.within) for term in terms(guard.idle)]
    for moved in idle:
        bites = f"({bites}) unless on ({by}) {moved} > 0"
    if idle:
        bites = f"({bites}) and on ({by}) ({' or '.join(f'{moved} == 0' for moved in idle)})"
    if guard.then is None:
        return f"({quotient} unless on ({by}) ({bites}))"
    if isinstance(guard.then, Metric):
        instead = f"max by ({by}) ({guard.then.name}) and on ({by}) ({bites})"
    else:
        instead = f"0 * ({bites}) + {guard.then:g}"
    return f"(({instead}) or {quotient})"


def _quantile(form: Quantile, by: str, window: float) -> str:
    rising = f"sum by ({by}, le) (increase({bucket(form.of, form.having).selector}[{window:g}s]))"
    return f"histogram_quantile({form.q:g}, {rising})"


def _sum(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({' + '.join(parts)})"
