"""Real proxies that publish metrics: nginx with its exporter, Traefik and Envoy, each in front of a small API."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from stack.native import probe
from stack.native.exporter import Exporter
from stack.native.ports import free_port
from stack.native.server import Server
from stack.native.tools import Tool

NGINX = """daemon off;
pid {folder}/pid;
worker_processes 1;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port};
    location = /status {{ stub_status; }}
    location = /bad {{ return 503; }}
    location / {{ return 200 "x"; }}
  }}
}}
"""


class Proxy(Server):
    """Answers /items/1 with 200 and /bad with 503; ``page`` is the address of its metrics."""

    def __init__(self, tool: Tool, folder: Path) -> None:
        super().__init__(tool, folder)
        self.admin = free_port()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def page(self) -> str:
        return f"http://{self.host}:{self.admin}/metrics"

    def is_ready(self) -> bool:
        return probe.http_answers(self.port, "/items/0")

    def _socket_name(self) -> str:
        return "none"


class Nginx(Proxy):
    name = "nginx"

    def _prepare(self) -> None:
        self._write("nginx.conf", NGINX.format(folder=self.data, port=self.port))

    def is_ready(self) -> bool:
        return probe.http_answers(self.port, "/status")

    def _command(self) -> list[str]:
        return [str(self.tool.path), "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]


class NginxExporter(Exporter):
    """Asks its nginx at each scrape."""

    name = "nginx-exporter"

    def __init__(self, tool: Tool, folder: Path, nginx: Nginx) -> None:
        super().__init__(tool, folder, secrets={}, flags=[f"--nginx.scrape-uri={nginx.url}/status"])


class Traefik(Proxy):
    """``upstream`` is the port of what it stands before."""

    name = "traefik"

    def __init__(self, tool: Tool, folder: Path, upstream: int) -> None:
        super().__init__(tool, folder)
        self.upstream = upstream

    def _prepare(self) -> None:
        # JSON is YAML.
        router = {"rule": "PathPrefix(`/`)", "service": "shop", "entryPoints": ["web"]}
        servers = [{"url": f"http://127.0.0.1:{self.upstream}"}]
        service = {"loadBalancer": {"servers": servers}}
        self._write("shop.yml", json.dumps({"http": {"routers": {"shop": router}, "services": {"shop": service}}}))
        static = {
            "entryPoints": {
                "web": {"address": f"127.0.0.1:{self.port}"},
                "metrics": {"address": f"127.0.0.1:{self.admin}"},
            },
            "metrics": {"prometheus": {"entryPoint": "metrics", "buckets": [0.01, 0.05, 0.1, 0.2]}},
            "providers": {"file": {"filename": str(self.folder / "shop.yml")}},
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        }
        self._write("traefik.yml", json.dumps(static))

    def _command(self) -> list[str]:
        return [str(self.tool.path), f"--configFile={self.folder / 'traefik.yml'}"]


class Envoy(Proxy):
    name = "envoy"

    @property
    def page(self) -> str:
        return f"http://{self.host}:{self.admin}/stats/prometheus"

    def _prepare(self) -> None:
        api = "type.googleapis.com/envoy.extensions.filters"
        routes = [
            {"match": {"path": "/bad"}, "direct_response": {"status": 503}},
            {"match": {"prefix": "/"}, "direct_response": {"status": 200}},
        ]
        manager = {
            "@type": f"{api}.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "shop",
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
            "http_filters": [
                {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{api}.http.router.v3.Router"}}
            ],
        }
        filter_ = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
        listener = {"address": _address(self.port), "filter_chains": [{"filters": [filter_]}]}
        edges = {"match": {"prefix": "http"}, "buckets": [1, 10, 50, 100, 200, 1000]}
        config = {
            "admin": {"address": _address(self.admin)},
            "stats_config": {"histogram_bucket_settings": [edges]},
            "static_resources": {"listeners": [listener]},
        }
        self._write("envoy.json", json.dumps(config))

    def _command(self) -> list[str]:
        config = str(self.folder / "envoy.json")
        return [str(self.tool.path), "-c", config, "--concurrency", "1", "--disable-hot-restart"]


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


@contextmanager
def small_api() -> Iterator[int]:
    """Its port: 503 for /bad, else 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if self.path == "/bad" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
            """No line for each request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
