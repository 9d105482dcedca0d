"""How an open port sends beyond this machine."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from streaming.hot.listening import send_far

AVAILABLE = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")


def used(connection: socket.socket) -> bytes:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


@pytest.mark.skipif("bbr" not in AVAILABLE.read_text(), reason="the kernel has no bbr")
def test_what_a_port_accepts_goes_by_bbr() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
        send_far(listener.fileno())
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert used(accepted) == b"bbr"


def test_a_kernel_without_it_serves_all_the_same() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as no_tcp:
        send_far(no_tcp.fileno())
