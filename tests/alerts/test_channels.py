"""Each channel against a real receiver: what it sends, what it makes of refusals, and where it may not go."""

import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.channel import Channel, ChannelError, Context, channel_types
from alerts.channels.alertmanager import Alertmanager
from alerts.channels.apprise import Apprise
from alerts.channels.email import Email
from alerts.channels.pagerduty import PagerDuty
from alerts.channels.slack import Slack
from alerts.channels.teams import Teams
from alerts.channels.telegram import Telegram
from alerts.channels.webhook import Webhook
from alerts.message import Fact, Message
from alerts.post import checked_address, post
from tests.alerts.receivers import Got, Receiver, mailbox, receiving
from tests.certificates import Authority

LOOPBACK = ("127.0.0.0/8", "::1/128")
ODD = 'a_b*c[d](e) <f> & "g"'
SQL = "SELECT * FROM t WHERE a < 5 AND b > 'ü' -- `x` " + "é🙂" * 2500


def fact(number: int = 1, **more: Any) -> Fact:
    given: dict[str, Any] = {
        "incident": number,
        "state": "firing",
        "severity": "warning",
        "rule": "redis_hit_rate",
        "title": "Hit rate",
        "source": "cache",
        "subject": "cache",
        "value": "61.2 %",
        "bound": "≥ 80 %",
        "since": 1_800_000_000.0,
        "window": 300.0,
        "meaning": "Share of lookups that Redis could answer.",
        "advice": "Look for keys evicted early.",
        "worst": ("GET: calls 30 / s",),
        "beside": ("deploy 2 min before: v42",),
        "path": f"/alerts/{number}",
        "silence_path": "/alerts/silences?rule=x",
    }
    return Fact(**{**given, **more})


ONE = Message(kind="firing", at=1_800_000_300.0, facts=(fact(),), firing=1)
WELL = Message(
    kind="resolved", at=1_800_000_900.0, facts=(fact(state="resolved", value="91.0 %", lasted=900.0),), resolved=1
)
STORM = Message(
    kind="firing",
    at=0.0,
    firing=200,
    facts=tuple(fact(number, subject=f"cache-{number} {ODD}", worst=(SQL,)) for number in range(30)),
)
HOSTILE = Message(kind="firing", at=0.0, firing=1, facts=(fact(title=ODD, subject=ODD, worst=(SQL[:300],)),))
NOTE = Message(kind="test", at=0.0, note="A test by ann.")


def context(**more: Any) -> Context:
    given: dict[str, Any] = {
        "delivery": "d" * 32,
        "deadline": time.monotonic() + 10,
        "external_url": "https://t.example/trivet",
        "networks": LOOPBACK,
    }
    return Context(**{**given, **more})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def made(kind: str, url: str) -> Channel:
    channels: dict[str, Callable[[], Channel]] = {
        "webhook": lambda: Webhook(name="c", url=url, secret="a-secret-of-some-length", old_secret="the-old-secret"),
        "slack": lambda: Slack(name="c", url=url),
        "teams": lambda: Teams(name="c", url=url),
        "telegram": lambda: Telegram(name="c", url=url, chat="42", token="12:a-token"),
        "pagerduty": lambda: PagerDuty(name="c", url=url, key="a-routing-key"),
        "alertmanager": lambda: Alertmanager(name="c", url=url),
    }
    return channels[kind]()


HTTP = ("webhook", "slack", "teams", "telegram", "pagerduty", "alertmanager")


def test_every_kind_is_found_by_itself() -> None:
    assert set(channel_types()) == {*HTTP, "email", "apprise"}


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize("message", [ONE, WELL, STORM, HOSTILE, NOTE], ids=["one", "well", "storm", "hostile", "note"])
def test_what_is_sent_is_taken_and_says_it(receiver: Receiver, kind: str, message: Message) -> None:
    made(kind, receiver.url).send(message, context())
    (*_, got) = receiver.got
    said = json.loads(got.body)
    text = json.dumps(said, ensure_ascii=False)
    if message is ONE:
        assert "61.2 %" in text or kind == "alertmanager"
        assert "Hit rate" in text
        assert "evicted early" in text
    if message is STORM and kind not in ("pagerduty", "alertmanager", "webhook"):
        assert "200 alerts firing" in text
        assert "more" in text
    if message is STORM and kind == "webhook":
        assert said["truncatedAlerts"] == 170


def slack_limits(got: Got) -> tuple[int, str] | None:
    """As Slack judges: sections of 3,000 characters, headers of 150, fifty blocks."""
    said = json.loads(got.body)
    blocks = said.get("blocks", [])
    good = len(blocks) <= 50 and all(
        len(block["text"]["text"]) <= (150 if block["type"] == "header" else 3000) for block in blocks
    )
    return None if good else (400, "invalid_blocks")


