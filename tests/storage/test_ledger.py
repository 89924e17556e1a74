"""What was told to whom: written before it is sent, claimed by one, never twice and never lost."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storage.deliveries import DEAD, QUEUED, SENT, Deliveries
from storage.incidents import Changed, Incidents, Remembered
from storage.silences import Silence, Silences


def change(
    key: str = "hit|cache", *, at: float = 100.0, new: str = "firing", opens: bool = False, closes: bool = False
) -> Changed:
    mind = Remembered(key=key, rule="hit", source="cache", labels=(("db", "0"),), phase=new, at=at, body='{"held": 1}')
    return Changed(
        mind=mind, at=at, old="pending", new=new, severity="warning", began=at - 60, opens=opens, closes=closes,
        value=0.5, bound=0.8, reason="low", evidence={"worst": ["GET"]},
    )  # fmt: skip


def test_an_incident_opens_once_and_ends_with_the_value_it_ended_with(tmp_path: Path) -> None:
    incidents = Incidents(tmp_path)
    incidents.record([change(opens=True), change("other|cache", opens=True)])
    incidents.record([change(at=110, opens=True)])
    other, mine = incidents.open()
    assert (other.key, mine.key) == ("other|cache", "hit|cache")
    assert (mine.fired, mine.began, mine.labels, mine.evidence) == (100.0, 40.0, (("db", "0"),), {"worst": ["GET"]})
    incidents.record([change(at=200, new="ok", closes=True)])
    (ended,) = incidents.past(10)
    assert (ended.id, ended.resolved, ended.ended_value) == (mine.id, 200.0, 0.5)
    assert [alert.new for alert in incidents.alerts(mine.id)] == ["firing", "firing", "ok"]
    assert {incident.id for incident in incidents.touching(150, 160)} == {mine.id, other.id}
    assert {incident.id for incident in incidents.touching(210, 220)} == {other.id}
    incidents.record([change(at=300, opens=True)])
    assert len(incidents.open()) == 2
    assert incidents.forget(250) == 1
    assert {mind.key: mind.phase for mind in incidents.minds()} == {"hit|cache": "firing", "other|cache": "firing"}


def test_who_looks_after_an_incident_is_kept_and_audited(tmp_path: Path) -> None:
    incidents = Incidents(tmp_path)
    incidents.record([change(opens=True)])
    (incident,) = incidents.open()
    assert incidents.acknowledge(incident.id, 120.0, "ann", "on it")
    assert (incidents.open()[0].acked_by, incidents.open()[0].ack_note) == ("ann", "on it")
    incidents.record([change(at=200, new="ok", closes=True)])
    assert not incidents.acknowledge(incident.id, 210.0, "bob", "")
    with incidents.reading() as db:
        assert db.execute("select who, what from audit").fetchall() == [("ann", "acknowledge")]


def test_a_message_and_what_it_makes_known_are_one(tmp_path: Path) -> None:
    incidents, queue = Incidents(tmp_path), Deliveries(tmp_path)
    incidents.record([change(opens=True)])
    number = incidents.open()[0].id
    queue.queue("mail", "firing", "{}", 100.0, firing=[number])
    queue.queue("mail", "repeat", "{}", 200.0, firing=[number])
    (told,) = queue.told()
    assert (told.channel, told.state, told.times, told.at) == ("mail", "firing", 2, 200.0)
    queue.queue("mail", "resolved", "{}", 300.0, resolved=[number])
    queue.queue("chat", "resolved", "{}", 300.0, resolved=[number])
    assert [(each.channel, each.state) for each in queue.told_of(number)] == [("mail", "resolved")]


def test_one_of_many_claims_and_order_is_kept(tmp_path: Path) -> None:
    queue = Deliveries(tmp_path)
    first, second = (queue.queue("mail", "firing", "{}", at) for at in (1.0, 2.0))
    got: list[str] = []

    def claim(holder: str) -> None:
        found = queue.claim("mail", holder, 10.0)
        if found:
            got.append(found.id)

    threads = [threading.Thread(target=claim, args=(f"h{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [first]
    queue.failed(first, "503", due=50.0)
    assert queue.claim("mail", "a", 20.0) is None, "the second one waits for the first"
    assert queue.claim("other", "a", 20.0) is None
    again = queue.claim("mail", "a", 50.0)
    assert again is not None
    assert (again.id, again.tries) == (first, 2)
    queue.dead(first, "400")
    assert queue.one(first).state == DEAD  # type: ignore[union-attr]
    then = queue.claim("mail", "a", 51.0)
    assert then is not None
    assert then.id == second
    queue.sent(second, 52.0, "ok")
    assert queue.one(second).state == SENT  # type: ignore[union-attr]
    assert queue.waiting() == {("mail", DEAD): (1, 1.0)}
    assert queue.again(first, 60.0)
    assert queue.one(first).state == QUEUED  # type: ignore[union-attr]


def test_what_a_dead_holder_had_claimed_goes_back(tmp_path: Path) -> None:
    queue = Deliveries(tmp_path)
    number = queue.queue("mail", "firing", "{}", 1.0)
    assert queue.claim("mail", "dead", 2.0)
    assert queue.claim("mail", "living", 2.0) is None
    assert queue.reclaim("living") == 1
    found = queue.claim("mail", "living", 3.0)
    assert found is not None
    assert (found.id, found.tries) == (number, 2)


def test_a_silence_has_an_end_and_can_be_taken_back(tmp_path: Path) -> None:
    silences = Silences(tmp_path)
    made = silences.add(
        Silence(source="cache", labels={}, starts=10.0, ends=20.0, reason="backup", author="cron", made=10.0)
    )
    assert [each.id for each in silences.lasting(15.0)] == [made.id]
    assert silences.lasting(20.0) == []
    assert silences.end(made.id, 15.0, "ann")
    assert not silences.end(made.id, 16.0, "ann")
    assert silences.lasting(15.0) == []
    assert silences.one(made.id).ended == 15.0  # type: ignore[union-attr]


WRITER = """
import sys
from pathlib import Path
from storage.deliveries import Deliveries
queue, number = Deliveries(Path(sys.argv[1])), 0
while True:
    number += 1
    print(queue.queue("mail", "firing", "{}", float(number), firing=[number]), flush=True)
