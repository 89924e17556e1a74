"""Everything else that Apprise knows: a hundred services by a URL each."""

import importlib
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from alerts.channel import Channel, ChannelError, Context
from alerts.message import Message
from alerts.secret import secret
from alerts.wording import plain

MOST = 3500


class Apprise(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="apprise"):
    """Any service that the library Apprise knows."""

    url: Annotated[str, Meta(description="Apprise's URL of the service; mostly it holds a token.")] = ""
    url_file: Annotated[str, Meta(description="File that holds it and nothing else.")] = ""
    schemes: Annotated[
        tuple[str, ...], Meta(description="What the URL may begin with, such as ntfys; no other is used.", min_length=1)
    ]

    def send(self, message: Message, context: Context) -> str:
        """Through the library, which says yes or no and not why."""
        try:
            apprise = importlib.import_module("apprise")
        except ImportError:
            raise ChannelError("apprise is not installed: pip install apprise", permanent=True) from None
        url = secret(self.url, self.url_file)
        if urlsplit(url).scheme not in self.schemes:
            raise ChannelError(f"the URL begins with none of {', '.join(self.schemes)}", permanent=True)
        sender = apprise.Apprise()
        if not sender.add(url):
            raise ChannelError("Apprise does not understand the URL", permanent=True)
        text = plain(message, context.zone, context.external_url, MOST)
        if not sender.notify(body=text, title=message.subject):
            raise ChannelError("the service did not take it; Apprise does not say why")
        return "accepted"

    def secrets(self) -> Sequence[str]:
        """The URL."""
        return [self.url]
