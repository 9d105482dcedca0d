"""Processes below another one, read from /proc."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


async def encoders_of(pid: int, word: str = "") -> list[int]:
    """Process ids of the living encoders below pid that have the word in their arguments."""
    return await asyncio.to_thread(_encoders, pid, word)


async def gone(pids: Iterable[int]) -> bool:
    """Tell whether none of these processes runs any more."""
    return not any([await asyncio.to_thread(_alive, pid) for pid in pids])


def _encoders(pid: int, word: str) -> list[int]:
    commands = {child: _command(child) for child in _children(pid)}
    return [
        child
        for child, command in commands.items()
        if command.startswith(FFMPEG) and word in command
    ]


def _alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    return not set(_stat(pid)[:1] or "X") & {"Z", "X"}


def _children(pid: int) -> list[int]:
    others = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [other for other in others if _stat(other)[1:2] == [str(pid)] and _alive(other)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _stat(pid: int) -> list[str]:
    """State, parent and the rest of what the kernel says."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return []
