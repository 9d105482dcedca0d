"""Which tests may be skipped in CI: what this machine's kernel or account does not allow, by name.

Everything else that is skipped there has not been checked, and fails.
"""

from __future__ import annotations

import os

import pytest

# The words of each skip, and what a machine has to be like for it.
ALLOWED = {
    "needs root": "run as an ordinary account",
    "needs root and /dev/net/tun": "run as an ordinary account, or in a container without tun",
    "no Python here that an ordinary account can run": "root's Python lies in root's own home",
    "this machine does not let tests mount a file system": "a container without CAP_SYS_ADMIN",
    "this file system knows no files that may not be changed": "chattr +i is not known there",
    "the kernel has no bbr": "a kernel built without it",
    "no scheduling by session": "a kernel without autogroups",
}


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Give why something was skipped."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure, in CI and but for those that are allowed."""
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = reason_of(report)
    if reason not in ALLOWED:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, and so not checked: {reason} (tests/support/skips.py)"
