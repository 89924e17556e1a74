"""Declarations of our own, as small as the question needs."""

from collections.abc import Mapping, Sequence

from dashboards.span import parse
from dashboards.survey import Survey
from dashboards.watched import Watched
from metrics.catalog import Catalog
from metrics.forms import Form, Ratio
from metrics.model import Kind, Metric, Sample, Unit
from metrics.poll import Poll, Tier
from metrics.target import Bounds, at_least
from storage.store import Store

good = Metric(name="shop_good_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Good ones.", labels=("shelf",))
every = Metric(name="shop_every_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="All of them.", labels=("shelf",))
share = Ratio(
    name="shop_share",
    title="Share",
    help="Good ones of all.",
    advice="Look at the shelves.",
    part=[good],
    whole=[every],
    by=("shelf",),
    target=at_least(0.8, window="1m", traffic=10),
)
SHOP = Watched("shop", "redis")


def catalog(*forms: Form) -> Catalog:
    """A catalog of these forms and the two counters, all of one layer."""
    metrics = {metric.name: metric for metric in (good, every)}
    named = {form.name: form for form in forms or (share,)}
    return Catalog(metrics, named, {}, dict.fromkeys([*metrics, *named], "redis"), {})


def survey(store: Store, now: float, length: str = "5m", forms: Sequence[Form] = ()) -> Survey:
    """A survey of the shop."""
    return Survey(store, catalog(*forms), (SHOP,), Bounds({}), parse({"range": length}, now))


def sell(store: Store, start: float, end: float, rates: Mapping[str, tuple[float, float]]) -> None:
    """Every ten seconds, for each shelf, so many good ones of so many."""
    rounds = int((end - start) // 10)
    for i in range(rounds + 1):
        samples = [Sample("trivet_source_up", (), 1.0)]
        for shelf, (part, whole) in rates.items():
            samples.append(Sample("shop_good_total", (("shelf", shelf),), 100 + part * i))
            samples.append(Sample("shop_every_total", (("shelf", shelf),), 100 + whole * i))
        store.append(Poll(source="shop", tier=Tier.FAST, at=start + 10 * i, duration=0.01, up=True, samples=samples))
