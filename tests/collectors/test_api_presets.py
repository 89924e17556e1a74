"""Other people's names: four Python libraries as they are, the others by small pages.

Proxies as they are: test_api_programs.
"""

import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from collectors.api import metrics
from collectors.api.collector import ApiCollector
from collectors.api.presets import PRESETS
from collectors.api.source import ApiSource, Taken
from collectors.collector import Capabilities
from commands.check import check
from metrics.config import ConfigError, parse
from metrics.model import Labels
from metrics.poll import ErrorClass, Poll
from tests.collectors.memory import Memory, poll, value, values
from tests.collectors.serving_page import serving
from tests.collectors.test_api_equal import page_of

# As express-prom-bundle 8.0 with prom-client 15.1 gave it, without most of what is not read.
EXPRESS = """# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 0.036799
# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1795523196
# HELP http_request_duration_seconds duration histogram of http responses labeled with: status_code, method, path
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.003",status_code="200",method="GET",path="/items/#val"} 2
http_request_duration_seconds_bucket{le="0.03",status_code="200",method="GET",path="/items/#val"} 2
http_request_duration_seconds_bucket{le="0.1",status_code="200",method="GET",path="/items/#val"} 3
http_request_duration_seconds_bucket{le="0.3",status_code="200",method="GET",path="/items/#val"} 3
http_request_duration_seconds_bucket{le="1.5",status_code="200",method="GET",path="/items/#val"} 3
http_request_duration_seconds_bucket{le="10",status_code="200",method="GET",path="/items/#val"} 3
http_request_duration_seconds_bucket{le="+Inf",status_code="200",method="GET",path="/items/#val"} 3
http_request_duration_seconds_sum{status_code="200",method="GET",path="/items/#val"} 0.035244631000000005
http_request_duration_seconds_count{status_code="200",method="GET",path="/items/#val"} 3
http_request_duration_seconds_bucket{le="0.003",status_code="503",method="GET",path="/bad"} 1
http_request_duration_seconds_bucket{le="0.03",status_code="503",method="GET",path="/bad"} 1
http_request_duration_seconds_bucket{le="0.1",status_code="503",method="GET",path="/bad"} 1
http_request_duration_seconds_bucket{le="0.3",status_code="503",method="GET",path="/bad"} 1
http_request_duration_seconds_bucket{le="1.5",status_code="503",method="GET",path="/bad"} 1
http_request_duration_seconds_bucket{le="10",status_code="503",method="GET",path="/bad"} 1
http_request_duration_seconds_bucket{le="+Inf",status_code="503",method="GET",path="/bad"} 1
http_request_duration_seconds_sum{status_code="503",method="GET",path="/bad"} 0.00077682
http_request_duration_seconds_count{status_code="503",method="GET",path="/bad"} 1
# HELP up 1 = up, 0 = not up
# TYPE up gauge
up 1
"""
# The others were written for this test, after the projects' documentation and source.
SPRING = """# TYPE http_server_requests_seconds histogram
http_server_requests_seconds_bucket{method="GET",outcome="SUCCESS",status="200",uri="/items/{id}",le="0.1",} 3.0
http_server_requests_seconds_bucket{method="GET",outcome="SUCCESS",status="200",uri="/items/{id}",le="+Inf",} 3.0
http_server_requests_seconds_count{method="GET",outcome="SUCCESS",status="200",uri="/items/{id}",} 3.0
http_server_requests_seconds_sum{method="GET",outcome="SUCCESS",status="200",uri="/items/{id}",} 0.05
http_server_requests_seconds_count{method="GET",outcome="SERVER_ERROR",status="503",uri="/bad",} 1.0
http_server_requests_seconds_sum{method="GET",outcome="SERVER_ERROR",status="503",uri="/bad",} 0.05
http_server_requests_active_seconds_active_count{method="GET",outcome="UNKNOWN",uri="UNKNOWN",} 2.0
http_server_requests_active_seconds_duration_sum{method="GET",outcome="UNKNOWN",uri="UNKNOWN",} 0.1
tomcat_connections_current_connections{name="http-nio-8080",} 7.0
process_start_time_seconds 1.7E9
"""
NGINX = """# TYPE nginx_connections_active gauge
nginx_connections_active 7
nginx_connections_writing 2
# TYPE nginx_http_requests_total counter
nginx_http_requests_total 4
"""
VTS = """# TYPE nginx_vts_start_time_seconds gauge
nginx_vts_start_time_seconds 1700000000
nginx_vts_main_connections{status="accepted"} 90
nginx_vts_main_connections{status="active"} 7
nginx_vts_main_connections{status="writing"} 2
nginx_vts_server_requests_total{host="shop",code="2xx"} 3
nginx_vts_server_requests_total{host="shop",code="5xx"} 1
nginx_vts_server_requests_total{host="*",code="2xx"} 3
nginx_vts_server_requests_total{host="*",code="5xx"} 1
nginx_vts_server_cache_total{host="shop",status="hit"} 2
nginx_vts_server_cache_total{host="shop",status="miss"} 1
nginx_vts_server_cache_total{host="*",status="hit"} 2
nginx_vts_server_request_duration_seconds_bucket{host="shop",le="0.100"} 3
nginx_vts_server_request_duration_seconds_bucket{host="shop",le="+Inf"} 4
nginx_vts_server_request_duration_seconds_sum{host="shop"} 0.5
nginx_vts_server_request_duration_seconds_count{host="shop"} 4
nginx_vts_server_request_duration_seconds_bucket{host="*",le="+Inf"} 4
"""
ENVOY = """# TYPE envoy_http_downstream_rq_xx counter
envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="admin"} 99
envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="shop"} 3
envoy_http_downstream_rq_xx{envoy_response_code_class="5",envoy_http_conn_manager_prefix="shop"} 1
envoy_http_downstream_rq_active{envoy_http_conn_manager_prefix="shop"} 2
envoy_http_downstream_cx_active{envoy_http_conn_manager_prefix="shop"} 7
envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="shop",le="100"} 3
envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="shop",le="250"} 4
envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="shop",le="+Inf"} 4
envoy_http_downstream_rq_time_sum{envoy_http_conn_manager_prefix="shop"} 250.5
envoy_http_downstream_rq_time_count{envoy_http_conn_manager_prefix="shop"} 4
"""
TRAEFIK = """# TYPE traefik_entrypoint_requests_total counter
traefik_entrypoint_requests_total{code="200",entrypoint="web",method="GET",protocol="http"} 3
traefik_entrypoint_requests_total{code="503",entrypoint="web",method="GET",protocol="http"} 1
traefik_entrypoint_request_duration_seconds_bucket{code="200",entrypoint="web",method="GET",protocol="http",le="0.1"} 3
traefik_entrypoint_request_duration_seconds_bucket{code="200",entrypoint="web",method="GET",protocol="http",le="+Inf"} 3
traefik_entrypoint_request_duration_seconds_sum{code="200",entrypoint="web",method="GET",protocol="http"} 0.02
traefik_entrypoint_request_duration_seconds_count{code="200",entrypoint="web",method="GET",protocol="http"} 3
traefik_entrypoint_request_duration_seconds_bucket{code="503",entrypoint="web",method="GET",protocol="http",le="0.1"} 1
traefik_entrypoint_request_duration_seconds_bucket{code="503",entrypoint="web",method="GET",protocol="http",le="+Inf"} 1
traefik_entrypoint_request_duration_seconds_sum{code="503",entrypoint="web",method="GET",protocol="http"} 0.02
traefik_entrypoint_request_duration_seconds_count{code="503",entrypoint="web",method="GET",protocol="http"} 1
traefik_open_connections{entrypoint="web",protocol="TCP"} 7
process_start_time_seconds 1.7e+09
"""
WRITTEN = {
    "express": EXPRESS,
    "spring": SPRING,
    "nginx": NGINX,
    "nginx-vts": VTS,
    "envoy": ENVOY,
    "traefik": TRAEFIK,
}


