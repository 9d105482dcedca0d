"""Where a test run writes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support import memory
from tests.support.memory import PREFIX, directory_in_memory


def test_what_killed_runs_left_goes_and_what_others_use_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "ROOM_BYTES", 1)
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, used = tmp_path / f"{PREFIX}{ended.pid}-x", tmp_path / f"{PREFIX}{os.getppid()}-x"
    for directory in (left, used, tmp_path / "another"):
        (directory / "below").mkdir(parents=True)
    made = directory_in_memory(tmp_path)
    assert made is not None
    assert made.name.startswith(f"{PREFIX}{os.getpid()}-")
    assert made.stat().st_mode & 0o777 == 0o711
    assert {path.name for path in tmp_path.iterdir()} == {made.name, used.name, "another"}


def test_without_room_or_place_it_is_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert directory_in_memory(tmp_path / "nowhere") is None
    monkeypatch.setattr(memory, "ROOM_BYTES", 1 << 60)
    assert directory_in_memory(tmp_path) is None
