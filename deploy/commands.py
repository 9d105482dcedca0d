"""The commands of `tongbu`: each a thin function from settings and arguments to an exit code."""

from __future__ import annotations

import argparse
import sys

from catalog.db.migrate import migrate
from deploy import (
    backup_commands,
    edges_commands,
    import_command,
    monitoring,
    readings,
    user_commands,
)
from deploy.command import Argument, Command
from deploy.config import example
from deploy.database import catalogue
from deploy.roles import edge, origin, serve, worker
from deploy.settings import Settings


def _config(settings: Settings, asked: argparse.Namespace) -> int:
    if not asked.example:
        sys.stderr.write("tongbu config: ask for --example\n")
        return 2
    sys.stdout.write(example(Settings))
    return 0


def _migrate(settings: Settings, asked: argparse.Namespace) -> int:
    with catalogue(settings, prepare=False, beside=True) as dsn:
        ran = migrate(dsn)
    sys.stdout.write("".join(f"applied {name}\n" for name in ran) or "nothing to do\n")
    return 0


ALL = (
    import_command.COMMAND,
    *user_commands.COMMANDS,
    *edges_commands.COMMANDS,
    *backup_commands.COMMANDS,
    Command("serve", "run everything: database, origin, workers", serve.run,
            (Argument(("--demo",), {"action": "store_true", "help": "start with the demo city"}),)),
    Command("origin", "run API, pages and playback", origin.run),
    Command("worker", "run transcoding jobs", worker.run),
    Command("edge", "run the box of a school", edge.run,
            (Argument(("--enrol",), {"metavar": "CODE", "help": "one-time code from the city, for a"
                      " box that has not come in yet"}),
             Argument(("--enrol-again",), {"action": "store_true", "help": "take the code though"
                      " this box has come in before"}))),
    Command("doctor", "check this machine and say what to do", readings.run,
            (Argument(("--json",), {"action": "store_true", "help": "for programs"}),)),
    monitoring.COMMAND,
    Command("migrate", "bring the database up to this program", _migrate),
    Command("config", "print the commented configuration file", _config,
            (Argument(("--example",), {"action": "store_true", "help": "print it"}),)),
)  # fmt: skip
