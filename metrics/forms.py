"""The derived forms: a closed algebra over raw metrics.

Ratio, Share, Rate and Quantile are the only arithmetic there is. Level is a gauge shown as it stands, summed
or at its highest, so that it can have a target and a place on a page too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metrics.model import Kind, Matcher, Metric, Op, Term, Unit
from metrics.target import Target

TermLike = Metric | Term


def terms(given: Iterable[TermLike]) -> tuple[Term, ...]:
    """Metrics and terms, all as terms."""
    return tuple(item if isinstance(item, Term) else Term(item) for item in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A series counts while a gauge with the same labels is at least this high."""

    metric: Metric
    at_least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """When a gauge is above a bound (its highest in the subject), the quotient is not to be believed.

    idle    counters that must not have moved within ``within`` seconds for the guard to bite; none: it always does
    then    what the value is instead: a number, a gauge's highest, or None for unknown
    """

    metric: Metric
    above: float = 0.0
    idle: Sequence[TermLike] = ()
    within: float = 30.0
    then: float | Metric | None = None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What every derived form has.

    title    as a page's row calls it, without the layer's name
    help     one sentence: what it is
    advice   one sentence: where to look when its target is missed
    by       labels kept beside ``source``
    absent   why there is no value when the source reports none of the metrics
    beside   names of forms shown next to it as information
    layer    the kind of source whose page shows it, when that is not the one that declares it
    alert    a bound that is no target of the scorecard: whoever has to know is told when it is missed
    only_while  name of a form whose target has to be missed too, for the alert to count
    worst    names of forms, kept by more labels, whose highest values name who brings it about
    """

    name: str
    title: str
    help: str
    by: tuple[str, ...] = ()
    target: Target | None = None
    advice: str = ""
    absent: str = ""
    beside: tuple[str, ...] = ()
    layer: str | None = None
    alert: Target | None = None
    only_while: str = ""
    worst: tuple[str, ...] = ()

    @property
    def unit(self) -> Unit:
        """The base unit of its values."""
        raise NotImplementedError

    def inputs(self) -> tuple[Term, ...]:
        """Every term that the value is made of."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio(Form):
    """Part over whole: of increases when they are counters, of present values when they are gauges.

    complement  one minus the quotient
    where       a series counts if any of these floors is reached; none: all count
    else_whole  the denominator where a server reports none of ``whole``
    volume      what counts as traffic; the whole when empty
    measure     RATIO is clamped to 0–1; any other unit is not
    clamp       False for a ratio that may honestly exceed one
    """

    part: Sequence[TermLike]
    whole: Sequence[TermLike]
    complement: bool = False
    where: tuple[Floor, ...] = ()
    else_whole: Sequence[TermLike] = ()
    guards: tuple[Guard, ...] = ()
    volume: Sequence[TermLike] = ()
    measure: Unit = Unit.RATIO
    clamp: bool = True

    def __post_init__(self) -> None:
        kinds = {term.metric.kind for term in terms([*self.part, *self.whole, *self.else_whole])}
        if len(kinds) != 1 or Kind.HISTOGRAM in kinds:
            raise ValueError(f"{self.name}: part and whole are all counters or all gauges")

    @property
    def unit(self) -> Unit:
        """RATIO unless the declaration says otherwise."""
        return self.measure

    @property
    def of_gauges(self) -> bool:
        """Whether present values are divided, not increases."""
        return terms(self.part)[0].metric.kind is Kind.GAUGE

    @property
    def clamped(self) -> bool:
        """Whether values are brought back to 0–1."""
        return self.clamp and self.measure is Unit.RATIO

    def inputs(self) -> tuple[Term, ...]:
        """Part, whole, its stand-in and the volume."""
        return terms([*self.part, *self.whole, *self.else_whole, *self.volume])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Form):
    """Increase per second."""

    of: Sequence[TermLike]

    @property
    def unit(self) -> Unit:
        """Seconds per second are a ratio; everything else is per second."""
        return Unit.RATIO if terms(self.of)[0].metric.unit is Unit.SECONDS else Unit.PER_SECOND

    def inputs(self) -> tuple[Term, ...]:
        """What is counted."""
        return terms(self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level(Form):
    """A gauge as it stands: summed over its series, or the highest of them."""

    of: Sequence[TermLike]
    highest: bool = False

    @property
    def unit(self) -> Unit:
        """The gauge's own."""
        return terms(self.of)[0].metric.unit

    def inputs(self) -> tuple[Term, ...]:
        """The gauges."""
        return terms(self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Form):
    """Part of a histogram's observations at or under a bound, which must be a bucket edge to be exact."""

    of: Metric
    bound: float
    having: tuple[Matcher, ...] = ()

    @property
    def unit(self) -> Unit:
        """Always a ratio."""
        return Unit.RATIO

    def inputs(self) -> tuple[Term, ...]:
        """Buckets and count."""
        return bucket(self.of, self.having), count(self.of, self.having)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile(Form):
    """Interpolated between bucket edges like Prometheus' histogram_quantile: information, never a verdict."""

    of: Metric
    q: float
    having: tuple[Matcher, ...] = ()

    @property
    def unit(self) -> Unit:
        """The histogram's own."""
        return self.of.unit

    def inputs(self) -> tuple[Term, ...]:
        """The buckets."""
        return (bucket(self.of, self.having),)


def bucket(histogram: Metric, having: tuple[Matcher, ...] = ()) -> Term:
    """The cumulative buckets of a histogram."""
    return Term(histogram, having, "_bucket")


def count(histogram: Metric, having: tuple[Matcher, ...] = ()) -> Term:
    """The number of observations of a histogram."""
    return Term(histogram, having, "_count")


def only(label: str, value: str, op: Op = Op.EQ) -> tuple[Matcher, ...]:
    """One test, in the shape that Share and Quantile take."""
    return (Matcher(label, value, op),)


def edge(bound: float) -> str:
    """A bucket edge as the ``le`` label writes it, whatever the exporter wrote.

    >>> edge(0.1), edge(5.0), edge(float("inf"))
    ('0.1', '5', '+Inf')
    """
    return "+Inf" if bound == float("inf") else f"{bound:.12g}"


AnyForm = Ratio | Rate | Level | Share | Quantile
