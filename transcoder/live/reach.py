"""Become a program that may reach the network: `reach.py PARENT PROGRAM ARGUMENT…`.

For the ffmpeg that only takes packets from a camera or an SRT peer and decodes nothing; the one
that decodes runs in the narrow room of transcoder/launch.py. Dies with its parent, yields to
others no less than they to it, and its memory and files are limited.

Spec: prctl(2) PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
MEMORY_BYTES = 1 << 30
OPEN_FILES = 64


def main(arguments: list[str]) -> None:
    """Limit this process and exec."""
    parent, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(command[0], command)  # noqa: S606 (this is what it is for)


if __name__ == "__main__":
    main(sys.argv[1:])
