from math import inf, nan

from metrics.alias import Alias, aliased
from metrics.model import Kind, Metric, Unit


def gauge(name: str, *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, unit=Unit.COUNT, help="One.", labels=labels)


SETTING = gauge("setting", "name", "unit")
SIZE = gauge("size", "database")
NUMBER = gauge("number", "database")
SERVER = gauge("server", "address", "version")


def samples(alias: Alias, *latest: tuple[str, dict[str, str], float]) -> list[tuple[str, dict[str, str], float]]:
    given = [(name, tuple(sorted(labels.items())), value) for name, labels, value in latest]
    return [
        (family.name, dict(labels), value) for family in aliased([alias], given) for _, labels, value in family.samples
    ]


def test_a_family_may_be_named_by_labels() -> None:
    alias = Alias(name="settings_{name}_{unit}", kind="gauge", help="S.", of=SETTING)
    found = samples(
        alias,
        ("setting", {"name": "pg_stat.max", "unit": "", "source": "a"}, 5),
        ("setting", {"name": "work_mem", "unit": "bytes", "source": "a"}, 6),
        ("setting", {"name": "work_mem", "unit": "bytes", "source": "b"}, 7),
    )
    assert found == [
        ("settings_pg_stat_max", {"source": "a"}, 5),
        ("settings_work_mem_bytes", {"source": "a"}, 6),
        ("settings_work_mem_bytes", {"source": "b"}, 7),
    ]


def test_labels_come_from_a_metric_beside_it_of_the_same_source_and_labels() -> None:
    beside = {"datid": (NUMBER, ""), "server": (SERVER, "address")}
    alias = Alias(name="bytes", kind="gauge", help="B.", of=SIZE, labels={"database": "datname"}, beside=beside)
    latest = [
        ("size", {"database": "x", "source": "a"}, 1.0),
        ("size", {"database": "y", "source": "a"}, 2.0),
        ("size", {"database": "x", "source": "b"}, 3.0),
        ("number", {"database": "x", "source": "a"}, 5.0),
        ("number", {"database": "x", "source": "b"}, 16384.0),
        ("server", {"address": "here", "version": "1", "source": "a"}, 1.0),
    ]
    assert samples(alias, *latest) == [
        ("bytes", {"datname": "x", "datid": "5", "server": "here", "source": "a"}, 1.0),
        ("bytes", {"datname": "y", "datid": "", "server": "here", "source": "a"}, 2.0),
        ("bytes", {"datname": "x", "datid": "16384", "server": "", "source": "b"}, 3.0),
    ]
    (name, labels, _), *_ = samples(alias, ("size", {"database": "x"}, 1.0), ("number", {"database": "x"}, 5.0))
    assert (name, labels["datid"]) == ("bytes", "5")


def test_values_of_other_metrics_are_added_where_they_are_there() -> None:
    alias = Alias(name="both", kind="gauge", help="B.", of=SIZE, plus=[NUMBER], scale=10.0)
    latest = [("size", {"database": "x"}, 1.0), ("size", {"database": "y"}, 2.0), ("number", {"database": "x"}, 5.0)]
    assert samples(alias, *latest) == [("both", {}, 60.0)]
    by = Alias(name="both", kind="gauge", help="B.", of=SIZE, plus=[NUMBER], labels={"database": "db"})
    assert samples(by, *latest) == [("both", {"db": "x"}, 6.0), ("both", {"db": "y"}, 2.0)]


def test_what_is_no_number_does_not_cost_the_page() -> None:
    whole = Alias(name="whole", kind="gauge", help="W.", of=SIZE, whole=True, labels={"database": "db"})
    beside = Alias(name="beside", kind="gauge", help="B.", of=SIZE, beside={"datid": (NUMBER, "")})
    assert samples(whole, ("size", {"database": "x"}, inf), ("size", {"database": "y"}, -1.5)) == [
        ("whole", {"db": "x"}, inf),
        ("whole", {"db": "y"}, -1.0),
    ]
    assert samples(beside, ("size", {"database": "x"}, 1.0), ("number", {"database": "x"}, nan)) == [
        ("beside", {"datid": ""}, 1.0)
    ]
