"""A real S3 for tests and benches: SeaweedFS on free loopback ports, with its safe settings.

Off by default there and set here: telemetry, addresses other than loopback, the admin pages, the
other protocols. It dies with its parent.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

START_LIMIT_S = 30.0
STOP_LIMIT_S = 15.0
_PORTS = ("s3", "filer", "master", "volume", "admin")
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Weed:
    """A SeaweedFS that can be stopped and started again at the same address."""

    home: Path
    ports: dict[str, int]
    access_key: str = field(default_factory=lambda: secrets.token_hex(8))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(16))
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Address of its S3."""
        return f"http://127.0.0.1:{self.ports['s3']}"

    def start(self) -> None:
        """Start and wait until it answers."""
        libc = ctypes.CDLL(None)
        with (self.home / "weed.log").open("ab") as log:
            self.process = subprocess.Popen(
                [_program(), "mini", *self._arguments()],
                cwd=self.home, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
                preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
            )  # fmt: skip
        give_up_at = time.monotonic() + START_LIMIT_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                text = (self.home / "weed.log").read_text(errors="replace")
                raise AssertionError(f"SeaweedFS did not start:\n{text[-3000:]}")
            time.sleep(0.05)

    def _arguments(self) -> list[str]:
        off = ["-master.telemetry=false", "-admin.ui=false", "-webdav=false",
               "-s3.port.iceberg=0", "-s3.port.lance=0"]  # fmt: skip
        ports = [f"-{part}.port={port}" for part, port in self.ports.items() if "." not in part]
        grpc = [f"-{part.removesuffix('.grpc')}.port.grpc={port}"
                for part, port in self.ports.items() if part.endswith(".grpc")]  # fmt: skip
        return [f"-dir={self.home / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                f"-filer.localSocket={self.home / 'filer.sock'}",
                f"-s3.localSocket={self.home / 's3.sock'}",
                f"-admin.password={secrets.token_hex(16)}", *off, *ports, *grpc]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "GOMEMLIMIT": "300MiB",
        }

    def _answers(self) -> bool:
        try:
            answer = urllib3.request("GET", self.endpoint, timeout=2.0, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 403

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Stop it, at once unless told otherwise."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def freeze(self) -> None:
        """Let it take connections but never answer, from when this returns on."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        # A busy machine stops threads one after the other; until the last one is, it answers.
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process
        self.process.send_signal(signal.SIGCONT)


def _program() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    assert found, "SeaweedFS is missing: install the development requirements (make test does)"
    return found


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in taken:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in taken]


@contextmanager
def running_weed() -> Iterator[Weed]:
    """Start a SeaweedFS in a directory of its own; kill it at the end."""
    with tempfile.TemporaryDirectory(prefix="tongbu-weed-", ignore_cleanup_errors=True) as home:
        (Path(home) / "data").mkdir()
        weed = _started(Path(home))
        try:
            yield weed
        finally:
            weed.stop()


def _started(home: Path, tries: int = 3) -> Weed:
    """Start on ports that are free now; again on others when somebody was faster."""
    names = [name for part in _PORTS for name in (part, f"{part}.grpc")]
    weed = Weed(home, dict(zip(names, _free_ports(len(names)), strict=True)))
    try:
        weed.start()
    except AssertionError:
        weed.stop()
        if tries == 1:
            raise
        return _started(home, tries - 1)
    return weed
