"""Starts `child.py` with a store."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.store.s3 import S3Settings

ROOT = Path(__file__).parents[3]


def told(where: Path | S3Settings) -> str:
    """The line from which a child makes its store."""
    if isinstance(where, Path):
        return json.dumps({"root": str(where)}) + "\n"
    names = ("endpoint", "bucket", "access_key", "secret_key")
    fields = {f.name: getattr(where, f.name) for f in dataclasses.fields(where)}
    return json.dumps({name: fields[name] for name in names}) + "\n"


@contextmanager
def child(
    what: str, key: str, path: Path, where: Path | S3Settings
) -> Iterator[subprocess.Popen[str]]:
    """A running child; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.store.child", what, key, str(path)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(told(where))
    process.stdin.flush()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    """The next line that the child says."""
    assert process.stdout
    return process.stdout.readline().strip()
