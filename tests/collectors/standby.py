"""A PostgreSQL that follows another one."""

import subprocess
from pathlib import Path

from stack.native import probe
from tests.servers import SUPERUSER, PostgresServer

SLOT = "standby"


class Standby(PostgresServer):
    """Made of a copy of a primary that is stopped meanwhile; streams over a slot of its own."""

    def __init__(self, primary: PostgresServer, folder: Path) -> None:
        conninfo = f"host={primary.host} port={primary.port} user={SUPERUSER.name} password={SUPERUSER.password}"
        settings = {
            "primary_conninfo": f"{conninfo} application_name={SLOT}",
            "primary_slot_name": SLOT,
            "hot_standby": "on",
            "wal_receiver_status_interval": "1s",
        }
        super().__init__(primary.tool, folder, settings)
        with primary.connect() as connection:
            connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", [SLOT])
        primary.stop()
        folder.mkdir(parents=True, exist_ok=True)
        # Owners are kept: as root the server runs as another account.
        subprocess.run(["cp", "-a", str(primary.data), str(self.data)], check=True)
        (self.data / "standby.signal").touch()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        primary.start()

    def is_ready(self) -> bool:
        """Whether it answers; it stays in recovery."""
        return self._status() in ("standby", "ready") and probe.postgres_answers(self.port)
