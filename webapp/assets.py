"""Static files under names that carry their content's hash: a browser asks for each version once, ever."""

import gzip
import hashlib
import json
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, request, url_for

from dashboards.figure import template

FOLDER = Path(__file__).parent / "static"
_PACKED = (".js", ".css", ".svg", ".json")
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served: its body, and the same packed where that pays."""

    body: bytes
    packed: bytes | None
    mimetype: str


class Assets:
    """All static files, read, hashed and packed once at the start."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.names: dict[str, str] = {}
        self.files: dict[str, Asset] = {}
        paths = sorted(path for path in folder.rglob("*") if path.suffix in {".js", ".css", ".svg", ".woff2"})
        for path in sorted(paths, key=lambda path: path.suffix == ".css"):
            self._add(path.name, path.read_bytes())
        self._add("chart.json", json.dumps(template(), separators=(",", ":")).encode())

    def _add(self, name: str, body: bytes) -> None:
        """Sheets come last, so that the files they name have their hashed names by then."""
        stem, suffix = name.rsplit(".", 1)
        if suffix == "css":
            body = re.sub(rb"url\(([\w.-]+)\)", self._hashed, body)
        hashed = f"{stem}.{hashlib.sha256(body).hexdigest()[:10]}.{suffix}"
        mimetype = _TYPES.get(f".{suffix}") or mimetypes.guess_type(name)[0] or "application/octet-stream"
        packed = gzip.compress(body, 9, mtime=0) if f".{suffix}" in _PACKED else None
        self.names[name] = hashed
        self.files[hashed] = Asset(body, packed, mimetype)

    def _hashed(self, found: re.Match[bytes]) -> bytes:
        return b"url(" + self.names[found[1].decode()].encode() + b")"

    def url(self, name: str) -> str:
        """Where a file is, by the name it has in the source."""
        return url_for("assets.asset", name=self.names[name])


@blueprint.get("/static/<name>")
def asset(name: str) -> Response:
    """One static file; nothing but the hashed name finds it."""
    assets: Assets = current_app.extensions["trivet"].assets
    found = assets.files.get(name)
    if found is None:
        abort(404)
    packed = found.packed if request.accept_encodings["gzip"] else None
    response = Response(packed or found.body, mimetype=found.mimetype)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.vary.add("Accept-Encoding")
    return response