def _page(preset: str) -> str:
    return WRITTEN[preset] if preset in WRITTEN else page_of(preset)


def _polled(text: str, **source: object) -> Poll:
    with serving(text) as paper, closing(_collector(paper.url, **source)) as collector:
        return poll(collector)


def _probed(text: str, **source: object) -> Capabilities:
    with serving(text) as paper, closing(_collector(paper.url, **source)) as collector:
        return collector.probe(time.monotonic() + 5)


def _collector(url: str, **source: object) -> ApiCollector:
    return ApiCollector(ApiSource(name="api", url=url, **source))  # type: ignore[arg-type]


def _by_code(found: Poll) -> dict[str, float]:
    counts: dict[str, float] = {}
    for labels, number in values(found, "http_requests_total").items():
        code = dict(labels).get("code", "")
        counts[code] = counts.get(code, 0.0) + number
    return counts


@pytest.mark.parametrize("preset", PRESETS)
def test_requests_are_four_and_one_of_them_failed(preset: str) -> None:
    found = _polled(_page(preset), preset=preset)
    assert found.error is None
    counts = _by_code(found)
    if preset == "nginx":
        assert counts == {"": 4}
    else:
        assert counts in ({"200": 3, "503": 1}, {"2xx": 3, "5xx": 1})
        assert sum(values(found, "http_request_duration_seconds_count").values()) == 4


