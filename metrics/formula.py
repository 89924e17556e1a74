"""Every form as a line of arithmetic, for people. Δ is the increase over the window, resets left out."""

from collections.abc import Sequence

from metrics.duration import spoken
from metrics.forms import Form, Guard, Level, Quantile, Rate, Ratio, Share, TermLike, bucket, count, edge, terms
from metrics.model import Kind, Matcher, Term
from metrics.target import Direction, Target


def formula(form: Form) -> str:
    """The arithmetic of a form.

    >>> from metrics.model import Metric, Unit
    >>> hits = Metric(name="hits_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Hits.")
    >>> miss = Metric(name="misses_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Misses.")
    >>> formula(Ratio(name="r", title="R", help="R.", part=[hits], whole=[hits, miss], complement=True))
    '1 − Δhits_total / (Δhits_total + Δmisses_total)'
    """
    if isinstance(form, Ratio):
        return _ratio(form)
    if isinstance(form, Rate):
        return f"{_sum(form.of)} / s"
    if isinstance(form, Level):
        return f"{'highest of' if form.highest else 'sum of'} {', else '.join(str(t.selector) for t in terms(form.of))}"
    if isinstance(form, Share):
        under = bucket(form.of, (*form.having, Matcher("le", edge(form.bound))))
        return f"{_term(under)} / {_term(count(form.of, form.having))}"
    if isinstance(form, Quantile):
        return f"{form.q:g} quantile of {_term(bucket(form.of, form.having))}"
    raise TypeError(f"{form.name}: no form that is known")


def bounded(target: Target) -> str:
    """A target in a line.

    >>> from metrics.target import at_least
    >>> bounded(at_least(0.8, window="5m", hold="2m", traffic=100))
    '≥ 0.8 over 5 min, told after 2 min, from 100 in the window on'
    """
    sign = "≥" if target.direction is Direction.AT_LEAST else "≤"
    parts = [f"{sign} {target.bound:g} over {spoken(target.window)}"]
    if target.judged_in:
        parts.append(f"judged in {target.judged_in}")
    else:
        parts.append(f"told after {spoken(target.hold)}")
        parts += [f"from {target.traffic:g} in the window on"] if target.traffic else []
    return ", ".join(parts)


def _ratio(form: Ratio) -> str:
    text = f"{_sum(form.part)} / {_sum(form.whole)}"
    if form.complement:
        text = f"1 − {text}"
    if form.else_whole:
        text += f"; where those are not reported, over {_sum(form.else_whole)}"
    if form.where:
        floors = " or ".join(f"{floor.metric.name} ≥ {floor.at_least:g}" for floor in form.where)
        text += f"; of series with {floors}"
    return text + "".join(f"; {_guarded(guard)}" for guard in form.guards)


def _guarded(guard: Guard) -> str:
    idle = f" and {_sum(guard.idle)} = 0 within {spoken(guard.within)}" if guard.idle else ""
    then = "unknown" if guard.then is None else f"{guard.then:g}" if isinstance(guard.then, float | int) else ""
    then = then or f"the highest {getattr(guard.then, 'name', '')}"
    return f"{then} while {guard.metric.name} > {guard.above:g}{idle}: {guard.reason}"


def _sum(given: Sequence[TermLike]) -> str:
    found = [_term(term) for term in terms(given)]
    return found[0] if len(found) == 1 else f"({' + '.join(found)})"


def _term(term: Term) -> str:
    return str(term.selector) if term.metric.kind is Kind.GAUGE else f"Δ{term.selector}"
