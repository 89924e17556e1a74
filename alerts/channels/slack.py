"""Slack's incoming webhooks, and what takes the same JSON: Mattermost, Rocket.Chat."""

import json
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from alerts.channel import Channel, ChannelError, Context
from alerts.channels.webhook import URL
from alerts.message import Fact, Message
from alerts.post import post
from alerts.wording import lines, plain, summary

MOST_HEADER, MOST_SECTION, MOST_BLOCKS = 150, 3000, 50
"""Characters and blocks that Slack takes."""


class Slack(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="slack"):
    """An incoming webhook of Slack, Mattermost or Rocket.Chat."""

    url: Annotated[str, Meta(description="The webhook's address; whoever knows it may post.", pattern=URL)]

    def send(self, message: Message, context: Context) -> str:
        """In blocks; refused ones are sent once more as plain text."""
        rich = {"text": escaped(message.subject)[:MOST_SECTION], "blocks": blocks(message, context)}
        try:
            return self._post(rich, context)
        except ChannelError as error:
            if not error.permanent or not str(error).startswith("HTTP 4"):
                raise
        return self._post({"text": escaped(plain(message, context.zone, context.external_url, 2500))}, context)

    def _post(self, body: object, context: Context) -> str:
        given = {"Content-Type": "application/json"}
        text = json.dumps(body, ensure_ascii=False).encode()
        return post(self.url, text, given, deadline=context.deadline, networks=context.networks, secrets=self.secrets())

    def secrets(self) -> Sequence[str]:
        """The address."""
        return [self.url]


def blocks(message: Message, context: Context) -> list[dict[str, object]]:
    """A header, a section for each incident as far as there is room, and how many there are more."""
    found: list[dict[str, object]] = [_header(message.subject)]
    if message.firing + message.resolved > 1 or not message.facts:
        found.append(_section(summary(message)))
    room = MOST_BLOCKS - len(found) - 1
    for fact in message.facts[:room]:
        found.append(_section("\n".join(_said(fact, context))))
    more = message.firing + message.resolved - len(message.facts[:room])
    if more > 0:
        where = f": {context.external_url.rstrip('/')}/alerts" if context.external_url else ""
        found.append(_section(f"and {more} more{where}"))
    return found


def escaped(text: str) -> str:
    """What Slack takes for markup, made text.

    >>> escaped("<b> & c")
    '&lt;b&gt; &amp; c'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _said(fact: Fact, context: Context) -> list[str]:
    first, *rest = lines(fact, context.zone, context.external_url)
    return [f"*{escaped(first).replace('*', '∗')}*", *map(escaped, rest)]


def _header(text: str) -> dict[str, object]:
    return {"type": "header", "text": {"type": "plain_text", "text": _cut(text, MOST_HEADER)}}


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, MOST_SECTION)}}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
