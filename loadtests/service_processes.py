"""The processes of a service and its boxes, from /proc: role, memory, descriptors, threads.

Spec: proc_pid_stat(5), proc_pid_fd(5).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from loadtests.live_cpu import Process, processes, resident_bytes, stat_fields


class Role(Enum):
    """What a process is for."""

    ORIGIN = "origin"
    WORKER = "worker"
    BOX = "box"
    ENCODER = "live encoder"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Look:
    """What a process has; of a database all its processes together, under its first one's pid."""

    role: Role
    pid: int
    bytes: int
    descriptors: int
    threads: int


def roles(table: Mapping[int, Process], roots: Mapping[int, Role]) -> dict[int, Role]:
    """Give the roles of those below the roots. A job's own ffmpeg lives for a moment: it has none.

    Pure.
    """
    found = {pid: role for pid, role in roots.items() if pid in table}
    for one in table.values():
        above = found.get(one.parent)
        if one.pid in found or above is None:
            continue
        role = _role_below(above, one.command)
        if role is not None:
            found[one.pid] = role
    more = {pid: Role.DATABASE for pid, one in table.items()
            if found.get(one.parent) is Role.DATABASE}  # fmt: skip
    return found | more


def with_jobs(table: Mapping[int, Process], given: Mapping[int, Role]) -> dict[int, Role]:
    """Add the processes of jobs to the workers that they hang below. Pure."""
    found = dict(given)
    for one in sorted(table.values(), key=lambda one: one.pid):
        if found.get(one.parent) is Role.WORKER:
            found.setdefault(one.pid, Role.WORKER)
    return found


def _role_below(above: Role, command: str) -> Role | None:
    if above is Role.ORIGIN and "postgres" in command:
        return Role.DATABASE
    if above is Role.ORIGIN and "-m deploy worker" in command:
        return Role.WORKER
    if above is Role.ORIGIN and "ffmpeg" in command:
        return Role.ENCODER
    return None


def look(roots: Mapping[int, Role]) -> list[Look]:
    """Look at all of them."""
    given = roles(processes(), roots)
    found = list(_looked(given.items()))
    database = [one for one in found if one.role is Role.DATABASE]
    rest = [one for one in found if one.role is not Role.DATABASE]
    if database:
        sums: Counter[str] = Counter()
        for one in database:
            sums.update(bytes=one.bytes, descriptors=one.descriptors, threads=one.threads)
        first = min(one.pid for one in database)
        rest.append(Look(Role.DATABASE, first, sums["bytes"], sums["descriptors"], sums["threads"]))
    return rest


def _looked(given: Iterable[tuple[int, Role]]) -> Iterator[Look]:
    for pid, role in given:
        with suppress(OSError, ValueError):
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
            yield Look(role, pid, resident_bytes(pid), descriptors, int(stat_fields(pid)[17]))


def environment_of(pid: int) -> dict[str, str]:
    """Give what a process was started with."""
    words = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(word.split("=", 1) for word in words if "=" in word)
