"""`tongbu config --example`: the commented configuration file."""

from __future__ import annotations

import argparse
import sys

from deploy.command import Argument, Command
from deploy.config import example
from deploy.settings import Settings


def _config(settings: Settings, asked: argparse.Namespace) -> int:
    if not asked.example:
        sys.stderr.write("tongbu config: ask for --example\n")
        return 2
    sys.stdout.write(example(Settings))
    return 0


COMMANDS = (
    Command("config", "print the commented configuration file", _config,
            (Argument(("--example",), {"action": "store_true", "help": "print it"}),)),
)  # fmt: skip
