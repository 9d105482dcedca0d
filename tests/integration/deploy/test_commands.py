"""The operator's commands on a data directory, as processes."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.service import service_environment


@pytest.fixture
def data() -> Iterator[Path]:
    """A directory that the database's account can reach."""
    with tempfile.TemporaryDirectory(prefix="tongbu-commands-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        yield Path(home) / "data"


def tongbu(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy", *arguments], env=service_environment(data), text=True,
        capture_output=True, timeout=50, check=False,
    )  # fmt: skip


def test_people_are_added_listed_disabled_and_reset(data: Path) -> None:
    added = tongbu(data, "user", "add", "wang", "--role", "administrator", "--name", "王老师")
    assert re.fullmatch(r"added wang; password \S+ \(shown only now\)\n", added.stdout), added
    again = tongbu(data, "user", "add", "wang", "--role", "administrator")
    assert (again.returncode, again.stdout) == (1, "")
    assert "this user name is taken" in again.stderr
    assert "administrator" in tongbu(data, "user", "list").stdout
    last = tongbu(data, "user", "disable", "wang")
    assert "this is the last administrator" in last.stderr
    assert "has the password" in tongbu(data, "user", "reset", "wang").stdout
    unknown = tongbu(data, "user", "add", "li", "--role", "teacher", "--school", "没有的学校")
    assert "there is no school '没有的学校' (nothing comes near)" in unknown.stderr


def test_a_backup_fills_an_empty_catalogue(data: Path) -> None:
    tongbu(data, "user", "add", "wang", "--role", "administrator")
    archive = data.parent / "backup.tar.gz"
    assert "tables" in tongbu(data, "backup", str(archive)).stdout
    refused = tongbu(data, "restore", str(archive))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    fresh = data.parent / "fresh"
    restored = tongbu(fresh, "restore", str(archive))
    assert restored.returncode == 0, restored
    assert "all 0 media objects are in the store" in restored.stdout
    assert "wang" in tongbu(fresh, "user", "list").stdout
