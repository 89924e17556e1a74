"""A folder with alerts of every kind, and the board before it."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from alerts.board import Board
from alerts.channels.webhook import Webhook
from alerts.engine import Setup
from alerts.facts import Teller
from alerts.judge import Subjects, key_of
from alerts.machine import Phase
from alerts.rule import rules_of
from dashboards import amounts
from dashboards.standing import bound_text
from metrics.alerting import Alerting
from metrics.catalog import Catalog
from metrics.model import Labels
from storage.incidents import Changed, Incidents, Remembered
from tests.dashboards.feed import SOURCES


def board(folder: Path, catalog: Catalog, now: float | None = None) -> Board:
    """As `trivet web` has it, with two channels; now, unless it is told when."""
    rules = rules_of(catalog)
    teller = Teller(
        rules=rules,
        form_value=lambda form, value: str(amounts.amount(value, amounts.measure(form))),
        form_bound=bound_text,
        forms=catalog.forms,
    )
    channels = [
        Webhook(name="on-call", url="http://127.0.0.1:9/", severities=("critical",)),
        Webhook(name="chat", url="http://127.0.0.1:9/", severities=("warning", "critical")),
    ]
    setup = Setup(
        rules=rules,
        sources=[Subjects(name=each.name, kind=each.kind) for each in SOURCES],
        channels=channels,
        settings=Alerting(),
        teller=teller,
        tags={each.name: each.tags for each in SOURCES},
        behind={},
    )
    return Board(folder, setup, clock=time.time if now is None else lambda: now)


def change(
    rule: str,
    source: str,
    at: float,
    *,
    labels: Labels = (),
    value: float | None = 0.5,
    bound: float | None = 0.8,
    severity: str = "warning",
    began: float = 0.0,
    phase: Phase = Phase.FIRING,
    closes: bool = False,
    reason: str = "",
) -> Changed:
    """One change of a rule for one subject, as the judge writes it."""
    key = key_of(rule, source, labels)
    body = json.dumps({"phase": str(phase), "began": began or at, "held": 60.0})
    mind = Remembered(key=key, rule=rule, source=source, labels=labels, phase=str(phase), at=at, body=body)
    return Changed(
        mind=mind,
        at=at,
        old="firing" if closes else "pending",
        new="ok" if closes else str(phase),
        severity=severity,
        began=began or at,
        opens=phase is Phase.FIRING and not closes,
        closes=closes,
        value=value,
        bound=bound,
        reason=reason,
    )


def pulse(folder: Path, at: float, **more: object) -> None:
    """What the process that judges last said of itself."""
    stages = dict.fromkeys(("collected", "judged", "dispatched", "sender"), at)
    said: Mapping[str, object] = {"pid": 1, "stages": stages, "broken": [], "trouble": "", "config": "", **more}
    (folder / "alert.json").write_text(json.dumps(said))


def filled(here: Board, now: float) -> Board:
    """Two that fire, one that is pending, and one that is over; messages that arrived, wait and were given up."""
    incidents, deliveries = here.incidents, here.deliveries
    incidents.record([change("redis_hit_rate", "cache", now - 5000, value=0.42, began=now - 5300)])
    incidents.record([change("redis_hit_rate", "cache", now - 4000, value=0.91, closes=True)])
    incidents.record(
        [
            change("redis_hit_rate", "cache", now - 600, value=0.613, began=now - 900),
            change("source_up", "main", now - 60, value=0.0, bound=1.0, severity="critical", began=now - 90),
        ]
    )
    incidents.record([], [change("pgbouncer_server_connections", "pooler", now, phase=Phase.PENDING).mind])
    first, second = sorted(incident.id for incident in incidents.open())
    body = '{"kind": "firing", "at": 0}'
    sent = deliveries.queue("chat", "firing", body, now - 600, firing=[first])
    deliveries.claim("chat", "test", now - 599)
    deliveries.sent(sent, now - 599, "200 OK")
    lost = deliveries.queue("on-call", "firing", body, now - 60, firing=[second])
    deliveries.claim("on-call", "test", now - 60)
    deliveries.dead(lost, "connect to 127.0.0.1:9: Connection refused")
    deliveries.queue("chat", "firing", body, now - 60, firing=[second])
    pulse(here.folder, now)
    assert isinstance(incidents, Incidents)
    return here
