"""A shelf of 100 GB fits the memory of a small box."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.killed_box import ROOT

SHELF_LIMIT_BYTES = 40 * 1024 * 1024
PROCESS_LIMIT_BYTES = 100 * 1024 * 1024


def test_two_hundred_thousand_pieces_take_little_memory(tmp_path: Path) -> None:
    def run(what: str) -> str:
        command = [sys.executable, "-m", "tests.support.full_shelf", what, str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        return done.stdout

    run("make")
    added, whole = map(int, run("open").split())
    assert added < SHELF_LIMIT_BYTES, added
    assert whole < PROCESS_LIMIT_BYTES, whole
