"""What somebody is told of: a form and a bound, as declared and as the config file tunes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from alerts.stale import source_stale, trivet_cannot_see
from metrics.alerting import Tuning
from metrics.catalog import Catalog
from metrics.duration import seconds
from metrics.forms import AnyForm, Form
from metrics.target import Bounds, Severity, Target

EVERY = "trivet"
"""The kind of the rules that hold for sources of all kinds."""

ITSELF = "itself"
"""The kind of the rules that speak of Trivet and of no source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One form that is judged, for all sources of a kind.

    kind       of the sources that report what it is made of
    is_target  whether it is a target of the scorecard, too
    only_while another rule that has to be missed as well, for the same source
    """

    name: str
    kind: str
    form: AnyForm
    declared: Target
    is_target: bool
    only_while: str = ""

    @property
    def title(self) -> str:
        """As a page's row calls it."""
        return self.form.title


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, with what the config file says of them."""

    rules: Mapping[str, Rule]
    tunings: Sequence[Tuning] = ()
    bounds: Bounds = Bounds({})

    def target(self, rule: Rule, source: str) -> Target | None:
        """The target as it stands for one source; None where it is switched off.

        Of several blocks of the config file that speak of it the last one wins, key by key.
        """
        target, off = self.bounds.of(rule.name, rule.declared, source), False
        for tuning in self.tunings:
            if tuning.speaks_of(rule.name, source):
                target = tuned(target, tuning)
                off = off if tuning.off is None else tuning.off
        return None if off else target

    def channels(self, rule: Rule, source: str) -> tuple[str, ...] | None:
        """The channels that the config file names for it; None where it leaves that to the severity."""
        named = [t.channels for t in self.tunings if t.speaks_of(rule.name, source) and t.channels is not None]
        return tuple(named[-1]) if named else None


def rules_of(catalog: Catalog, tunings: Sequence[Tuning] = (), bounds: Bounds | None = None) -> Rules:
    """Every form that has a target or an alert."""
    found = {
        source_stale.name: _rule(source_stale, EVERY),
        trivet_cannot_see.name: _rule(trivet_cannot_see, ITSELF),
    }
    for form in catalog.alerting():
        found[form.name] = _rule(form, catalog.kind_of(form.name))
    return Rules(found, tunings, bounds or Bounds({}))


def tuned(target: Target, tuning: Tuning) -> Target:
    """The target with what a block sets. A recovery bound that would miss a new bound moves along with it."""
    if tuning.bound is not None:
        target = target.at(tuning.bound)
    if tuning.recover is not None:
        target = replace(target, recover=tuning.recover)
    return replace(
        target,
        window=target.window if tuning.window is None else seconds(tuning.window),
        hold=target.hold if tuning.hold is None else seconds(tuning.hold),
        keep=target.keep if tuning.keep is None else seconds(tuning.keep),
        traffic=target.traffic if tuning.traffic is None else tuning.traffic,
        severity=target.severity if tuning.severity is None else Severity(tuning.severity),
    )


def _rule(form: Form, kind: str) -> Rule:
    target = form.target or form.alert
    if target is None:
        raise ValueError(f"{form.name} has neither a target nor an alert")
    return Rule(
        name=form.name,
        kind=kind,
        form=cast(AnyForm, form),
        declared=target,
        is_target=form.target is not None,
        only_while=form.only_while,
    )
