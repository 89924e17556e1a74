"""Telegram, by a bot."""

import html
import json
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from alerts.channel import Channel, ChannelError, Context
from alerts.channels.webhook import URL
from alerts.message import Message
from alerts.post import post
from alerts.secret import secret
from alerts.wording import plain

MOST = 4000
"""Telegram takes 4,096 characters, after entities."""


class Telegram(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="telegram"):
    """A chat that a bot of yours is in."""

    chat: Annotated[str, Meta(description="Number of the chat, or @name of a channel.")]
    token: Annotated[str, Meta(description="The bot's token; better ${NAME} from the environment than in clear.")] = ""
    token_file: Annotated[str, Meta(description="File that holds it and nothing else.")] = ""
    url: Annotated[str, Meta(description="Address of the Bot API.", pattern=URL)] = "https://api.telegram.org"

    def send(self, message: Message, context: Context) -> str:
        """With a bold first line; refused markup is sent once more as plain text."""
        text = plain(message, context.zone, context.external_url, MOST)
        first, _, rest = html.escape(text, quote=False).partition("\n")
        marked = f"<b>{first}</b>\n{rest}"
        try:
            return self._post({"text": marked, "parse_mode": "HTML"}, context)
        except ChannelError as error:
            if not str(error).startswith("HTTP 400"):
                raise
        return self._post({"text": text}, context)

    def _post(self, words: dict[str, str], context: Context) -> str:
        token = secret(self.token, self.token_file)
        body = json.dumps({"chat_id": self.chat, "disable_web_page_preview": True, **words}).encode()
        return post(
            f"{self.url.rstrip('/')}/bot{token}/sendMessage",
            body,
            {"Content-Type": "application/json"},
            deadline=context.deadline,
            networks=context.networks,
            secrets=[token],
        )

    def secrets(self) -> Sequence[str]:
        """The token."""
        return [self.token]
