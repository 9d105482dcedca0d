"""deploy/compose.yaml as plain data, and each of its services as words for a plain process.

Ports become free ones of this machine, names of services loopback, mounted paths directories of
the test; all else (words, environment, checks) stays as it is in the file. No Docker is asked.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

DEPLOY = Path(__file__).parents[2] / "deploy"
FILE = DEPLOY / "compose.yaml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_PORT_WORD = re.compile(r"(-[a-z0-9.]*port=)([1-9]\d*)")
_PORT = re.compile(r"[1-9]\d{1,4}")
_HOST_PORT = re.compile(r"\b([a-z0-9.-]+):(\d{2,5})\b")
_HERE = ("0.0.0.0", "127.0.0.1", "localhost")


class Unset(Exception):
    """A variable that the file asks for is not set."""


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in as Compose does. Raises: Unset."""

    def value(found: re.Match[str]) -> str:
        name, kind, word = found.groups()
        if variables.get(name):
            return variables[name]
        if kind == "?":
            raise Unset(f"{name}: {word}")
        return word or ""

    return _VARIABLE.sub(value, text)


def read_compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """Give the file's content with these variables."""
    found: dict[str, Any] = yaml.safe_load(interpolated(FILE.read_text("utf-8"), variables))
    return found


def sources(service: Mapping[str, Any]) -> dict[str, str]:
    """Give what is mounted where: path inside → name of a volume or path beside the file."""
    pairs = (text.split(":")[:2] for text in service.get("volumes", []))
    return {inside: outside for outside, inside in pairs}


def secret_targets(service: Mapping[str, Any]) -> dict[str, str]:
    """Give path inside → name of the secret."""
    long = [{"source": s} if isinstance(s, str) else s for s in service.get("secrets", [])]
    return {s.get("target", f"/run/secrets/{s['source']}"): s["source"] for s in long}


def free_ports(count: int) -> list[int]:
    """Give ports that nobody has now."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in taken:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in taken]


@dataclass(slots=True)
class Plain:
    """The file's services on this machine; `home` holds a directory a volume.

    `instead` names what is mounted in place of a path beside the file.
    """

    content: dict[str, Any]
    home: Path
    secrets: Path
    ports: dict[tuple[str, int], int] = field(default_factory=dict)
    instead: dict[str, Path] = field(default_factory=dict)

    @property
    def services(self) -> dict[str, Any]:
        """The services by name."""
        found: dict[str, Any] = self.content["services"]
        return found

    def port(self, service: str, inside: int) -> int:
        """Give this machine's port for a service's own."""
        return self.ports.setdefault((service, inside), free_ports(1)[0])

    def command(self, name: str) -> list[str]:
        """Give the service's words."""
        return [self.words(name, text) for text in self.services[name].get("command", [])]

    def environment(self, name: str) -> dict[str, str]:
        """Give the service's environment."""
        found = self.services[name].get("environment", {})
        return {key: self._variable(name, key, str(text)) for key, text in found.items()}

    def check(self, name: str) -> list[str]:
        """Give the words of its health check."""
        kind, *words = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD", "no shell: words are what they are"
        return [self.words(name, text) for text in words]

    def _variable(self, name: str, key: str, text: str) -> str:
        if key.endswith("_PORT") and _PORT.fullmatch(text):
            return str(self.port(name, int(text)))
        return self.words(name, text)

    def words(self, name: str, text: str) -> str:
        """Translate one word of a service."""
        text = _PORT_WORD.sub(lambda m: f"{m[1]}{self.port(name, int(m[2]))}", text)
        text = _HOST_PORT.sub(lambda m: self._address(name, m), text)
        text = text.replace("0.0.0.0", "127.0.0.1").replace(f"-ip={name}", "-ip=127.0.0.1")
        return self._path(name, text)

    def _address(self, name: str, found: re.Match[str]) -> str:
        host, inside = found[1], int(found[2])
        if host in self.services:
            return f"127.0.0.1:{self.port(host, inside)}"
        return f"127.0.0.1:{self.port(name, inside)}" if host in _HERE else found[0]

    def _path(self, name: str, text: str) -> str:
        mounts = {inside: self._outside(out) for inside, out in self._mounts(name).items()}
        inside = "|".join(map(re.escape, sorted(mounts, reverse=True)))
        return re.sub(rf"(^|=)({inside})(?=/|$)", lambda m: f"{m[1]}{mounts[m[2]]}", text)

    def _mounts(self, name: str) -> dict[str, str]:
        service, secrets = self.services[name], self.content["secrets"]
        kept = {inside: secrets[s]["file"] for inside, s in secret_targets(service).items()}
        return {"/tmp": f"{name}-tmp", **sources(service), **kept}

    def _outside(self, named: str) -> Path:
        if named in self.instead:
            return self.instead[named]
        if named.startswith("./secrets/"):
            return self.secrets / Path(named).name
        return DEPLOY / named[2:] if named.startswith("./") else self.directory(named)

    def directory(self, name: str) -> Path:
        """Give the directory that stands for a volume."""
        path = self.home / name
        path.mkdir(exist_ok=True)
        return path
