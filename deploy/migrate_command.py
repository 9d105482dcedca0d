"""`tongbu migrate`: bring the catalogue's tables up to this program."""

from __future__ import annotations

import argparse
import sys

from catalog.db.migrate import migrate
from deploy.command import Command
from deploy.database import catalogue
from deploy.settings import Settings


def _migrate(settings: Settings, asked: argparse.Namespace) -> int:
    with catalogue(settings, prepare=False, beside=True) as dsn:
        ran = migrate(dsn)
    sys.stdout.write("".join(f"applied {name}\n" for name in ran) or "nothing to do\n")
    return 0


COMMANDS = (Command("migrate", "bring the database up to this program", _migrate),)