ITEMS = {
    "flask": ("/items/1", "GET"),
    "fastapi": ("/items/{number}", "GET"),
    "starlette-exporter": ("/items/{number}", "GET"),
    "starlette-prometheus": ("/items/{number}", "GET"),
    "express": ("/items/#val", "GET"),
    "spring": ("/items/{id}", "GET"),
    "nginx-vts": ("shop", None),
    "envoy": ("shop", None),
    "traefik": ("web", "GET"),
}


@pytest.mark.parametrize("preset", ITEMS)
def test_routes_and_methods(preset: str) -> None:
    route, method = ITEMS[preset]
    found = [dict(labels) for labels in values(_polled(_page(preset), preset=preset), "http_requests_total")]
    assert route in [labels["route"] for labels in found]
    assert {labels.get("method") for labels in found} == {method}


@pytest.mark.parametrize("preset", ["spring", "nginx", "nginx-vts", "envoy", "traefik"])
def test_open_connections_and_requests_in_flight(preset: str) -> None:
    found = _polled(WRITTEN[preset], preset=preset)
    assert value(found, "http_connections_open") == 7
    if preset != "traefik":
        assert value(found, "http_requests_in_flight") == 2


def test_milliseconds_become_seconds_and_counts_do_not() -> None:
    found = _polled(ENVOY, preset="envoy")
    assert value(found, "http_request_duration_seconds_bucket", route="shop", le="0.1") == 3
    assert value(found, "http_request_duration_seconds_bucket", route="shop", le="0.25") == 4
    assert value(found, "http_request_duration_seconds_bucket", route="shop", le="+Inf") == 4
    assert value(found, "http_request_duration_seconds_sum", route="shop") == pytest.approx(0.2505)
    assert value(found, "http_request_duration_seconds_count", route="shop") == 4


def test_what_a_zone_of_all_zones_says_is_not_counted_twice() -> None:
    found = _polled(VTS, preset="nginx-vts")
    assert values(found, "cache_requests_total") == {(("result", "hit"),): 2, (("result", "miss"),): 1}
    assert found.epochs == {metrics.EPOCH: 1_700_000_000}


def test_flask_by_rule_has_the_rule_as_route() -> None:
    found = _polled(page_of("flask", "url_rule"), preset="flask")
    assert value(found, "http_requests_total", method="GET", route="/items/<number>", code="200") == 3


@pytest.mark.parametrize("preset", PRESETS)
def test_a_page_is_recognised(preset: str) -> None:
    text = _page(preset)
    if preset in ("express", "fastapi"):
        # Some of its names are ours: it is polled, and the suggestion is for who checks.
        lacks = {lack.what: lack.mend for lack in _probed(text).lacking}
        assert lacks[f"the preset {preset}"] == f'preset = "{preset}"'
    else:
        found = _polled(text)
        assert found.error is not None
        assert found.error.kind is ErrorClass.MISSING
        assert found.error.hint.startswith(f'Set preset = "{preset}"')
    right = _probed(text, preset=preset)
    assert not [lack for lack in right.lacking if lack.what.startswith("the preset")]
    assert f"names of {preset}: " in right.version


def test_a_page_with_our_own_names_is_offered_no_preset() -> None:
    text = "\n".join(
        [
            'http_requests_total{method="GET",route="/",code="200"} 1',
            'http_request_duration_seconds_bucket{route="/",method="GET",cache="HIT",le="0.1"} 1',
            'http_request_duration_seconds_count{route="/",method="GET",cache="HIT"} 1',
        ]
    )
    capabilities = _probed(text)
    assert not [lack for lack in capabilities.lacking if lack.what.startswith("the preset")]
    names = "http_requests_total; http_request_duration_seconds"
    assert capabilities.version == f"Prometheus text, our own names: {names}"


def test_a_summary_is_said_to_have_no_buckets() -> None:
    text = "\n".join(line for line in SPRING.split("\n") if "_bucket" not in line)
    assert "http_request_duration_seconds is a summary: it has no buckets" in [
        lack.what for lack in _probed(text, preset="spring").lacking
    ]


