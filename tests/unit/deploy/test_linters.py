"""What cannot be run here, because there is no Docker, is read by those who know it: Compose's own
schema, hadolint and ShellCheck.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.compose import DEPLOY, FILE
from tests.support.tools import PACKAGES, find_tool

ROOT = DEPLOY.parent
RUN = (ROOT / ".ci/run").read_text("utf-8")


def said(*command: str | Path, **environment: str) -> tuple[int, str]:
    """Run a program with this environment alone; give how it ended and what it said."""
    done = subprocess.run(
        command, env={"PATH": os.environ["PATH"], "HOME": "/", **environment},
        capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def compose(file: Path, folder: Path) -> tuple[int, str]:
    """Let Compose read a file, whatever `.env` is beside it."""
    (folder / "none.env").touch()
    return said(
        find_tool("docker-compose"), "--env-file", folder / "none.env", "-f", file, "config", "-q",
        TONGBU_SITE="ketang.example.edu.cn",
    )  # fmt: skip


def test_compose_reads_the_file(tmp_path: Path) -> None:
    assert compose(FILE, tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("read_only: true", "readonly: true", "readonly"),
        ("condition: service_healthy", "condition: healthy", "depends_on"),
        ('"127.0.0.1:9090:9090"', '"127.0.0.1:909O:9090"', "ports"),
    ],
)
def test_compose_finds_what_is_written_wrong(
    right: str, wrong: str, told: str, tmp_path: Path
) -> None:
    text = FILE.read_text("utf-8")
    assert right in text
    (tmp_path / "compose.yaml").write_text(text.replace(right, wrong), "utf-8")
    code, words = compose(tmp_path / "compose.yaml", tmp_path)
    assert code != 0
    assert told in words


def test_hadolint_has_nothing_to_say_of_the_containerfile(tmp_path: Path) -> None:
    assert said(find_tool("hadolint"), "--no-color", DEPLOY / "Containerfile") == (0, "")
    (tmp_path / "Containerfile").write_text("FROM debian\nRUN cd /opt && apt-get install curl\n")
    code, words = said(find_tool("hadolint"), "--no-color", tmp_path / "Containerfile")
    assert code != 0
    assert "DL3006" in words


def scripts() -> list[Path]:
    """Give every shell script of deploy/, and what CI runs."""
    found = [path for path in DEPLOY.rglob("*") if path.is_file() and path.stat().st_mode & 0o111]
    shell = [path for path in found if re.match(rb"#!/bin/(ba)?sh\n", path.read_bytes())]
    return [*sorted(shell), ROOT / ".ci/run"]


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say_of_a_script(path: Path) -> None:
    assert said(find_tool("shellcheck"), path) == (0, "")


def test_shellcheck_looks_at_all_of_them() -> None:
    names = {path.name for path in scripts()}
    assert {"tongbu-edge-update", "tongbu-edge-bundle", "make-secrets", "tongbu-enrol"} <= names


def test_shellcheck_finds_what_is_written_wrong(tmp_path: Path) -> None:
    (tmp_path / "script").write_text('#!/bin/sh\nrm -r "$1"/* $2\n')
    code, words = said(find_tool("shellcheck"), tmp_path / "script")
    assert code != 0
    assert "SC2086" in words


def test_ci_installs_every_tool_that_tests_look_for() -> None:
    (line,) = re.findall(r"(?ms)^packages=\((.*?)\)", RUN)
    assert set(PACKAGES.values()) <= set(line.split())
