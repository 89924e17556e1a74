"""JSON as Alertmanager sends it, so that whatever understands that understands us; signed where a secret is given."""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from alerts.alertmanager import body_of
from alerts.channel import Channel, Context
from alerts.message import Message
from alerts.post import post
from alerts.secret import secret

URL = r"^https?://[^\s]+$"


class Webhook(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="webhook"):
    """A POST of Alertmanager's JSON to an address of your own."""

    url: Annotated[str, Meta(description="Where it goes; may hold a token, so it is never shown.", pattern=URL)]
    secret: Annotated[str, Meta(description="Signs the timestamp and the body: HMAC-SHA256 in Trivet-Signature.")] = ""
    secret_file: Annotated[str, Meta(description="File that holds it and nothing else.")] = ""
    old_secret: Annotated[str, Meta(description="Signs as well, while receivers change to the new one.")] = ""
    headers: Annotated[dict[str, str], Meta(description="Further headers, such as a token's.")] = {}
    ca_file: Annotated[str, Meta(description="File of the certificate authorities to trust.")] = ""

    def send(self, message: Message, context: Context) -> str:
        """One POST for the whole message."""
        body = json.dumps(body_of(message, self.name, context), ensure_ascii=False).encode()
        stamp = f"{time.time():.0f}"
        keys = [key for key in (secret(self.secret, self.secret_file), self.old_secret) if key]
        signed = ",".join([f"t={stamp}", *(f"v1={signature(key, stamp, body)}" for key in keys)])
        given = {
            "Content-Type": "application/json",
            "Trivet-Delivery": context.delivery,
            "Idempotency-Key": context.delivery,
            "Trivet-Timestamp": stamp,
            **({"Trivet-Signature": signed} if keys else {}),
            **self.headers,
        }
        return post(
            self.url,
            body,
            given,
            deadline=context.deadline,
            networks=context.networks,
            secrets=[*self.secrets(), *keys],
            ca_file=self.ca_file,
        )

    def secrets(self) -> Sequence[str]:
        """The address may hold one as well."""
        return [self.url, self.secret, self.old_secret, *self.headers.values()]


def signature(key: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 over the timestamp, a full stop and the raw body, in hexadecimal digits."""
    return hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