def telegram_limits(got: Got) -> tuple[int, str] | None:
    return (
        None
        if len(json.loads(got.body)["text"].replace("<b>", "").replace("</b>", "")) <= 4096
        else (400, "message is too long")
    )


def teams_limits(got: Got) -> tuple[int, str] | None:
    return None if len(got.body) < 28_000 else (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    ("kind", "judge"), [("slack", slack_limits), ("telegram", telegram_limits), ("teams", teams_limits)]
)
def test_two_hundred_alerts_fit_and_are_counted(
    receiver: Receiver, kind: str, judge: Callable[[Got], tuple[int, str] | None]
) -> None:
    receiver.judge = judge
    made(kind, receiver.url).send(STORM, context())
    (got,) = receiver.got
    assert "200 alerts firing" in got.body.decode()
    got.body.decode("utf-8")


@pytest.mark.parametrize("kind", ["slack", "teams", "telegram"])
def test_markup_that_is_refused_is_sent_as_plain_text(receiver: Receiver, kind: str) -> None:
    receiver.answers = [(400, {}), (200, {})]
    made(kind, receiver.url).send(HOSTILE, context())
    rich, plain = (json.loads(got.body) for got in receiver.got)
    assert rich != plain
    assert "61.2 %" in json.dumps(plain, ensure_ascii=False)


@pytest.mark.parametrize("kind", HTTP)
def test_refusals_are_final_or_not_as_they_say(receiver: Receiver, kind: str) -> None:
    channel = made(kind, receiver.url)
    for status, headers, permanent, after in (
        (404, {}, True, None),
        (500, {}, False, None),
        (503, {"Retry-After": "7"}, False, 7.0),
        (429, {"Retry-After": "2"}, False, 2.0),
        (408, {}, False, None),
        (302, {"Location": "http://169.254.169.254/"}, True, None),
    ):
        receiver.answers = [(status, headers)]
        with pytest.raises(ChannelError) as caught:
            channel.send(ONE, context())
        assert (caught.value.permanent, caught.value.retry_after) == (permanent, after), status
        assert f"HTTP {status}" in str(caught.value)
        for secret in channel.secrets():
            assert not secret or secret not in str(caught.value)


def test_a_receiver_that_hangs_costs_the_deadline_and_no_more(receiver: Receiver) -> None:
    import threading

    receiver.hang = threading.Event()
    begun = time.monotonic()
    with pytest.raises(ChannelError, match="no answer in time"):
        made("slack", receiver.url).send(ONE, context(deadline=time.monotonic() + 0.5))
    assert time.monotonic() - begun < 10


def test_a_webhook_is_signed_and_a_second_try_has_the_same_number(receiver: Receiver) -> None:
    channel = made("webhook", receiver.url)
    for _ in range(2):
        channel.send(ONE, context())
    first, second = receiver.got
    assert first.headers["Trivet-Delivery"] == second.headers["Trivet-Delivery"] == "d" * 32
    stamp, *signatures = first.headers["Trivet-Signature"].split(",")
    signed = stamp.removeprefix("t=").encode() + b"." + first.body
    for key, given in zip((b"a-secret-of-some-length", b"the-old-secret"), signatures, strict=True):
        assert given == "v1=" + hmac.new(key, signed, hashlib.sha256).hexdigest()
    said = json.loads(first.body)
    assert (said["version"], said["status"], said["receiver"]) == ("4", "firing", "c")
    (alert,) = said["alerts"]
    assert alert["labels"]["alertname"] == "redis_hit_rate"
    assert alert["generatorURL"] == "https://t.example/trivet/alerts/1"
    assert "a-secret" not in repr(channel)


def test_pagerduty_closes_what_it_opened(receiver: Receiver) -> None:
    channel = made("pagerduty", receiver.url)
    channel.send(ONE, context())
    channel.send(WELL, context())
    opened, closed = (json.loads(got.body) for got in receiver.got)
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"]


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1]/",
        "http://2130706433/",
        "ftp://example.org/",
        "file:///etc/passwd",
    ],
)
def test_private_addresses_are_refused_unless_they_are_named(url: str) -> None:
    with pytest.raises(ChannelError) as caught:
        post(url, b"", {}, deadline=time.monotonic() + 5)
    assert caught.value.permanent or "cannot be resolved" in str(caught.value)
    if url.startswith("http://127"):
        assert checked_address("127.0.0.1", 80, ["127.0.0.0/8"]) == "127.0.0.1"


