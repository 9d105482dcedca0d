"""Where a program is missing a test is skipped, and says what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import tools
from tests.support.tools import find_tool


@pytest.mark.parametrize(
    ("name", "whose"),
    [(name, f"Debian's package {package}$") for name, package in tools.PACKAGES.items()]
    + [(name, f"the wheel {wheel}") for name, wheel in tools.WHEELS.items()],
)
def test_what_is_missing_is_said(
    name: str, whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "SYSTEM", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(pytest.skip.Exception, match=whose):
        find_tool(name)


def test_what_is_there_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "promtool"
    there.write_text("#!/bin/sh\n")
    there.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_tool("promtool") == str(there)
