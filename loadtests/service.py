"""The whole service as its user starts it: `tongbu serve` on a free port with a fresh directory."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 120.0
STOP_LIMIT_S = 40.0
ADMIN_PASSWORD = "a-password-for-tests-1"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: its address, directory, process and what it printed."""

    url: str
    data: Path
    process: subprocess.Popen[str]
    log: Path


def service_environment(data: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment in which nothing of this machine's Tongbu is seen."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TONGBU_")}
    own = {"TONGBU_SERVER_DATA": str(data), "TONGBU_ADMIN_PASSWORD": ADMIN_PASSWORD,
           "PYTHONPATH": str(ROOT), "TONGBU_LIVE_RTMP": "127.0.0.1:0"}  # fmt: skip
    return {**kept, **own, **(extra or {})}


@contextmanager
def running(
    *arguments: str,
    data: Path | None = None,
    extra: Mapping[str, str] | None = None,
    inside: Sequence[str] = (),
) -> Iterator[Service]:
    """Start `tongbu serve`, wait for its address, stop it with SIGTERM at the end.

    `inside` are the words that put a command into a network of its own (`line.Home.inside`).
    """
    with tempfile.TemporaryDirectory(prefix="tongbu-service-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        where = data or Path(home) / "data"
        process, log = start(where, *arguments, extra=extra, inside=inside)
        try:
            yield Service(wait_for_address(process, log), where, process, log)
        finally:
            end(process)


def start(
    data: Path,
    *arguments: str,
    extra: Mapping[str, str] | None = None,
    inside: Sequence[str] = (),
) -> tuple[subprocess.Popen[str], Path]:
    """Start the process; its standard error goes to a file beside the data directory."""
    data.parent.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"{data.name}.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [*inside, sys.executable, "-m", "deploy", "serve", "--listen", "127.0.0.1:0",
             *arguments],
            cwd=data.parent, env=service_environment(data, extra), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
    return process, log


def wait_for_address(process: subprocess.Popen[str], log: Path) -> str:
    """Read standard output up to the line `listening on http://…`, and drain it from then on."""
    assert process.stdout is not None
    timer = threading.Timer(START_LIMIT_S, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            found = re.search(r"listening on (https?://\S+)", line)
            if found:
                threading.Thread(target=process.stdout.read, daemon=True).start()
                return found[1]
    finally:
        timer.cancel()
    raise AssertionError(f"the service did not start:\n{log.read_text(errors='replace')[-4000:]}")


def end(process: subprocess.Popen[str]) -> int:
    """Stop with SIGTERM, kill after a while; give the exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
    code = process.wait()
    if process.stdout:
        process.stdout.close()
    return code
