"""`tongbu import lessons.csv --media DIR`: a table of lessons, checked whole, with a progress bar.

Ctrl-C stops it between copies; the same command again goes on where it stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from catalog.accounts import find_person
from catalog.bulk_import import Report, import_table
from catalog.db.pool import make_pool
from catalog.importing import Item, Problem, TableRefused
from catalog.store.settings import open_store
from deploy.command import Argument, Command
from deploy.config import ConfigError
from deploy.database import catalogue
from deploy.settings import Settings


class Bar:
    """The import's progress on a terminal, or as plain lines elsewhere."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None)

    def checking(self, files: int) -> None:
        """Say that files are being looked at."""
        self._bar.update(self._task, description=f"checking {files} lines")

    def begun(self, lessons: int, size_bytes: int, done_before: int) -> None:
        """Show the whole of what is to be done."""
        known = f", {done_before} there already" if done_before else ""
        self._bar.update(
            self._task, description=f"{lessons} lessons{known}", total=size_bytes, completed=0
        )

    def imported(self, item: Item) -> None:
        """Move on by one lesson."""
        self._bar.advance(self._task, item.size_bytes)

    def failed(self, problem: Problem) -> None:
        """Write the line that could not be imported; the bar goes on."""
        self._bar.console.print(f"{problem}", markup=False)


def _import(settings: Settings, asked: argparse.Namespace) -> int:
    try:
        raw = asked.table.read_bytes()
    except OSError as error:
        raise ConfigError(f"{asked.table} cannot be read: {error.strerror}") from error
    media = asked.media or asked.table.parent
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(),
               TimeRemainingColumn())  # fmt: skip
    with catalogue(settings, beside=True) as dsn, Progress(*columns, console=console) as bar:
        try:
            report = asyncio.run(_run(settings, dsn, raw, media, asked.owner, Bar(bar)))
        except TableRefused as refused:
            bar.stop()
            return _refused(refused.problems)
        except KeyboardInterrupt:
            bar.stop()
            sys.stderr.write("stopped; run the same command again to go on\n")
            return 130
    sys.stdout.write(f"imported {report.imported}, there already {report.known}, "
                     f"failed {len(report.problems)}\n")  # fmt: skip
    return 1 if report.problems else 0


async def _run(
    settings: Settings, dsn: str, raw: bytes, media: Path, owner: str, bar: Bar
) -> Report:
    async with (
        make_pool(dsn, 4) as pool,
        open_store(settings.store, settings.server.data) as store,
    ):
        async with pool.connection() as connection:
            person = await find_person(connection, owner) if owner else None
        owner_id = person.id if person else None
        return await import_table(
            raw, media, owner_id=owner_id, pool=pool, store=store, progress=bar
        )


def _refused(problems: Iterable[Problem]) -> int:
    lines = [f"{problem}\n" for problem in problems]
    sys.stderr.writelines(lines)
    sys.stderr.write(f"nothing was imported: correct these {len(lines)} and run it again\n")
    return 1


COMMANDS = (Command("import", "import a table of lessons with their files", _import, (
    Argument(("table",), {"type": Path, "help": "CSV in UTF-8 or GB18030"}),
    Argument(("--media",), {"type": Path, "help": "directory of the files; else the table's own"}),
    Argument(("--owner",), {"default": "", "help": "user name that the lessons belong to"}),
)),)  # fmt: skip
