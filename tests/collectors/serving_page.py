"""A page of metrics that says what it is told to, over HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Paper:
    """What is served next."""

    text = ""
    url = ""


@contextmanager
def serving(text: str = "") -> Iterator[Paper]:
    paper = Paper()
    paper.text = text

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = paper.text.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
            """No line for each request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    paper.url = f"http://127.0.0.1:{server.server_port}/metrics"
    try:
        yield paper
    finally:
        server.shutdown()
        server.server_close()
