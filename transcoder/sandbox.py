"""The narrow room in which foreign media is decoded: what a child may use and see.

Pure: builds the command line; launch.py does the narrowing in the child. Every decoder of uploaded
bytes (ffmpeg, the PyAV probe) runs through `Sandbox.wrap`, because demuxers and decoders are the
part of the service that a hostile file talks to.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one child. file_bytes 0: it can write to pipes only."""

    cpu_s: int = 3600
    memory_bytes: int = 6 * GIB
    file_bytes: int = 0
    open_files: int = 64
    nice: int = 10


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Limits, and the files and directories that the child may read besides system libraries."""

    limits: Limits = field(default_factory=Limits)
    readable: tuple[Path, ...] = ()

    def wrap(self, command: Sequence[str], parent_pid: int) -> tuple[str, ...]:
        """Put the launcher in front of a command, whose program is an absolute path.

        The child dies with the thread that spawns it: spawn from a thread that lives as long as
        the worker (the event loop's), whose process is parent_pid.
        """
        orders = {
            "parent": parent_pid,
            "limits": asdict(self.limits),
            "readable": [str(path) for path in self.readable],
        }
        return (sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(orders), *command)
