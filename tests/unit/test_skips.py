"""In CI a test that is skipped is a test that fails, but for a few whose reasons are named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.skips import ALLOWED

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.skipif(True, reason={reason!r})
def test_by_mark(): ...

def test_in_its_body():
    pytest.skip({reason!r})

@pytest.mark.xfail(reason="known")
def test_that_is_expected_to_fail():
    assert False
"""


def outcome(folder: Path, text: str, ci: str) -> str:
    """Run tests with the suite's own hooks; give the last line."""
    (folder / "test_some.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:xdist", "--rootdir",
         folder, "-c", ROOT / "pyproject.toml", folder / "test_some.py"],
        cwd=ROOT, env=os.environ | {"CI": ci}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.splitlines()[-1].rpartition(" in ")[0]


@pytest.mark.parametrize(
    ("ci", "reason", "wanted"),
    [
        ("true", "apt-get install caddy", "1 failed, 1 xfailed, 1 error"),
        ("true", next(iter(ALLOWED)), "2 skipped, 1 xfailed"),
        ("", "apt-get install caddy", "2 skipped, 1 xfailed"),
    ],
)
def test_a_skip_fails_in_ci_alone(tmp_path: Path, ci: str, reason: str, wanted: str) -> None:
    assert outcome(tmp_path, TESTS.format(reason=reason), ci) == wanted


def test_a_module_that_is_skipped_whole_fails_too(tmp_path: Path) -> None:
    text = 'import pytest\npytest.skip("no brain", allow_module_level=True)\n'
    assert outcome(tmp_path, text, "true") == "1 error"


def test_every_reason_that_is_allowed_stands_in_a_test() -> None:
    paths = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "skips.py"]
    text = "\n".join(path.read_text("utf-8") for path in paths)
    assert [reason for reason in ALLOWED if f'"{reason}"' not in text] == []
