"""A school's box as its owner starts it: `tongbu edge` in a fresh directory, with its code."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.client import signed_in
from loadtests.service import ADMIN_PASSWORD, end, service_environment, wait_for_address


@dataclass(frozen=True, slots=True)
class Box:
    """A running box: its address, directory, process and what it printed."""

    url: str
    data: Path
    process: subprocess.Popen[str]
    log: Path


async def new_code(url: str, school: str, name: str = "box") -> str:
    """Let the administrator of a service make a box for a school; give its code."""
    async with signed_in(url, "admin", ADMIN_PASSWORD) as admin:
        return str((await admin.post("edges", {"name": name, "school": school}))["code"])


@contextmanager
def running_box(
    origin: str,
    code: str = "",
    *arguments: str,
    data: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> Iterator[Box]:
    """Start `tongbu edge`, wait for its address, stop it with SIGTERM at the end.

    A directory of before needs no code.
    """
    with tempfile.TemporaryDirectory(prefix="tongbu-box-", ignore_cleanup_errors=True) as home:
        where = data or Path(home) / "data"
        asked = ["--origin", origin, *(["--enrol", code] if code else []), *arguments]
        process, log = _start(where, asked, extra)
        try:
            yield Box(wait_for_address(process, log), where, process, log)
        finally:
            end(process)


def _start(
    data: Path, arguments: list[str], extra: Mapping[str, str] | None
) -> tuple[subprocess.Popen[str], Path]:
    data.parent.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"{data.name}.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy", "edge", "--listen", "127.0.0.1:0", *arguments],
            cwd=data.parent, env=service_environment(data, extra), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
    return process, log