def test_check_names_the_families_and_the_preset(tmp_path: Path) -> None:
    with serving(EXPRESS) as paper:
        config = tmp_path / "trivet.toml"
        block = f'[[source]]\nkind = "api"\nname = "shop"\nurl = "{paper.url}"\n'
        config.write_text(block)
        said = CliRunner().invoke(check, ["--config", str(config)]).output
        assert 'preset = "express"' in said
        config.write_text(f'{block}preset = "express"\n')
        said = CliRunner().invoke(check, ["--config", str(config)]).output
    assert "http_requests_total from http_request_duration_seconds_count" in said
    assert "lacks the preset" not in said
    assert "no edge at 0.01, 0.2 s" in said


def test_a_verdict_without_its_edge_cannot_be_given() -> None:
    memory = Memory()
    with serving(ENVOY) as paper, closing(_collector(paper.url, preset="envoy")) as collector:
        memory.take(collector)
        paper.text = ENVOY.replace("} 4", "} 1004").replace("} 3", "} 1003")
        memory.take(collector)
    assert memory.value(metrics.p95) == 1.0
    assert memory.verdict(metrics.p95).state == "met"
    assert memory.verdict(metrics.p99).state == "unknown"
    assert "0.2" in memory.verdict(metrics.p99).reason


def test_a_family_that_comes_later_does_not_take_the_place_of_another() -> None:
    other = 'http_request_duration_seconds_count{handler="/",method="GET"} 70\n'
    fine = "http_request_duration_highr_seconds_count 90\n"
    with serving(other) as paper, closing(_collector(paper.url, preset="fastapi")) as collector:
        assert sum(values(poll(collector), "http_request_duration_seconds_count").values()) == 70
        paper.text = other + fine
        assert sum(values(poll(collector), "http_request_duration_seconds_count").values()) == 70
        paper.text = fine
        assert sum(values(poll(collector), "http_request_duration_seconds_count").values()) == 90


def test_a_mapping_stands_above_the_preset_and_may_have_several_families() -> None:
    hits = Taken(of="shop_hits", add={"result": "hit"})
    misses = Taken(of="shop_lookups", add={"result": "miss"}, where={"found": "!yes"}, scale=10)
    text = f'{TRAEFIK}shop_hits 3\nshop_lookups{{found="no"}} 2\nshop_lookups{{found="yes"}} 9\n'
    routed = Taken(of="traefik_entrypoint_requests_total", labels={"route": "{entrypoint} over {protocol}"})
    found = _polled(
        text, preset="traefik", mapping={"cache_requests_total": (hits, misses), "http_requests_total": routed}
    )
    assert values(found, "cache_requests_total") == {(("result", "hit"),): 3, (("result", "miss"),): 20}
    assert values(found, "http_requests_total") == {(("route", "web over http"),): 4}
    assert value(found, "http_connections_open") == 7


def _labels(**labels: str) -> Labels:
    return tuple(sorted(labels.items()))


BLOCK = '[[source]]\nkind = "api"\nname = "shop"\nurl = "http://localhost/metrics"\n'


def test_a_mapping_is_read_from_the_file() -> None:
    text = f"""{BLOCK}preset = "traefik"
[source.mapping.http_requests_total]
from = "shop_requests"
labels = {{ route = "endpoint", code = "{{class}}xx" }}
[[source.mapping.cache_requests_total]]
from = "shop_hits"
add = {{ result = "hit" }}
[[source.mapping.cache_requests_total]]
from = "shop_misses"
add = {{ result = "miss" }}
"""
    (source,) = parse(text, {"api": ApiSource}, {}).sources
    rules = {rule.of: rule for rule in source.rules()}
    assert rules["shop_requests"].renamed({"endpoint": "/", "class": "2"}, "") == _labels(route="/", code="2xx")
    assert rules["shop_hits"].rank == rules["shop_misses"].rank
    assert "traefik_entrypoint_requests_total" not in rules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('preset = "expres"', 'did you mean "express"?'),
        ('[source.mapping.http_request_total]\nfrom = "a"', 'did you mean "http_requests_total"?'),
        ('[source.mapping.http_requests_total]\nform = "a"', 'did you mean "from"?'),
        ('[source.mapping.http_requests_total]\nfrom = "a b"', "from"),
        ('[source.mapping.http_requests_total]\nfrom = "a"\nlabels = { rout = "x" }', 'did you mean "route"?'),
        ('[source.mapping.http_requests_in_flight]\nfrom = "a"\nlabels = { route = "x" }', "it has none"),
        ('[source.mapping.http_requests_total]\nfrom = "a"\nwhere = { x = "~(" }', "pattern"),
        ('[source.mapping.http_requests_total]\nfrom = "a"\nscale = 0', "scale"),
    ],
)
def test_a_wrong_mapping_is_told_with_the_nearest_word(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse(f"{BLOCK}{text}\n", {"api": ApiSource}, {})
    assert said in str(told.value)
