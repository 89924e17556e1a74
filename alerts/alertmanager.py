"""A message in Alertmanager's words: labels, annotations, times."""

import hashlib
import json
from datetime import UTC, datetime

from alerts.channel import Context
from alerts.message import Fact, Message
from alerts.wording import plain


def body_of(message: Message, receiver: str, context: Context) -> dict[str, object]:
    """What Alertmanager's webhook sends, version 4, with what is ours in annotations."""
    alerts = [alert_of(fact, context.external_url) for fact in message.facts]
    firing = any(alert["status"] == "firing" for alert in alerts) or not alerts
    labels = [{*fact_labels(fact).items()} for fact in message.facts]
    common = set.intersection(*labels) if labels else set()
    return {
        "version": "4",
        "groupKey": f"{{}}:{{delivery={json.dumps(context.delivery)}}}",
        "truncatedAlerts": max(0, message.firing + message.resolved - len(alerts)),
        "status": "firing" if firing else "resolved",
        "receiver": receiver,
        "groupLabels": {},
        "commonLabels": dict(sorted(common)),
        "commonAnnotations": {"summary": plain(message, context.zone, context.external_url, 4000)},
        "externalURL": context.external_url,
        "alerts": alerts,
    }


def alert_of(fact: Fact, external_url: str) -> dict[str, object]:
    """One alert; it has an end when it is over."""
    resolved = fact.state == "resolved"
    ends = fact.since + (fact.lasted or 0.0) if resolved else None
    annotations = {
        "summary": f"{fact.title} of {fact.subject}: {fact.value}, target {fact.bound}",
        "description": fact.meaning,
        "advice": fact.advice,
        "worst": "\n".join(fact.worst),
        "beside": "\n".join(fact.beside),
    }
    return {
        "status": "resolved" if resolved else "firing",
        "labels": fact_labels(fact),
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": iso(fact.since),
        "endsAt": iso(ends) if ends is not None else "0001-01-01T00:00:00Z",
        "generatorURL": f"{external_url.rstrip('/')}{fact.path}" if external_url and fact.path else "",
        "fingerprint": fingerprint(fact),
    }


def fact_labels(fact: Fact) -> dict[str, str]:
    """What tells an alert from others; empty labels are none, as there."""
    known = {"alertname": fact.rule, "source": fact.source, "severity": fact.severity, **fact.labels}
    return {name: value for name, value in sorted(known.items()) if value}


def fingerprint(fact: Fact) -> str:
    """The same for an alert from its beginning to its end."""
    known = {name: value for name, value in fact_labels(fact).items() if name != "severity"}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


def iso(at: float) -> str:
    """A moment as RFC 3339 has it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
