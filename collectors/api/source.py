"""``[[source]]`` of kind api."""

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from collectors.api import metrics
from collectors.api.presets import PRESETS
from collectors.api.rules import Rule, own
from collectors.source import Source, one_of
from metrics.config import nearest
from metrics.model import Metric

DECLARED = {value.name: value for value in vars(metrics).values() if isinstance(value, Metric)}
"""The metrics that a page can feed, by name."""

_NAME = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"


class Taken(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"of": "from"}):
    """``[source.mapping.OUR_METRIC]``: where it is on the page."""

    of: Annotated[str, Meta(description="Their family; of a histogram without _bucket.", pattern=_NAME)]
    labels: Annotated[dict[str, str], Meta(description='Our label = theirs, or a text: { code = "{class}xx" }.')] = {}
    add: Annotated[dict[str, str], Meta(description="Labels of ours that have one value.")] = {}
    where: Annotated[dict[str, str], Meta(description='Their label = what it has to be; "!" not, "~" a pattern.')] = {}
    scale: Annotated[float, Meta(description="Their unit in ours: 0.001 for milliseconds.", gt=0)] = 1.0

    def rule(self, metric: Metric) -> Rule:
        """As a rule. Raises ValueError at a label that our metric does not have, and at a broken pattern."""
        for label in [*self.labels, *self.add]:
            if label not in metric.labels:
                valid = f"expected one of {', '.join(metric.labels)}" if metric.labels else "it has none"
                raise ValueError(f"{metric.name} has no label {label}: {valid}{nearest(label, metric.labels)}")
        for test in self.where.values():
            if test.startswith(("~", "!~")):
                _pattern(test.lstrip("!~"))
        return Rule(of=self.of, into=metric, labels=self.labels, add=self.add, where=self.where, scale=self.scale)


def _pattern(text: str) -> None:
    try:
        re.compile(text)
    except (re.error, OverflowError) as error:
        raise ValueError(f'"{text}" is no pattern: {error}') from None


class ApiSource(Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="api"):
    """An HTTP API, by its page of Prometheus metrics."""

    url: Annotated[
        str,
        Meta(
            description="Its page of metrics in Prometheus' text format.",
            pattern=r"^https?://[^\s/?#@]+(/[^\s#]*)?$",
        ),
    ]
    preset: Annotated[str, Meta(description=f"Whose names the page has; our own when empty: {', '.join(PRESETS)}.")] = (
        ""
    )
    mapping: Annotated[
        dict[str, Taken | tuple[Taken, ...]],
        Meta(description="Other names for single metrics, above the preset's: docs/api-metrics.md."),
    ] = {}
    token: Annotated[str, Meta(description="Bearer token; better ${NAME} from the environment than in clear.")] = ""
    token_file: Annotated[str, Meta(description="File that holds the token and nothing else.")] = ""
    ca_file: Annotated[str, Meta(description="File of the certificate authorities to trust.")] = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        super().__post_init__()
        one_of(self.token, self.token_file, "token")
        if self.preset and self.preset not in PRESETS:
            valid = f"expected one of {', '.join(PRESETS)}{nearest(self.preset, PRESETS)}"
            raise ValueError(f'preset = "{self.preset}" is unknown: {valid}')
        for name in self.mapping:
            if name not in DECLARED:
                valid = f"expected one of {', '.join(DECLARED)}{nearest(name, DECLARED)}"
                raise ValueError(f"mapping.{name} is no metric of an API: {valid}")
        list(self._mapped())

    def rules(self) -> list[Rule]:
        """The mapping, else the preset, else our own names: each metric of ours is had by the first that is there."""
        mapped = list(self._mapped())
        other = [rule for rule in PRESETS.get(self.preset, ()) if rule.into.name not in self.mapping]
        ours = [own(metric, rank=100) for name, metric in DECLARED.items() if name not in self.mapping]
        return [*mapped, *other, *ours]

    def _mapped(self) -> Iterator[Rule]:
        for name, given in self.mapping.items():
            for taken in given if isinstance(given, tuple) else (given,):
                yield taken.rule(DECLARED[name])
