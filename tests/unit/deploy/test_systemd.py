"""The units of a school's box: what systemd says of them, and what it cannot know."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.config import load, options_of
from deploy.settings import Settings
from tests.support.compose import DEPLOY
from tests.support.tools import find_tool

FOLDER = DEPLOY / "systemd"
UNITS = ("tongbu-edge.service", "tongbu-edge-update.service", "tongbu-edge-update.timer")
# Of 10; what stays open is the network, and /proc for the figures of the machine.
EXPOSURE_LIMITS = {"tongbu-edge.service": 20, "tongbu-edge-update.service": 40}
PROGRAMS = {
    "/opt/tongbu-edge/current/bin/tongbu", "/usr/local/sbin/tongbu-edge-update",
}  # fmt: skip


def unit(name: str) -> configparser.ConfigParser:
    """Read a unit; keys that stand twice are joined by the last."""
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(FOLDER / name, "utf-8")
    return found


@pytest.mark.parametrize("name", UNITS)
def test_systemd_reads_it_without_a_word(name: str, tmp_path: Path) -> None:
    for other in UNITS:
        text = (FOLDER / other).read_text()
        for program in PROGRAMS:
            text = text.replace(f"={program}", "=/bin/true")
        (tmp_path / other).write_text(text)
    done = subprocess.run(
        [find_tool("systemd-analyze"), "verify", "--man=no", tmp_path / name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "tongbu" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.parametrize("name", sorted(EXPOSURE_LIMITS))
def test_little_is_open_to_it(name: str) -> None:
    done = subprocess.run(
        [find_tool("systemd-analyze"), "security", "--offline=true", "--no-pager",
         f"--threshold={EXPOSURE_LIMITS[name]}", FOLDER / name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:]


def test_the_box_is_bounded_and_started_again() -> None:
    service = unit("tongbu-edge.service")["Service"]
    for key, value in {
        "NoNewPrivileges": "yes", "ProtectSystem": "strict", "CapabilityBoundingSet": "",
        "Restart": "always", "StateDirectory": "tongbu-edge", "User": "tongbu-edge",
    }.items():  # fmt: skip
        assert service[key] == value
    assert re.fullmatch(r"\d+[MG]", service["MemoryMax"])
    assert "u tongbu-edge " in (FOLDER / "tongbu-edge.sysusers").read_text()


def test_it_stops_in_its_own_time() -> None:
    settings = load(Settings, {}, {}, {})
    stop_s = int(unit("tongbu-edge.service")["Service"]["TimeoutStopSec"])
    assert stop_s > settings.server.drain_s


def test_what_is_installed_cannot_be_written_by_who_runs() -> None:
    assert "ReadWritePaths" not in unit("tongbu-edge.service")["Service"]
    assert unit("tongbu-edge-update.service")["Service"]["ReadWritePaths"] == "/opt/tongbu-edge"
    assert "User" not in unit("tongbu-edge-update.service")["Service"]


def test_the_example_has_options_that_exist() -> None:
    lines = (FOLDER / "edge.env.example").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert found.pop("TONGBU_UPDATE_SOURCE").startswith("https://")
    assert set(found) <= {spec.variable for spec in options_of(Settings)}
    assert load(Settings, {}, found, {}).edge.origin


@pytest.mark.parametrize("path", [
    FOLDER / "tongbu-edge-update", FOLDER / "tongbu-edge-bundle", DEPLOY / "make-secrets",
    *sorted((DEPLOY / "container").iterdir()),
], ids=lambda path: path.name)  # fmt: skip
def test_a_script_is_plain_sh_and_may_be_run(path: Path) -> None:
    assert path.read_text().startswith("#!/bin/sh\n")
    assert path.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", path], check=True)
    if shutil.which("dash"):
        subprocess.run(["dash", "-n", path], check=True)
