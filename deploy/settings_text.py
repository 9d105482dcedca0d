"""Addresses and ranges in options, as text."""

from __future__ import annotations

HIGHEST_PORT = 65_535
LONGEST_RANGE = 1000


def parse_listen(text: str) -> tuple[str, int]:
    """Split HOST:PORT; an IPv6 host stands in brackets. Raises: ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > HIGHEST_PORT:
        raise ValueError(f"listen must be HOST:PORT such as 127.0.0.1:8080, not {text!r}")
    return host.strip("[]"), int(port)


def parse_ports(text: str) -> tuple[int, int]:
    """Split FIRST-LAST. Raises: ValueError."""
    first, dash, last = text.partition("-")
    if dash and first.isdigit() and last.isdigit():
        low, high = int(first), int(last)
        if 0 < low <= high <= HIGHEST_PORT and high - low < LONGEST_RANGE:
            return low, high
    raise ValueError(f"ports must be FIRST-LAST such as 10080-10089, not {text!r}")
