"""The authority's files in the data directory: key (0600), certificate, domain.

They are read again for each certificate, which is rare, so that an authority that was made or
brought while the service runs is used at once. Synchronous: call it in a thread.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from catalog.edge_ca import Ca, domain_of, make_ca, pem_of, read_ca
from catalog.errors import Conflict, Invalid, Unavailable

KEY, CERTIFICATE, SETTINGS = "ca.key", "ca.pem", "ca.json"


@dataclass(frozen=True, slots=True)
class CaFolder:
    """Where an authority is kept."""

    path: Path
    clock: Callable[[], float] = time.time

    @property
    def certificate(self) -> Path:
        """The file that devices are told to trust."""
        return self.path / CERTIFICATE

    def read(self) -> Ca | None:
        """Give the authority; None when there is none. Raises: Unavailable."""
        try:
            domain = domain_of(str(json.loads((self.path / SETTINGS).read_bytes())["domain"]))
            key, chain = (self.path / KEY).read_bytes(), self.certificate.read_bytes()
            return read_ca(key, chain, domain, self.clock())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, Invalid) as error:
            raise Unavailable(f"the authority in {self.path} cannot be used: {error}") from error

    def make(self, domain: str) -> Ca:
        """Make the city's own authority. Raises: Conflict when there is one, Invalid."""
        made = make_ca(domain_of(domain), self.clock())
        self._write(made)
        return made

    def bring(self, key: bytes, chain: bytes, domain: str) -> Ca:
        """Keep an authority that was made elsewhere. Raises: Conflict, Invalid."""
        brought = read_ca(key, chain, domain_of(domain), self.clock())
        self._write(brought)
        return brought

    def _write(self, ca: Ca) -> None:
        if (self.path / SETTINGS).exists():
            raise Conflict(
                f"there is an authority in {self.path}: edges and devices trust it. "
                "Move that folder away first if you mean to begin anew"
            )
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = ca.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )  # fmt: skip
        chain = pem_of((ca.certificate, *ca.above))
        write_secret(self.path / KEY, secret)
        self.certificate.write_text(chain, "ascii")
        # Last: what is there without this file was broken off and is written again.
        (self.path / SETTINGS).write_text(json.dumps({"domain": ca.domain}), "utf-8")


def write_secret(path: Path, secret: bytes) -> None:
    """Write a file whole that nobody else may read, in place of the one before."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
