"""Alertmanager itself, by its API version 2: it groups and routes as it does for Prometheus."""

import json
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from alerts.alertmanager import alert_of, iso
from alerts.channel import Channel, Context
from alerts.channels.webhook import URL
from alerts.message import Message
from alerts.post import post
from alerts.secret import secret

LASTS = 365 * 86_400.0
"""Seconds for which an alert stays there if nobody says that it is over."""


class Alertmanager(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="alertmanager"):
    """An Alertmanager that runs already."""

    url: Annotated[str, Meta(description="Its address, without /api/v2.", pattern=URL)]
    token: Annotated[str, Meta(description="Bearer token, where a proxy asks for one.")] = ""
    token_file: Annotated[str, Meta(description="File that holds it and nothing else.")] = ""
    ca_file: Annotated[str, Meta(description="File of the certificate authorities to trust.")] = ""

    def send(self, message: Message, context: Context) -> str:
        """All its alerts at once; a test is an alert of its own."""
        alerts = [alert_of(fact, context.external_url) for fact in message.facts] or [_note(message)]
        kept = ("labels", "annotations", "startsAt", "endsAt", "generatorURL")
        # Without an end Alertmanager makes one up, five minutes on, and says then that all is well.
        lasting = iso(message.at + LASTS)
        for alert in alerts:
            if alert.get("status") == "firing":
                alert["endsAt"] = lasting
        body = json.dumps([{name: alert[name] for name in kept if name in alert} for alert in alerts]).encode()
        token = secret(self.token, self.token_file)
        given = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        return post(
            f"{self.url.rstrip('/')}/api/v2/alerts",
            body,
            given,
            deadline=context.deadline,
            networks=context.networks,
            secrets=[token],
            ca_file=self.ca_file,
        )

    def secrets(self) -> Sequence[str]:
        """The token."""
        return [self.token]


def _note(message: Message) -> dict[str, object]:
    labels = {"alertname": f"trivet_{message.kind}", "severity": "info" if message.kind == "test" else "critical"}
    return {"labels": labels, "annotations": {"summary": message.note}}
