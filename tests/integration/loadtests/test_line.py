"""Lines between networks of their own carry real TCP, can be cut, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.line import MACHINE, ROOT, Home, line, namespace
from loadtests.line_way import Shape
from tests.support.children import gone
from tests.support.wait import eventually

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="needs root and /dev/net/tun"
)
FETCH = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as found:
    size = 0
    while data := found.recv(65536):
        size += len(data)
print(size)
"""
STAY = """
import sys
from loadtests.line import line, namespace
from loadtests.line_way import Shape
with namespace() as near, namespace() as far, line(near, far, Shape()) as made:
    print(near.pid, far.pid, made.pid, flush=True)
    if sys.argv[1] == "raise":
        raise RuntimeError("a bench that fails")
    sys.stdin.read()
"""


@contextmanager
def giver(address: str, data: bytes) -> Iterator[int]:
    """Send `data` to whoever connects."""
    with socket.create_server((address, 0)) as listener:

        def give() -> None:
            while True:
                try:
                    with listener.accept()[0] as taken:
                        taken.sendall(data)
                except OSError:
                    return

        thread = threading.Thread(target=give)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def fetched(home: Home, address: str, port: int) -> int:
    command = home.inside(sys.executable, "-c", FETCH, address, str(port))
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_bytes_cross_the_line_and_are_counted() -> None:
    shape = Shape(20_000_000, 0.005)
    with namespace() as far, line(MACHINE, far, shape, number=201) as made:
        with giver(made.near_address, b"x" * 300_000) as port:
            assert fetched(far, made.near_address, port) == 300_000
        down, up = made.counted()
        assert 300_000 < down.bytes < 350_000
        assert 0 < up.bytes < 30_000
        made.cut()
        with pytest.raises(subprocess.CalledProcessError):
            far.run(sys.executable, "-c", "import socket; "
                    f"socket.create_connection(('{made.near_address}', {port}), 0.3)")  # fmt: skip
        assert made.counted()[1].lost > up.lost
        made.mend()
        with giver(made.near_address, b"x" * 300_000) as port:
            assert fetched(far, made.near_address, port) == 300_000


def test_homes_do_not_see_each_others_ports() -> None:
    with namespace() as home, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert MACHINE.listens(port)
        assert not home.listens(port)


@pytest.mark.parametrize("how", ["raise", "eof", "SIGTERM", "SIGKILL"])
def test_nothing_stays_behind(how: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STAY, how], cwd=ROOT, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as bench:  # fmt: skip
        assert bench.stdout is not None
        pids = [int(pid) for pid in bench.stdout.readline().split()]
        assert len(pids) == 3
        if how.startswith("SIG"):
            bench.send_signal(signal.Signals[how])
        bench.communicate()
        asyncio.run(eventually(lambda: gone(pids)))
        names = subprocess.run(["ip", "-o", "link"], check=True, capture_output=True, text=True)
        assert f"tb{bench.pid}x" not in names.stdout
