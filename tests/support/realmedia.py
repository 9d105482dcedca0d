"""Video that nobody here made: recordings of physics lessons and clips in two Debian packages.

The packages are fetched by apt, unpacked without being installed, and kept in a cache directory.
Where there is no apt the tests that want them are skipped.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

PACKAGES = ("python3-mecavideo", "python3-imageio")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tongbu-tests" / "media"
SUFFIXES = {".mp4", ".avi", ".ogv", ".gif"}


@cache
def real_media() -> dict[str, Path]:
    """Give the packages' videos by file name; skips when they cannot be had."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        # The suite runs in several processes: one fetches, the others wait for it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for package in PACKAGES:
            if not (CACHE / package).is_dir():
                _fetch_or_leave(package)
    return {
        path.name: path
        for package in PACKAGES
        for path in sorted((CACHE / package).rglob("*"))
        if path.suffix in SUFFIXES and path.is_file()
    }


def _fetch_or_leave(package: str) -> None:
    reason = _fetch(package)
    if reason:
        pytest.skip(reason)


def _fetch(package: str) -> str:
    """Download and unpack a package; give the reason when that is not possible."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return f"no apt-get to fetch {package} with"
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        command = ["apt-get", "download", "-o", "APT::Sandbox::User=root", package]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50)
        archives = list(Path(folder).glob("*.deb"))
        if done.returncode or not archives:
            return f"apt-get download {package}: {done.stderr.strip()[-200:]}"
        unpacked = Path(folder) / "unpacked"
        subprocess.run(["dpkg", "-x", archives[0], unpacked], check=True, capture_output=True)
        unpacked.rename(CACHE / package)
    return ""
