"""What tests write, in memory where there is room for it.

Thousands of databases and services come and go in a run, each with a thousand files. ext4 looks
long for places for them, since it spares those of files that were deleted in the last minutes: a
copy of an empty catalogue takes 0.3 s there and 0.02 s in memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
PREFIX = "tongbu-tests-"
ROOM_BYTES = 6 << 30
KIB = 1024


def directory_in_memory(place: Path = MEMORY) -> Path | None:
    """Make a directory for this run; None where there is no room. Those of killed runs go."""
    if not place.is_dir() or min(shutil.disk_usage(place).free, _available_bytes()) < ROOM_BYTES:
        return None
    for left in place.glob(f"{PREFIX}*"):
        if not Path(f"/proc/{left.name.removeprefix(PREFIX).partition('-')[0]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
    made.chmod(0o711)  # a database that root starts belongs to somebody else
    return made


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * KIB
    return 0
