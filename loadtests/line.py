"""Networks of their own, and lines between them that are as thin and bad as one likes.

A `Home` is a network namespace, held by a process that ends with its standard input: whatever
happens to the bench, even kill -9, no namespace, device or line process stays behind, because none
of them has a name that outlives its process. A `Line` joins two homes by a pair of TUN devices and
one process (`line_process`): real kernel TCP at both ends, without netem. Needs root.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loadtests.line_process import MTU_BYTES
from loadtests.line_way import Counted, Shape

ROOT = Path(__file__).parents[1]
END_LIMIT_S = 5.0
QUEUE_PACKETS = 2000
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Home:
    """A network: that of the process `pid`, or this machine's own for 0."""

    pid: int = 0

    def inside(self, *command: str) -> tuple[str, ...]:
        """Give the command that runs another one in here."""
        return ("nsenter", f"--net=/proc/{self.pid}/ns/net", *command) if self.pid else command

    def run(self, *command: str) -> None:
        """Run a command in here to its end. Raises: CalledProcessError."""
        subprocess.run(self.inside(*command), check=True, stdin=subprocess.DEVNULL)

    def listens(self, port: int) -> bool:
        """Tell whether somebody in here listens on a port. Spec: proc_net_tcp."""
        lines = Path(f"/proc/{self.pid or 'self'}/net/tcp").read_text().splitlines()[1:]
        fields = [line.split() for line in lines]
        return any(one[1].endswith(f":{port:04X}") and one[3] == "0A" for one in fields)


MACHINE = Home()


@contextmanager
def begun(command: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a program that says when it is ready and ends with its stdin; end it, by force at last.

    It is killed by the kernel when this process is. Raises: SystemExit when it does not get ready.
    """
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command], text=True, cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, **how,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"{' '.join(command[:6])} did not get ready: are you root?")
        yield process
    finally:
        process.stdin.close()
        end(process)
        process.stdout.close()


def end(process: subprocess.Popen[str]) -> int:
    """Wait for a process that was told to end; kill it when it does not."""
    try:
        return process.wait(END_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@contextmanager
def namespace(congestion: str = "reno") -> Iterator[Home]:
    """Make a network of its own, whose TCP does not pace on its loopback as bbr does."""
    script = f"""ip link set lo up && echo {congestion} > /proc/sys/net/ipv4/tcp_congestion_control
        echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save && echo ready && exec cat"""
    with begun(["unshare", "--net", "sh", "-c", script]) as holder:
        yield Home(holder.pid)


class Line:
    """A line that is there: its ends' addresses, and what can be done to it."""

    def __init__(self, process: subprocess.Popen[str], shape: Shape, number: int) -> None:
        self._process = process
        self._asked = threading.Lock()
        self.shape = shape
        self.near_address = f"10.213.{number}.1"
        self.far_address = f"10.213.{number}.2"

    @property
    def pid(self) -> int:
        """The process that carries the packets."""
        return self._process.pid

    def reshape(self, shape: Shape) -> None:
        """Change rate, delay or loss now."""
        self.shape = shape
        self._order({"shape": asdict(shape)})

    def cut(self) -> None:
        """Let nothing pass any more; what is under way is lost."""
        self._order({"cut": True})

    def mend(self) -> None:
        """Let packets pass again."""
        self._order({"cut": False})

    def counted(self) -> tuple[Counted, Counted]:
        """Give what was carried near to far, and back."""
        answer = self._order({})
        return Counted(**answer["down"]), Counted(**answer["up"])

    def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._asked:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def line(near: Home, far: Home, shape: Shape, *, number: int = 77, seed: int = 1) -> Iterator[Line]:
    """Join two homes. A home with several lines needs a `number` (0 to 255) of its own for each."""
    names = [f"tb{os.getpid()}x{next(_numbers)}" for _ in range(2)]
    command = [sys.executable, "-m", "loadtests.line_process", *names, str(seed)]
    with begun([*command, json.dumps(asdict(shape))]) as process:
        made = Line(process, shape, number)
        ends = zip((near, far), names, (made.near_address, made.far_address), strict=True)
        for home, name, address in ends:
            _settle(home, name, address)
        yield made


def _settle(home: Home, name: str, address: str) -> None:
    if home.pid:
        MACHINE.run("ip", "link", "set", name, "netns", str(home.pid))
    home.run("ip", "addr", "add", f"{address}/30", "dev", name)
    home.run("ip", "link", "set", name, "up", "mtu", str(MTU_BYTES),
             "txqueuelen", str(QUEUE_PACKETS))  # fmt: skip
