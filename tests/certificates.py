"""Authorities and certificates for tests of TLS, made by openssl when they are asked for."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack.native.tools import Tool

CONFIG = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[holder]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
authorityKeyIdentifier = keyid
subjectAltName = {name}
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path


class Authority:
    """Signs certificates in a folder of its own. Servers may read them, keys included: they may run as others."""

    def __init__(self, openssl: Tool, folder: Path) -> None:
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        self._openssl = openssl
        self._folder = folder
        self._count = 0
        self._own = self._next("")
        config = str(self._own.file.with_suffix(".conf"))
        self._run("req", "-x509", "-config", config, "-extensions", "authority", "-days", "2", *self._new(self._own))

    @property
    def file(self) -> Path:
        """What a client has to trust."""
        return self._own.file

    def certificate(self, name: str = "IP:127.0.0.1", days: int = 2) -> Certificate:
        """For the holder of a name, such as IP:127.0.0.1 or DNS:localhost; of -1 days it has expired."""
        made = self._next(name)
        config, asked = str(made.file.with_suffix(".conf")), str(made.file.with_suffix(".csr"))
        self._run("req", "-config", config, *self._new(made), "-out", asked)
        signed = ("-CA", str(self._own.file), "-CAkey", str(self._own.key), "-CAcreateserial", "-days", str(days))
        self._run(
            "x509", "-req", "-in", asked, "-out", str(made.file), "-extfile", config, "-extensions", "holder", *signed
        )
        made.key.chmod(0o644)
        return made

    def _next(self, name: str) -> Certificate:
        self._count += 1
        stem = self._folder / str(self._count)
        stem.with_suffix(".conf").write_text(CONFIG.format(name=name or "DNS:none"))
        return Certificate(stem.with_suffix(".crt"), stem.with_suffix(".key"))

    def _new(self, made: Certificate) -> tuple[str, ...]:
        subject = f"/CN={self._folder.name} {made.file.stem}"
        return (*KEY, "-subj", subject, "-keyout", str(made.key), "-out", str(made.file))

    def _run(self, *words: str) -> None:
        subprocess.run(  # noqa: S603 - our own words, no shell
            [str(self._openssl.path), *words],
            env={**os.environ, **self._openssl.env},
            check=True,
            capture_output=True,
        )
