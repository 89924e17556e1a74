"""One request to an ASGI application, without a server."""

import asyncio
from typing import Any


def get(app: Any, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """Status and body."""
    return asyncio.run(_asked(app, path, method, headers))


async def _asked(app: Any, path: str, method: str, headers: dict[str, str]) -> tuple[int, bytes]:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *((name.encode(), value.encode()) for name, value in headers.items())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in answers)
    return next(message["status"] for message in answers if "status" in message), body
