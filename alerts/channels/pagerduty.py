"""PagerDuty, by its Events API version 2: an incident there is opened and closed with ours."""

import json
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from alerts.alertmanager import fingerprint
from alerts.channel import Channel, Context
from alerts.channels.webhook import URL
from alerts.message import Fact, Message
from alerts.post import post
from alerts.secret import secret
from alerts.wording import lines

MOST_SUMMARY = 1024


class PagerDuty(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="pagerduty"):
    """A service of PagerDuty, or what takes the same events."""

    key: Annotated[str, Meta(description="The integration's routing key.")] = ""
    key_file: Annotated[str, Meta(description="File that holds it and nothing else.")] = ""
    url: Annotated[str, Meta(description="Address of the Events API.", pattern=URL)] = (
        "https://events.pagerduty.com/v2/enqueue"
    )

    def send(self, message: Message, context: Context) -> str:
        """An event for each incident: the same again does no harm, as each has a key of its own."""
        events = [self._event(fact, context) for fact in message.facts] or [self._note(message, context)]
        return [self._post(event, context) for event in events][-1]

    def _event(self, fact: Fact, context: Context) -> dict[str, object]:
        key = f"trivet-{fingerprint(fact)}-{fact.incident}"
        if fact.state == "resolved":
            return {"event_action": "resolve", "dedup_key": key}
        summary = f"{fact.subject}: {fact.title} {fact.value}, target {fact.bound}"[:MOST_SUMMARY]
        details = {"what": "\n".join(lines(fact, context.zone, context.external_url)), "advice": fact.advice}
        severity = fact.severity if fact.severity in ("info", "warning", "critical") else "error"
        payload = {"summary": summary, "source": fact.source, "severity": severity, "custom_details": details}
        links = [{"href": f"{context.external_url.rstrip('/')}{fact.path}", "text": "Trivet"}]
        return {
            "event_action": "trigger",
            "dedup_key": key,
            "payload": payload,
            **({"links": links} if context.external_url and fact.path else {}),
        }

    def _note(self, message: Message, context: Context) -> dict[str, object]:
        payload = {"summary": message.note[:MOST_SUMMARY] or message.subject, "source": "trivet", "severity": "info"}
        return {"event_action": "trigger", "dedup_key": f"trivet-{context.delivery}", "payload": payload}

    def _post(self, event: dict[str, object], context: Context) -> str:
        key = secret(self.key, self.key_file)
        body = json.dumps({"routing_key": key, "client": "Trivet", **event}, ensure_ascii=False).encode()
        given = {"Content-Type": "application/json"}
        return post(self.url, body, given, deadline=context.deadline, networks=context.networks, secrets=[key])

    def secrets(self) -> Sequence[str]:
        """The routing key."""
        return [self.key]
