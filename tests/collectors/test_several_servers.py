"""One address, two PostgreSQL behind it."""

from contextlib import closing

from collectors.postgres.collector import PostgresCollector
from metrics.poll import Event
from tests.collectors.cutting import Between
from tests.collectors.memory import poll, values
from tests.collectors.postgres_work import source
from tests.servers import Matrix, PostgresServer


def test_two_postgresql_behind_one_address_are_one_finding(postgres: PostgresServer, matrix: Matrix) -> None:
    servers = (postgres, matrix.postgres("15"))
    door, events = Between(postgres.port), list[Event]()
    try:
        with closing(PostgresCollector(source(postgres, include=()))) as own:
            ours = own.source
        moved = type(ours)(**{name: getattr(ours, name) for name in ours.__struct_fields__} | {"port": door.port})
        with closing(PostgresCollector(moved)) as collector:
            for turn in range(6):
                door.behind = servers[turn % 2].port
                collector.close()
                found = poll(collector)
                events += found.events
            (finding,) = [each for each in collector.findings.all() if each.key == "several_servers"]
            assert finding.text.count("started ") == 2
            assert found.up
            assert values(found, "pg_stat_database_blks_hit_total") == {}
            assert len(events) <= 2
    finally:
        door.close()
