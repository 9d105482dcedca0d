"""What processes of this machine have used, from /proc.

Spec: proc_pid_stat(5), proc_stat(5), proc_pid_statm(5).
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """Give the CPU seconds that a process has used, all its threads."""
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def reaped_s(pid: int) -> float:
    """Give the CPU seconds of a process's children that have ended and were waited for."""
    fields = stat_fields(pid)
    return (int(fields[13]) + int(fields[14])) / TICKS


def resident_bytes(pid: int) -> int:
    """Give the memory of a process that is resident and not shared with a file."""
    _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(resident) - int(shared)) * PAGE_BYTES


def peak_bytes(pid: int) -> int:
    """Give the highest resident memory that a process has had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def machine_s() -> tuple[float, float]:
    """Give the machine's busy and whole CPU seconds."""
    fields = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS, sum(fields) / TICKS


def stat_fields(pid: int) -> list[str]:
    """Give the fields of /proc/PID/stat from the state on. Raises: OSError."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@dataclass(frozen=True, slots=True)
class Process:
    """One process in the tables of the kernel."""

    pid: int
    parent: int
    command: str


def processes() -> dict[int, Process]:
    """Read which processes there are."""
    found = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(folder.name)
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            found[pid] = Process(pid, int(stat_fields(pid)[1]), command)
    return found


def children_of(pid: int) -> dict[int, str]:
    """Give the command lines of a process's children."""
    return {one.pid: one.command for one in processes().values() if one.parent == pid}
