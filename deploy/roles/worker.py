"""`tongbu worker`: transcoding jobs."""

from __future__ import annotations

import argparse

import uvloop

from deploy.database import catalogue
from deploy.settings import Settings
from deploy.signals import until_signalled


def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    with catalogue(settings):
        uvloop.run(until_signalled())
    return 0
