"""`tongbu backup` and `tongbu restore`: the catalogue with its keys, checked on both ways."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from catalog.backup import write_backup
from catalog.db.migrate import migrate
from catalog.inventory import Inventory, inventory, list_objects
from catalog.restore import listed_objects, restore
from catalog.store.settings import open_store
from deploy.command import Argument, Command
from deploy.database import catalogue
from deploy.settings import Settings
from deploy.version import program_version


def _backup(settings: Settings, asked: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    with catalogue(settings, beside=True) as dsn, tempfile.TemporaryDirectory() as folder:
        objects = Path(folder) / "objects" if asked.media else None
        if objects:
            asyncio.run(_list(settings, objects))
        made = write_backup(dsn, asked.file, now, f"tongbu {program_version()}", objects)
    rows = sum(member.rows for member in made.members)
    sys.stdout.write(f"{asked.file}: {len(made.members)} tables, {rows} rows\n")
    return 0


def _restore(settings: Settings, asked: argparse.Namespace) -> int:
    with catalogue(settings, prepare=False) as dsn, tempfile.TemporaryDirectory() as folder:
        made = restore(dsn, asked.file, replace=asked.replace)
        migrate(dsn)
        stored = Path(folder) / "objects"
        asyncio.run(_list(settings, stored))
        found = inventory(dsn, stored, listed_objects(asked.file))
    sys.stdout.write(f"restored what {made.program} kept at {made.made_at:%Y-%m-%d %H:%M} UTC\n")
    sys.stdout.write("".join(f"{line}\n" for line in _told(found)))
    return 0 if found.whole else 1


def _told(found: Inventory) -> Iterator[str]:
    if found.whole:
        yield f"all {found.named} media objects are in the store"
        return
    yield (
        f"of {found.named} media objects {found.missing} are missing and {found.wrong} of another "
        "size: copy the store's objects back, then look again with `tongbu doctor`"
    )
    yield from found.shown


async def _list(settings: Settings, path: Path) -> int:
    async with open_store(settings.store, settings.server.data) as store:
        return await list_objects(store, path)


_FILE = Argument(("file",), {"type": Path, "help": "the archive (.tar.gz)"})
COMMANDS = (
    Command("backup", "write catalogue and keys to one archive", _backup, (
        _FILE,
        Argument(("--media",), {"action": "store_true", "help": "also list what is stored"}),
    )),
    Command("restore", "fill an empty catalogue from an archive", _restore, (
        _FILE,
        Argument(("--replace",), {"action": "store_true", "help": "drop what is there now"}),
    )),
)  # fmt: skip
