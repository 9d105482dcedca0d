"""The commands of `tongbu`: which module has which, so that one loads what it needs and no more."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from deploy.command import Command

# First word of a command to the module that has it as one of its COMMANDS, in the help's order.
MODULES = {
    "import": "deploy.import_command",
    "user": "deploy.user_commands",
    "edges": "deploy.edges_commands",
    "backup": "deploy.backup_commands",
    "restore": "deploy.backup_commands",
    "serve": "deploy.roles.serve",
    "origin": "deploy.roles.origin",
    "worker": "deploy.roles.worker",
    "edge": "deploy.roles.edge",
    "doctor": "deploy.readings",
    "dashboards": "deploy.monitoring",
    "migrate": "deploy.migrate_command",
    "config": "deploy.config_command",
}


def known(word: str) -> Sequence[Command]:
    """Give the commands of the module that has this first word; for any other word, all."""
    names = (MODULES[word],) if word in MODULES else dict.fromkeys(MODULES.values())
    return [item for name in names for item in importlib.import_module(name).COMMANDS]
