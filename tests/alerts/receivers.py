"""Receivers on real sockets: HTTP that answers as it is told to, and SMTP in each way to encrypt."""

import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from stack.native.ports import free_port


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """``answers``: status and headers, one by one; the last again and again. ``judge`` may refuse by what came."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    judge: Callable[[Got], tuple[int, str] | None] = lambda got: None
    hang: threading.Event | None = None
    got: list[Got] = field(default_factory=list)
    url: str = ""
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, count: int, within: float = 20.0) -> list[Got]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= count, within), f"{len(self.got)} of {count} came"
            return list(self.got)


class Listening(ThreadingHTTPServer):
    """Says nothing of a sender that was killed."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if receiver.hang is not None:
                receiver.hang.wait(60)
                self.close_connection = True
                return
            got = Got(self.path, dict(self.headers.items()), body)
            refused = receiver.judge(got)
            with receiver.arrived:
                receiver.got.append(got)
                status, headers = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                receiver.arrived.notify_all()
            status, said = refused or (status, "ok" if status == 200 else "no")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said.encode())

        do_GET = do_POST  # noqa: N815 - its parent's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
            """No line for each request."""

    server = Listening(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        if receiver.hang is not None:
            receiver.hang.set()
        server.shutdown()
        server.server_close()


@dataclass
class Box:
    mails: list[Mail] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    port: int = 0


@contextmanager
def mailbox(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> Iterator[Box]:
    box = Box()

    class Handler:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            assert isinstance(envelope.content, bytes)
            box.mails.append(message_from_bytes(envelope.content))
            return "250 taken"

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        box.logins.append(data.login)
        good = login is not None and (data.login.decode(), data.password.decode()) == login
        return AuthResult(success=good, handled=False, message=None if good else "535 5.7.8 no such account")

    more: dict[str, Any] = {"authenticator": check, "auth_require_tls": False} if login else {}
    if starttls is not None:
        more["tls_context"] = starttls
    box.port = free_port()
    controller = Controller(Handler(), hostname="127.0.0.1", port=box.port, ssl_context=tls, **more)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