"""


@pytest.mark.parametrize("run", range(3))
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, run: int) -> None:
    Deliveries(tmp_path)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert writer.stdout is not None
    said = [writer.stdout.readline().strip() for _ in range(20 + 7 * run)]
    writer.send_signal(signal.SIGKILL)
    said += [line.strip() for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    writer.stdout.close()
    queue = Deliveries(tmp_path)
    kept = {delivery.id for delivery in queue.newest(10_000)}
    assert set(said) <= kept
    with queue.reading() as db:
        assert db.execute("select count(*) from told").fetchone()[0] == len(kept)
        assert json.loads(db.execute("select incidents from delivery limit 1").fetchone()[0])


def test_the_end_is_for_those_who_got_the_beginning(tmp_path: Path) -> None:
    """What was given up has told nobody: who got it instead is told of the end, and who got it at last as well."""
    incidents, deliveries = Incidents(tmp_path), Deliveries(tmp_path)
    incidents.record([change(opens=True)])
    number = incidents.open()[0].id
    first = deliveries.queue("one", "firing", "{}", 100, firing=[number])
    deliveries.dead(first, "refused", "two", 110)
    assert {told.channel: told.state for told in deliveries.told_of(number)} == {"one": "dead", "two": "firing"}
    (instead,) = deliveries.newest(9, QUEUED)
    deliveries.dead(instead.id, "refused", "", 120)
    assert {told.state for told in deliveries.told_of(number)} == {"dead"}
    assert deliveries.again(first, 130)
    deliveries.sent(first, 131)
    assert {told.channel: told.state for told in deliveries.told_of(number)} == {"one": "firing", "two": "dead"}
    repeat = deliveries.queue("one", "repeat", "{}", 200, firing=[number])
    deliveries.dead(repeat, "refused")
    assert {told.channel: told.state for told in deliveries.told_of(number)} == {"one": "firing", "two": "dead"}
