"""What well-known libraries and proxies call the families that are taken. docs/api-metrics.md has their versions."""

from collections.abc import Mapping

from collectors.api import metrics
from collectors.api.rules import Rule

_TRAEFIK = {"method": "method", "route": "entrypoint", "code": "code"}
_STARLETTE = {"method": "method", "route": "path", "code": "status_code"}
_TEMPLATE = {"method": "method", "route": "path_template"}
_FASTAPI = {"method": "method", "route": "handler"}
_FLASK = {"method": "method", "route": "url_rule|endpoint|path"}
_SPRING = {"method": "method", "route": "uri"}
_EXPRESS = {"method": "method", "route": "path"}
_ENVOY = {"envoy_http_conn_manager_prefix": "!admin"}
_ENVOY_ROUTE = {"route": "envoy_http_conn_manager_prefix"}
_TRAEFIK_PUBLIC = {"entrypoint": "!~traefik|metrics"}
"""Not the entry points of its own dashboard and of this page, as its manual calls them."""
_ZONES = {"host": "!*"}
"""The zone * is the sum of all others."""

PRESETS: Mapping[str, tuple[Rule, ...]] = {
    "flask": (
        Rule(
            of="flask_http_request_duration_seconds_count", into=metrics.requests, labels={**_FLASK, "code": "status"}
        ),
        Rule(of="flask_http_request_duration_seconds", into=metrics.duration, labels=_FLASK),
    ),
    "starlette-exporter": (
        Rule(of="starlette_requests_total", into=metrics.requests, labels=_STARLETTE),
        Rule(
            of="starlette_request_duration_seconds",
            into=metrics.duration,
            labels={name: label for name, label in _STARLETTE.items() if name != "code"},
        ),
        Rule(of="starlette_requests_in_progress", into=metrics.in_flight),
    ),
    "starlette-prometheus": (
        Rule(of="starlette_responses_total", into=metrics.requests, labels={**_TEMPLATE, "code": "status_code"}),
        Rule(of="starlette_requests_processing_time_seconds", into=metrics.duration, labels=_TEMPLATE),
        Rule(of="starlette_requests_in_progress", into=metrics.in_flight),
    ),
    "fastapi": (
        Rule(of="http_requests_total", into=metrics.requests, labels={**_FASTAPI, "code": "status"}),
        # The other histogram, by route, has edges at 0.1, 0.5 and 1 s only: no median could be had of it.
        Rule(of="http_request_duration_highr_seconds", into=metrics.duration),
        Rule(of="http_request_duration_seconds", into=metrics.duration, labels=_FASTAPI, rank=1),
        Rule(of="http_requests_inprogress", into=metrics.in_flight),
    ),
    "express": (
        Rule(
            of="http_request_duration_seconds_count", into=metrics.requests, labels={**_EXPRESS, "code": "status_code"}
        ),
        Rule(of="http_request_duration_seconds", into=metrics.duration, labels=_EXPRESS),
    ),
    "spring": (
        Rule(of="http_server_requests_seconds_count", into=metrics.requests, labels={**_SPRING, "code": "status"}),
        Rule(of="http_server_requests_seconds", into=metrics.duration, labels=_SPRING),
        # One long task timer, as three generations of the library write it.
        Rule(of="http_server_requests_active_seconds_gcount", into=metrics.in_flight),
        Rule(of="http_server_requests_active_seconds_count", into=metrics.in_flight, rank=1),
        Rule(of="http_server_requests_active_seconds_active_count", into=metrics.in_flight, rank=2),
        Rule(of="tomcat_connections_current_connections", into=metrics.connections),
    ),
    "nginx": (
        Rule(of="nginx_http_requests_total", into=metrics.requests),
        Rule(of="nginx_connections_active", into=metrics.connections),
        Rule(of="nginx_connections_writing", into=metrics.in_flight),
    ),
    "nginx-vts": (
        Rule(
            of="nginx_vts_server_requests_total",
            into=metrics.requests,
            labels={"route": "host", "code": "code"},
            where={**_ZONES, "code": "!total"},
        ),
        Rule(
            of="nginx_vts_server_request_duration_seconds",
            into=metrics.duration,
            labels={"route": "host"},
            where=_ZONES,
        ),
        Rule(of="nginx_vts_server_cache_total", into=metrics.cache_requests, labels={"result": "status"}, where=_ZONES),
        Rule(of="nginx_vts_main_connections", into=metrics.connections, where={"status": "active"}),
        Rule(of="nginx_vts_main_connections", into=metrics.in_flight, where={"status": "writing"}),
        Rule(of="nginx_vts_start_time_seconds", into=metrics.started),
    ),
    "envoy": (
        Rule(
            of="envoy_http_downstream_rq_xx",
            into=metrics.requests,
            labels={**_ENVOY_ROUTE, "code": "{envoy_response_code_class}xx"},
            where=_ENVOY,
        ),
        Rule(of="envoy_http_downstream_rq_time", into=metrics.duration, labels=_ENVOY_ROUTE, where=_ENVOY, scale=0.001),
        Rule(of="envoy_http_downstream_rq_active", into=metrics.in_flight, where=_ENVOY),
        Rule(of="envoy_http_downstream_cx_active", into=metrics.connections, where=_ENVOY),
    ),
    "traefik": (
        Rule(of="traefik_entrypoint_requests_total", into=metrics.requests, labels=_TRAEFIK, where=_TRAEFIK_PUBLIC),
        Rule(
            of="traefik_entrypoint_request_duration_seconds",
            into=metrics.duration,
            labels={name: label for name, label in _TRAEFIK.items() if name != "code"},
            where=_TRAEFIK_PUBLIC,
        ),
        # From version 3 on, and before.
        Rule(of="traefik_open_connections", into=metrics.connections, where=_TRAEFIK_PUBLIC),
        Rule(of="traefik_entrypoint_open_connections", into=metrics.connections, where=_TRAEFIK_PUBLIC, rank=1),
    ),
}