def test_without_an_external_url_there_is_no_link(receiver: Receiver) -> None:
    for kind in ("slack", "teams", "telegram", "pagerduty"):
        made(kind, receiver.url).send(ONE, context(external_url=""))
    for got in receiver.got:
        assert b"/alerts/1" not in got.body


# --- mail -----------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(new_authority: Callable[[str], Authority]) -> Authority:
    return new_authority("mail")


def server_side(authority: Authority) -> ssl.SSLContext:
    certificate = authority.certificate("IP:127.0.0.1")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate.file, certificate.key)
    return made


def mail(port: int, **more: Any) -> Email:
    given: dict[str, Any] = {
        "name": "mail",
        "host": "127.0.0.1",
        "port": port,
        "sender": "trivet@example.org",
        "to": ("ann@example.org", "bob@example.org"),
    }
    return Email(**{**given, **more})


@pytest.mark.parametrize("how", ["none", "starttls-if-offered", "starttls", "tls"])
def test_mail_arrives_however_it_is_encrypted_on_any_port(authority: Authority, how: str) -> None:
    secure = server_side(authority)
    with mailbox(starttls=secure if "starttls" in how else None, tls=secure if how == "tls" else None) as box:
        mail(box.port, encryption=how, ca_file=str(authority.file)).send(replace_chart(ONE), context())
        (got,) = box.mails
    assert got["Subject"] == "[warning] cache: Hit rate"
    assert got["To"] == "ann@example.org, bob@example.org"
    assert got["X-Trivet-Delivery"] == "d" * 32
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in got.walk() if not part.is_multipart()}
    text = parts["text/plain"].decode()  # type: ignore[union-attr]
    assert text.splitlines()[2].startswith("FIRING [warning] cache: Hit rate 61.2 %, target ≥ 80 %")
    assert len(text.splitlines()) <= 12
    assert b"evicted early" in parts["text/html"]
    assert parts["image/png"] == b"\x89PNG picture"


def replace_chart(message: Message) -> Message:
    import base64

    import msgspec

    return msgspec.structs.replace(message, chart=base64.b64encode(b"\x89PNG picture").decode())


def test_required_starttls_that_is_not_offered_sends_nothing() -> None:
    with mailbox() as box:
        with pytest.raises(ChannelError, match="offers no STARTTLS") as caught:
            mail(box.port).send(ONE, context())
        assert caught.value.permanent
        mail(box.port, encryption="starttls-if-offered").send(ONE, context())
        assert len(box.mails) == 1


def test_a_certificate_of_nobody_known_is_refused(authority: Authority) -> None:
    with mailbox(tls=server_side(authority)) as box:
        with pytest.raises(ChannelError, match="not trusted"):
            mail(box.port, encryption="tls").send(ONE, context())
        assert box.mails == []


def test_a_wrong_password_is_said_in_the_servers_words_and_a_blank_user_signs_in_nowhere(tmp_path: Path) -> None:
    with mailbox(login=("trivet", "right-password")) as box:
        with pytest.raises(ChannelError, match="535") as caught:
            mail(box.port, encryption="none", user="trivet", password="wrong-password").send(ONE, context())
        assert "wrong-password" not in str(caught.value)
        kept = tmp_path / "password"
        kept.write_text("right-password\n")
        mail(box.port, encryption="none", user="trivet", password_file=str(kept)).send(ONE, context())
    assert len(box.mails) == 1
    with mailbox() as box:
        mail(box.port, encryption="none").send(ONE, context())
        assert box.logins == []


def test_hostile_names_are_text_in_html_and_no_header() -> None:
    with mailbox() as box:
        hostile = Message(
            kind="firing",
            at=0.0,
            firing=1,
            facts=(fact(subject="x\r\nBcc: eve@example.org <script>alert(1)</script>"),),
        )
        mail(box.port, encryption="none").send(hostile, context())
    (got,) = box.mails
    assert got["Bcc"] is None
    page = next(part.get_payload(decode=True) for part in got.walk() if part.get_content_type() == "text/html")
    assert b"<script>" not in page


def test_apprise_uses_only_the_schemes_that_are_named(receiver: Receiver) -> None:
    place = receiver.url.removeprefix("http://")
    Apprise(name="a", url=f"json://{place}", schemes=("json",)).send(ONE, context())
    assert b"Hit rate" in receiver.got[-1].body
    with pytest.raises(ChannelError, match="begins with none of ntfys"):
        Apprise(name="a", url=f"json://{place}", schemes=("ntfys",)).send(ONE, context())
