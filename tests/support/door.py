"""Caddy as the image of the door has it: the file capability of Caddy's own image, and then what
our stage does to it, word for word, on this machine's program and the volumes' directories.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.support.compose import DEPLOY, Plain
from tests.support.containerfile import said
from tests.support.tools import find_tool

# The image's account with no right, and no way to one: `cap_drop: [ALL]`, `no-new-privileges`.
ACCOUNT = (
    "setpriv", "--reuid=10002", "--regid=10002", "--clear-groups", "--bounding-set=-all",
    "--no-new-privs",
)  # fmt: skip


def starts(words: list[str]) -> bool:
    """Tell whether the kernel starts a program with these words."""
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def door_of(plain: Plain) -> list[str]:
    """Give the words that the file's `caddy` is started with here.

    As root that is the image's account; others start this machine's program as it is.
    """
    caddy = find_tool("caddy")
    if os.geteuid() != 0:
        return _found_first(Path(caddy))
    program = plain.home / "door" / "caddy"
    program.parent.mkdir()
    shutil.copyfile(caddy, program)
    program.chmod(0o755)
    version = [*ACCOUNT, str(program), "version"]
    subprocess.run(
        [find_tool("setcap"), "cap_net_bind_service=+ep", str(program)], check=True
    )  # as in Caddy's image
    assert not starts(version), "whoever cannot see the fault cannot see it mended"
    _made(plain, program)
    assert starts(version)
    plain.directory("caddy-tmp").chmod(0o1777)
    plain.instead["./Caddyfile"] = Path(shutil.copy(DEPLOY / "Caddyfile", program.parent))
    return [*ACCOUNT, *_found_first(program)]


def _found_first(program: Path) -> list[str]:
    return ["env", f"PATH={program.parent}:{os.environ['PATH']}"]


def _made(plain: Plain, program: Path) -> None:
    """Run the stage's commands."""
    places = {
        "/usr/bin/caddy": program,
        "/data": plain.directory("caddy-data"),
        "/config": plain.directory("caddy-config"),
    }
    for command in said("door", "RUN"):
        here = re.sub("|".join(places), lambda found: str(places[found[0]]), command)
        subprocess.run(["sh", "-ec", here], check=True)
