"""A command of `tongbu` as data: what the parser and the help text are made from."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from deploy.settings import Settings

Run = Callable[[Settings, argparse.Namespace], int]


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command, as argparse takes it."""

    flags: tuple[str, ...]
    how: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name may be two words (`user add`)."""

    name: str
    help: str
    run: Run
    arguments: tuple[Argument, ...] = ()
