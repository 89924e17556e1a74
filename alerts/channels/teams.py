"""Microsoft Teams, by a workflow's webhook: an adaptive card."""

import json
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from alerts.channel import Channel, ChannelError, Context
from alerts.channels.webhook import URL
from alerts.message import Message
from alerts.post import post
from alerts.wording import lines, plain, summary

MOST_BYTES = 25_000
"""Teams refuses 28 KB and more."""

COLOURS = {"critical": "Attention", "warning": "Warning", "info": "Accent"}


class Teams(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="teams"):
    """A webhook of a Teams workflow."""

    url: Annotated[str, Meta(description="The workflow's address; whoever knows it may post.", pattern=URL)]

    def send(self, message: Message, context: Context) -> str:
        """A card with as many incidents as it can hold; a refused one is sent once more as one short text."""
        for most in (len(message.facts), 20, 5, 1):
            body = self._body(message, context, most)
            if len(body) <= MOST_BYTES:
                break
        try:
            return self._post(body, context)
        except ChannelError as error:
            if not error.permanent or not str(error).startswith("HTTP 4"):
                raise
        short = [_text(plain(message, context.zone, context.external_url, 2000))]
        return self._post(_card(short), context)

    def _body(self, message: Message, context: Context, most: int) -> bytes:
        found: list[dict[str, object]] = [_text(message.subject, size="Large", weight="Bolder")]
        if message.firing + message.resolved > 1 or not message.facts:
            found.append(_text(summary(message)))
        for fact in message.facts[:most]:
            first, *rest = lines(fact, context.zone, context.external_url)
            colour = "Good" if fact.state == "resolved" else COLOURS.get(fact.severity, "Default")
            found.append(_text(first, weight="Bolder", color=colour, separator=True))
            found += [_text(line, spacing="None") for line in rest]
        more = message.firing + message.resolved - min(most, len(message.facts))
        if more > 0:
            found.append(_text(f"and {more} more"))
        return _card(found)

    def _post(self, body: bytes, context: Context) -> str:
        given = {"Content-Type": "application/json"}
        return post(self.url, body, given, deadline=context.deadline, networks=context.networks, secrets=self.secrets())

    def secrets(self) -> Sequence[str]:
        """The address."""
        return [self.url]


def _card(body: list[dict[str, object]]) -> bytes:
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False).encode()


def _text(text: str, **more: object) -> dict[str, object]:
    # Markdown in it would be drawn: what begins it is made text.
    plain_text = "".join(f"\\{char}" if char in "*_[]()`#" else char for char in text)
    return {"type": "TextBlock", "text": plain_text, "wrap": True, **more}
