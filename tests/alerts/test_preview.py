"""Of which open incidents nobody is told, and why."""

from alerts.preview import standing
from metrics.alerting import Alerting
from storage.incidents import Incident
from storage.silences import Silence


def incident(number: int, rule: str, source: str, severity: str = "warning") -> Incident:
    return Incident(
        id=number,
        key=str(number),
        rule=rule,
        source=source,
        labels=(),
        severity=severity,
        began=1.0,
        fired=2.0,
        resolved=None,
        lost=False,
        flapping=False,
        value=1.0,
        ended_value=None,
        bound=2.0,
        reason="",
        evidence={},
        acked=None,
        acked_by="",
        ack_note="",
    )


def test_each_kind_of_quiet_has_its_word() -> None:
    there = [
        incident(1, "source_up", "db", "critical"),
        incident(2, "hit_rate", "db"),
        incident(3, "hit_rate", "cache"),
        incident(4, "hit_rate", "shop"),
        incident(5, "hit_rate", "shop", "critical"),
    ]
    silence = Silence(
        id=7, labels={"team": "x"}, starts=0.0, ends=99.0, reason="backup", author="a", made=0.0, source="cache"
    )
    found = standing(
        60.0,
        there,
        [silence],
        Alerting(quiet="00:00-01:00"),
        tags={"cache": {"team": "x"}},
        behind={},
    )
    assert {number: (each.kind, each.silence) for number, each in found.items()} == {
        2: ("inhibited", None),
        3: ("silenced", 7),
        4: ("quiet", None),
    }
    assert found[3].why == "silenced: backup"
