"""An ordinary account of this machine, and a Python that it can run the sources with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A service starts its workers with the Python that it runs itself: that one must be reachable too.
START_AGAIN = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', ''])"
SWITCH = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--")


def ordinary_python() -> list[str]:
    """Begin a command that runs Python as no root: another account's, or this one's as it is."""
    prefix = list(SWITCH) if os.geteuid() == 0 else []
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for program in (sys.executable, f"/usr/bin/{own}", f"/usr/local/bin/{own}"):
        command = [*prefix, program, "-c", START_AGAIN]
        probe = subprocess.run(command, cwd="/", check=False, capture_output=True)
        if probe.returncode == 0:
            return [*prefix, program]
    pytest.skip("no Python here that an ordinary account can run")


def ordinary_environment() -> dict[str, str]:
    """Give that Python our sources and packages, and nothing else of this account."""
    paths = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    return {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(paths)}
