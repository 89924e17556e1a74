"""E-mail by SMTP, as text and as HTML."""

import base64
import html
import smtplib
import ssl
import time
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Annotated, Literal

from msgspec import Meta

from alerts.channel import Channel, ChannelError, Context
from alerts.message import Fact, Message
from alerts.post import checked_address
from alerts.secret import secret
from alerts.wording import WORDS, lines, plain, summary

COLOURS = {"critical": "#b42318", "warning": "#b54708", "info": "#175cd3"}
WELL = "#067647"


class Email(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="email"):
    """Mail by an SMTP server."""

    host: Annotated[str, Meta(description="Host name or address of the SMTP server.")]
    port: Annotated[int, Meta(description="Its port, whatever the way to encrypt.", ge=1, le=65535)] = 587
    encryption: Annotated[
        Literal["none", "starttls-if-offered", "starttls", "tls"],
        Meta(description="starttls: refused where it is not offered; tls: from the start."),
    ] = "starttls"
    user: Annotated[str, Meta(description="Account; no sign-in when empty.")] = ""
    password: Annotated[str, Meta(description="Its password; better ${NAME} from the environment than in clear.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the password and nothing else.")] = ""
    sender: Annotated[str, Meta(description="Address that it comes from.")]
    to: Annotated[tuple[str, ...], Meta(description="Addresses that it goes to.", min_length=1)]
    ca_file: Annotated[str, Meta(description="File of the certificate authorities to trust.")] = ""

    def send(self, message: Message, context: Context) -> str:
        """One mail to all. Its number is the delivery's, so that a second one is known for the same."""
        mail = self.mail(message, context)
        password = secret(self.password, self.password_file)
        try:
            with self._connected(context) as server:
                if self.user:
                    server.login(self.user, password)
                refused = server.send_message(mail)
        except smtplib.SMTPException as error:
            raise _failed(error, [password]) from None
        except ssl.SSLCertVerificationError as error:
            raise ChannelError(f"its certificate is not trusted: {error.verify_message}") from None
        except (OSError, ValueError) as error:
            raise ChannelError(f"{type(error).__name__}: {error}") from None
        return f"accepted for {len(self.to) - len(refused)} of {len(self.to)}"

    def mail(self, message: Message, context: Context) -> EmailMessage:
        """As text and as HTML, with a picture where there is one."""
        mail = EmailMessage()
        mail["Subject"] = " ".join(message.subject.split())
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{context.delivery}@trivet>"
        mail["X-Trivet-Delivery"] = context.delivery
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(plain(message, context.zone, context.external_url))
        picture = make_msgid(domain="trivet") if message.chart else ""
        mail.add_alternative(page(message, context, picture.strip("<>")), subtype="html")
        if picture:
            part = mail.get_payload()[1]  # type: ignore[index]  # the alternative that was just added
            part.add_related(base64.b64decode(message.chart), "image", "png", cid=picture)  # type: ignore[union-attr]
        return mail

    def _connected(self, context: Context) -> smtplib.SMTP:
        address = checked_address(self.host, self.port, context.networks)
        left = max(0.1, context.deadline - time.monotonic())
        trusted = ssl.create_default_context(cafile=self.ca_file or None)
        tls = self.encryption == "tls"
        server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=left, context=trusted) if tls else smtplib.SMTP(timeout=left)
        # What the certificate has to name; the address is the one that was looked at.
        server._host = self.host  # type: ignore[attr-defined]
        server.connect(address, self.port)
        server.ehlo()
        if tls:
            return server
        if self.encryption == "starttls" and not server.has_extn("starttls"):
            server.close()
            raise ChannelError("the server offers no STARTTLS, and nothing was sent without", permanent=True)
        if self.encryption != "none" and server.has_extn("starttls"):
            server.starttls(context=trusted)
            server.ehlo()
        return server

    def secrets(self) -> Sequence[str]:
        """The password."""
        return [self.password]


def page(message: Message, context: Context, picture: str = "") -> str:
    """The HTML: a block for each incident, no script, nothing from elsewhere."""
    blocks = [_block(fact, context) for fact in message.facts]
    image = f'<p><img src="cid:{picture}" alt="The value over time" width="560"></p>' if picture else ""
    head = f"<p>{html.escape(summary(message))}</p>"
    body = "".join([head, *blocks[:1], image, *blocks[1:]])
    style = "font:15px/1.45 system-ui,sans-serif;color:#1b1f24;max-width:640px"
    return f'<!doctype html><html><body style="{style}">{body}</body></html>'


def _block(fact: Fact, context: Context) -> str:
    colour = WELL if fact.state == "resolved" else COLOURS.get(fact.severity, "#444")
    first, *rest = lines(fact, context.zone)
    links = []
    if context.external_url:
        root = context.external_url.rstrip("/")
        given = ((fact.path, "Look at it"), (fact.silence_path if fact.state != "resolved" else "", "Silence it"))
        links = [f'<a href="{html.escape(root + path)}">{words}</a>' for path, words in given if path]
    del first
    state = WORDS.get(fact.state, fact.state)
    title = f"{state}: {fact.title} of {fact.subject}"
    value = f"<b>{html.escape(fact.value)}</b>, target {html.escape(fact.bound)}"
    text = "".join(f"<br>{html.escape(line)}" for line in rest)
    foot = f"<br>{' · '.join(links)}" if links else ""
    return (
        f'<div style="border-left:4px solid {colour};padding:2px 12px;margin:14px 0">'
        f'<div style="color:{colour};font-weight:600">{html.escape(title)}</div>{value}{text}{foot}</div>'
    )


def _failed(error: smtplib.SMTPException, secrets: Sequence[str]) -> ChannelError:
    """The server's own reply. 4xx is of this moment, 5xx is final."""
    code = getattr(error, "smtp_code", None)
    said = getattr(error, "smtp_error", b"")
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    words = f"{code} {text}".strip() if code else f"{type(error).__name__}: {error}"
    for secret_ in filter(None, secrets):
        words = words.replace(secret_, "…")
    final = (code is not None and 500 <= code < 600) or isinstance(error, smtplib.SMTPNotSupportedError)
    return ChannelError(" ".join(words.split()), permanent=final)
