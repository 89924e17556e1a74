"""What the API is told from outside: addresses, and the files its passwords are in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    database_port: int
    redis_port: int
    database_password: str = field(repr=False)
    redis_password: str = field(repr=False)
    database_host: str = "127.0.0.1"
    redis_host: str = "127.0.0.1"
    database_name: str = "iac_db"
    user: str = "app"
    cache_ttl: int = 300
    # Two threads serve a worker (see serve.py): one connection each, and two to spare.
    pool_size: int = 4
    # psycopg prepares a statement at its 5th use. Through a transaction pool the next client then meets a statement
    # it did not prepare, or another one of the same name. PgBouncer keeps them apart from 1.22 on
    # (max_prepared_statements); Debian 12 has 1.18. Off is right everywhere; on saves PostgreSQL the parsing.
    prepare: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """API_DATABASE_PASSWORD_FILE and API_REDIS_PASSWORD_FILE are needed; the rest has a default.

        >>> Settings.from_environ({})
        Traceback (most recent call last):
        ...
        KeyError: 'API_DATABASE_PASSWORD_FILE'
        """
        return cls(
            database_host=environ.get("API_DATABASE_HOST", cls.database_host),
            database_port=int(environ.get("API_DATABASE_PORT", "6432")),
            database_name=environ.get("API_DATABASE_NAME", cls.database_name),
            database_password=_secret(environ["API_DATABASE_PASSWORD_FILE"]),
            redis_host=environ.get("API_REDIS_HOST", cls.redis_host),
            redis_port=int(environ.get("API_REDIS_PORT", "6379")),
            redis_password=_secret(environ["API_REDIS_PASSWORD_FILE"]),
            user=environ.get("API_USER", cls.user),
            cache_ttl=int(environ.get("API_CACHE_TTL", cls.cache_ttl)),
            pool_size=int(environ.get("API_POOL_SIZE", cls.pool_size)),
            prepare=environ.get("API_PREPARE", "off") == "on",
        )


def _secret(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").strip()
