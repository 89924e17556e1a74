"""What every answer carries, and who gets none."""

import re

import pytest
from flask.testing import FlaskClient

from storage.series import SeriesStore
from tests.webapp.conftest import Make
from webapp.assets import Assets
from webapp.security import CSP

PATHS = ("/", "/redis", "/status", "/nothing", "/api/v1/catalog", "/healthz", "/metrics", "/overview.csv")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"] == CSP
    assert "unsafe" not in CSP
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Server" not in headers or "Werkzeug" not in headers["Server"]


@pytest.mark.parametrize("path", ["/", "/redis", "/status", "/charts/redis/memory", "/nothing"])
def test_pages_have_nothing_inline_and_nothing_from_elsewhere(client: FlaskClient, path: str) -> None:
    text = client.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "<style" not in text
    assert not re.search(r"\s(style|on\w+)=\"", text)
    assert "hx-on" not in text
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", "", "[::1", "a b"])
def test_other_names_are_refused_in_words(client: FlaskClient, host: str) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "targets met" not in answer.text


def test_loopback_and_configured_names_are_answered(empty: SeriesStore, make: Make) -> None:
    client = make(empty, allowed_hosts=["Trivet.Example"]).test_client()
    for host in ("localhost:8440", "127.0.0.1", "[::1]:8440", "trivet.example:443"):
        assert client.get("/healthz", headers={"Host": host}).status_code == 503
    assert "allowed_hosts" in client.get("/", headers={"Host": "other.example"}).text


def test_every_link_carries_the_prefix(empty: SeriesStore, make: Make) -> None:
    client = make(empty, url_prefix="/trivet/").test_client()
    for path in ("/trivet/", "/"):
        text = client.get(path).text
        links = re.findall(r'(?:href|src|hx-get|action|data-charts|data-path|data-template)="(/[^"]*)', text)
        assert links
        assert all(link.startswith("/trivet/") for link in links)
    asset = re.search(r'src="(/trivet/static/theme[^"]*)', client.get("/").text)
    assert asset
    assert client.get(asset[1]).status_code == 200


def test_nothing_forwarded_is_believed(client: FlaskClient) -> None:
    text = client.get("/", headers={"X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil.example"}).text
    assert "evil" not in text


def test_assets_are_found_by_hash_only_and_kept_for_ever(client: FlaskClient) -> None:
    assets = Assets()
    for name, hashed in assets.names.items():
        answer = client.get(f"/static/{hashed}", headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/static/app.css").status_code == 404
    assert client.get("/static/../app.py").status_code == 404
    sheet = assets.files[assets.names["app.css"]].body.decode()
    assert assets.names["inter.woff2"] in sheet


def test_the_first_load_is_small(client: FlaskClient) -> None:
    assets = Assets()
    wanted = set(re.findall(r"/static/([\w.-]+)", client.get("/").text)) - {assets.names["icon.svg"]}
    packed = sum(len(assets.files[name].packed or assets.files[name].body) for name in wanted)
    page = len(client.get("/", headers={"Accept-Encoding": "gzip"}).data)
    assert packed + page < 520_000


def test_pages_are_packed_on_request(client: FlaskClient) -> None:
    plain, packed = client.get("/"), client.get("/", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 3
