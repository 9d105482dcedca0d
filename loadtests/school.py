"""A school's box as its owner starts it: `tongbu edge` in a fresh directory, with its code."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.client import Client, signed_in
from loadtests.service import ADMIN_PASSWORD, end, service_environment, wait_for_address

TONGBU = ("deploy",)


@dataclass(frozen=True, slots=True)
class Box:
    """A running box: its address, directory, process and what it printed."""

    url: str
    data: Path
    process: subprocess.Popen[str]
    log: Path


async def new_school(admin: Client) -> str:
    """Let an administrator found a countryside school, in a district of its own; give its id."""
    district = (await admin.post("districts", {"name": "莱西市"}))["id"]
    about = {"name": "店埠镇中心小学", "district": district, "setting": "rural"}
    return str((await admin.post("schools", about))["id"])


async def school_with_a_box(url: str, name: str = "box") -> tuple[str, str]:
    """Let the administrator of a fresh service found a school and make a box; give id and code."""
    async with signed_in(url, "admin", ADMIN_PASSWORD) as admin:
        school = await new_school(admin)
    return school, await new_code(url, school, name)


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
    program: Sequence[str] = TONGBU,
    stdin: int = subprocess.DEVNULL,
) -> Iterator[Box]:
    """Start `tongbu edge`, wait for its address, stop it with SIGTERM at the end.

    A directory of before needs no code. `program` is the module that is run as `tongbu`.
    """
    with tempfile.TemporaryDirectory(prefix="tongbu-box-", ignore_cleanup_errors=True) as home:
        where = data or Path(home) / "data"
        asked = ["--origin", origin, *(["--enrol", code] if code else []), *arguments]
        words = [sys.executable, "-m", *program, "edge", "--listen", "127.0.0.1:0", *asked]
        process, log = _start(where, words, extra, stdin)
        try:
            yield Box(wait_for_address(process, log), where, process, log)
        finally:
            end(process)


def _start(
    data: Path, words: Sequence[str], extra: Mapping[str, str] | None, stdin: int
) -> tuple[subprocess.Popen[str], Path]:
    data.parent.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"{data.name}.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            words, cwd=data.parent, env=service_environment(data, extra), text=True,
            stdin=stdin, stdout=subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
    return process, log
