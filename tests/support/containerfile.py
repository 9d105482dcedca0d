"""deploy/Containerfile by its stages."""

from __future__ import annotations

import re

from tests.support.compose import DEPLOY

TEXT = (DEPLOY / "Containerfile").read_text("utf-8")


def stages() -> dict[str, list[str]]:
    """Give the instructions of each stage by its name, long lines joined, without comments."""
    lines = [line for line in TEXT.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = [[line for line in stage.splitlines() if line.strip()]
             for stage in re.split(r"(?m)^(?=FROM )", joined) if stage.strip()]  # fmt: skip
    return {stage[0].split()[3]: stage for stage in found}


def said(stage: str, word: str) -> list[str]:
    """Give what a stage says by an instruction."""
    return [line.partition(" ")[2] for line in stages()[stage] if line.startswith(f"{word} ")]
