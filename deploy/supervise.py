"""Keeps child processes of our own program running: started again when they end, never orphaned.

A child calls `die_with_parent` first thing, so that a `kill -9` of the parent takes it along. The
wait before a new start doubles while a child keeps ending young; `Backoff` decides, purely.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

PARENT_VARIABLE = "TONGBU_PARENT_PID"
SHORTEST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0
SETTLED_AFTER_S = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Backoff:
    """The wait before the next start; a child that lived long enough is forgiven."""

    wait_s: float = SHORTEST_WAIT_S

    def after(self, lived_s: float) -> Backoff:
        """Give the next wait after a child that lived this long."""
        if lived_s >= SETTLED_AFTER_S:
            return Backoff()
        return Backoff(min(self.wait_s * 2, LONGEST_WAIT_S))


def die_with_parent(environment: Mapping[str, str] = os.environ) -> None:
    """Ask the kernel to kill this process when the one that started it ends."""
    parent = environment.get(PARENT_VARIABLE)
    if parent is None:
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        os._exit(1)


def allow_many_files() -> None:
    """Take all the open files that the system lets us have: every viewer is a socket."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def keep_running(
    arguments: Sequence[str], environment: Mapping[str, str], drain_s: float
) -> None:
    """Run `python -m deploy ARGUMENTS` until cancelled; then stop it within drain_s seconds."""
    loop = asyncio.get_running_loop()
    backoff = Backoff()
    while True:
        started_at = loop.time()
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy", *arguments,
            env={**environment, PARENT_VARIABLE: str(os.getpid())},
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            await asyncio.shield(stop(child, drain_s))
            raise
        log.error("%s ended with %d; starting it again in %.1f s", arguments[0], code,
                  backoff.wait_s)  # fmt: skip
        await asyncio.sleep(backoff.wait_s)
        backoff = backoff.after(loop.time() - started_at)


async def stop(child: asyncio.subprocess.Process, drain_s: float) -> None:
    """End a child: terminate, wait, kill, wait."""
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(drain_s):
            await child.wait()
    except TimeoutError:
        log.warning("process %d did not end within %.0f s; killing it", child.pid, drain_s)
        child.kill()
        await child.wait()
