"""Processes that stand still, as on a machine that hangs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held(*processes: int) -> Iterator[None]:
    """Let them stand still in the block, and go on after it."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Let one stand still, and end it."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGKILL)
