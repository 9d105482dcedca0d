"""Where Prometheus is missing a test is skipped, and in CI it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.prometheus import find_tool


@pytest.mark.parametrize("name", ["prometheus", "promtool"])
def test_what_is_missing_fails_in_ci_alone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Debian's package prometheus"):
        find_tool(name)
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception):
        find_tool(name)


def test_what_is_there_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "promtool"
    there.write_text("#!/bin/sh\n")
    there.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_tool("promtool") == str(there)
