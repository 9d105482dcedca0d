"""The first step of a runbook, done as who reads it does it."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "deploy/runbooks"
TEXTS = {path.stem: path.read_text("utf-8") for path in _FOLDER.glob("[A-Z]*[a-z].md")}
LIMIT_S = 20.0
STEP = re.compile(
    r'curl -sS -m 5 "\$\{(?P<where>ORIGIN|BOX):-http://127\.0\.0\.1:8080\}(?P<path>/[a-z]+)"'
    r"(?: \| (?:grep '\^(?P<word>tongbu_[a-z_.*]+)'"
    r"|awk '/\^(?P<aged>tongbu_[a-z_]+)/ \{print \$1, systime\(\) - int\(\$2\)\}'))?"
)


def steps(alert: str) -> list[str]:
    """Give every command of a runbook that stands in a block of its own, once."""
    lines = (line.strip() for line in TEXTS[alert].splitlines() if line.startswith("    "))
    return list(dict.fromkeys(lines))


def first_steps(alert: str) -> list[str]:
    """Give the command that a runbook begins its confirming with, in each of its languages."""
    return [
        next(line.strip() for line in part.splitlines() if line.startswith("    "))
        for part in re.split("^## (?:确认|Confirm)$", TEXTS[alert], flags=re.MULTILINE)[1:]
    ]


async def shown(alert: str, *, origin: str = "", box: str = "") -> list[str]:
    """Run that command against an origin or a box; give the lines it shows."""
    process = await asyncio.create_subprocess_shell(
        first_steps(alert)[0],
        env=os.environ | {"ORIGIN": origin, "BOX": box},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(LIMIT_S):
        out, _ = await process.communicate()
    return out.decode().splitlines()


async def figures(alert: str, *, origin: str = "", box: str = "") -> dict[str, float]:
    """Give the figures that the command shows, by name and labels as they are written."""
    lines = [line for line in await shown(alert, origin=origin, box=box) if line[:1] != "#"]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
