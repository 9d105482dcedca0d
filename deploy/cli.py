"""The command line: which command, with which settings; each command is a function of its own.

A wrong option ends with code 2 and one sentence; an error of ours with code 1 and its sentence.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from catalog.errors import TongbuError
from deploy import commands
from deploy.allocator import give_back_freed_memory
from deploy.command import Command, Run
from deploy.config import ConfigError, load, options_of, read_toml
from deploy.logs import set_up_logging
from deploy.settings import Settings
from deploy.supervise import allow_many_files, die_with_parent

ALIASES = {
    ("server", "data"): "--data", ("server", "listen"): "--listen",
    ("edge", "origin"): "--origin", ("edge", "line"): "--line",
}  # fmt: skip
SYSTEM_FILE = Path("/etc/tongbu/tongbu.toml")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. `{self.prog} --help` shows what there is.\n")


def run() -> NoReturn:
    """Console script."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command and give the exit code."""
    die_with_parent()
    allow_many_files()
    give_back_freed_memory()
    asked = _parser(commands.known(arguments[0] if arguments else "")).parse_args(arguments)
    try:
        settings = _settings(asked)
        set_up_logging(settings.log)
        run_command: Run = asked.run
        return run_command(settings, asked)
    except ConfigError as error:
        return _say(error, 2)
    except TongbuError as error:
        return _say(error, 1)
    except KeyboardInterrupt:
        return 130


def _say(error: Exception, code: int) -> int:
    sys.stderr.write(f"tongbu: {error}\n")
    return code


def _parser(known: Sequence[Command]) -> argparse.ArgumentParser:
    shared = _Parser(add_help=False)
    _add_options(shared)
    top = _Parser(prog="tongbu", description="同步: the media service of a city's classrooms")
    words = top.add_subparsers(metavar="COMMAND", required=True)
    groups: dict[str, Any] = {}
    for item in known:
        first, _, second = item.name.partition(" ")
        if second:
            if first not in groups:
                parent = words.add_parser(first, help=f"{first}: add, list, …")
                groups[first] = parent.add_subparsers(metavar="ACTION", required=True)
            sub = groups[first].add_parser(second, help=item.help, parents=[shared])
        else:
            sub = words.add_parser(first, help=item.help, parents=[shared])
        for argument in item.arguments:
            sub.add_argument(*argument.flags, **argument.how)
        sub.set_defaults(run=item.run)
    return top


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", type=Path, help="TOML file with options")
    group = parser.add_argument_group("options (also TOML keys and environment variables)")
    for spec in options_of(Settings):
        names = [spec.flag]
        alias = ALIASES.get((spec.section, spec.key))
        if alias:
            names.insert(0, alias)
        group.add_argument(
            *names, dest=f"{spec.section}.{spec.key}", metavar=spec.key.upper(), default=None,
            help=spec.help.replace("%", "%%"),
        )  # fmt: skip


def _settings(asked: argparse.Namespace) -> Settings:
    flags = {}
    for spec in options_of(Settings):
        value = getattr(asked, f"{spec.section}.{spec.key}")
        if value is not None:
            flags[spec.section, spec.key] = value
    toml: dict[str, Any] = {}
    if asked.config:
        toml = read_toml(asked.config)
    elif SYSTEM_FILE.exists():
        toml = read_toml(SYSTEM_FILE)
    return load(Settings, toml, os.environ, flags)
