"""What a page has and lacks: for `trivet check`, not for polls."""

from collections.abc import Iterator, Mapping, Sequence

from collectors.api import metrics
from collectors.api.page import Parser
from collectors.api.presets import PRESETS
from collectors.api.rules import Rule, own
from collectors.api.source import DECLARED
from collectors.collector import Lack
from metrics.model import Kind, Metric, Sample

Families = Mapping[str, Mapping[str, str]]
"""Names on a page, each with the labels of one of its series."""

_WHY = {
    metrics.requests: "errors and throughput stay unknown",
    metrics.duration: "p95, p99 and cache-served latency stay unknown",
    metrics.database: "p95 query time stays unknown",
    metrics.cache_requests: "the API's own cache hit rate stays unknown",
    metrics.in_flight: "concurrent users stay unknown, unless http_connections_open is there",
}


def families(text: str) -> Families:
    """The first series of each name on a page. Raises ValueError."""
    found: dict[str, Mapping[str, str]] = {}

    def choose(name: str, labels: Mapping[str, str]) -> None:
        found[name] = labels

    for _ in Parser(lambda name: name not in found, choose).values(text):
        pass
    return found


def taken(rules: Sequence[Rule], there: Families, samples: Sequence[Sample]) -> Iterator[str]:
    """Our metrics that the page feeds, each with the family that does."""
    names = {sample.metric for sample in samples}
    for name, metric in DECLARED.items():
        if _first(metric) in names or name in names:
            found = sorted((rule for rule in rules if rule.into is metric and _there(rule, there)), key=_rank)
            of = " and ".join(rule.of for rule in found if rule.rank == found[0].rank)
            yield name if of == name else f"{name} from {of}"


def suggested(preset: str, rules: Sequence[Rule], there: Families) -> tuple[Lack, ...]:
    """The preset that suits a page better than what is set; none when there is none."""
    scores = {name: _suits(given, there) for name, given in PRESETS.items()}
    best = max(scores, key=lambda name: scores[name])
    if best == preset or scores[best] <= max(_suits(rules, there), _suits([own(m) for m in DECLARED.values()], there)):
        return ()
    names = sorted({rule.of for rule in PRESETS[best] if _there(rule, there)})
    why = f"the page looks like that of {best}, by {', '.join(names)}"
    return (Lack(f"the preset {best}", why, f'preset = "{best}"'),)


def lacking(found: Sequence[Sample]) -> tuple[Lack, ...]:
    """The families that are not there, and the bounds that are no bucket edges."""
    names = {sample.metric for sample in found}
    lacks = [
        Lack(f"no {metric.name}", why, f"# TYPE {metric.name} {metric.kind}")
        for metric, why in _WHY.items()
        if not {metric.name, f"{metric.name}_count"} & names
    ]
    for metric, bounds in ((metrics.duration, ("0.01", "0.1", "0.2")), (metrics.database, ("0.05",))):
        edges = {dict(sample.labels).get("le") for sample in found if sample.metric == f"{metric.name}_bucket"}
        missing = [bound for bound in bounds if edges and bound not in edges]
        why = "the share of requests within a bound is exact at bucket edges only: the verdict stays unknown"
        if missing:
            lacks.append(Lack(f"{metric.name} has no edge at {', '.join(missing)} s", why, f"buckets = {missing}"))
        elif not edges and f"{metric.name}_count" in names:
            lacks.append(Lack(f"{metric.name} is a summary: it has no buckets", why, "publish it as a histogram"))
    return tuple(lacks)


def _suits(rules: Sequence[Rule], there: Families) -> int:
    """How many metrics and labels of ours the page can fill by these rules."""
    scores: dict[str, int] = {}
    for rule in rules:
        for theirs, _ in rule.names():
            if theirs in there:
                filled = 1 + len(rule.renamed({**there[theirs], "le": "1"}, ""))
                scores[rule.into.name] = max(scores.get(rule.into.name, 0), filled)
    return sum(scores.values())


def _there(rule: Rule, there: Families) -> bool:
    return any(theirs in there for theirs, _ in rule.names())


def _rank(rule: Rule) -> int:
    return rule.rank


def _first(metric: Metric) -> str:
    return f"{metric.name}_count" if metric.kind is Kind.HISTOGRAM else metric.name
