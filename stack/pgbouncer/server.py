"""The reference stack's PgBouncer: pgbouncer.ini, in front of one database."""

from pathlib import Path

from stack.native.pgbouncer import PgBouncer
from stack.native.server import Say, silent
from stack.native.tools import Tool

CONFIG = Path(__file__).parent / "pgbouncer.ini"


class ReferencePgBouncer(PgBouncer):
    def __init__(
        self, tool: Tool, folder: Path, *, port: int, database: str, database_port: int, say: Say = silent
    ) -> None:
        behind = f"[databases]\n{database} = host=127.0.0.1 port={database_port} dbname={database}\n\n"
        super().__init__(tool, folder, config=behind + CONFIG.read_text(encoding="utf-8"), port=port, say=say)
