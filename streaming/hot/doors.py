"""Which doors an application has: one for each of its parts that can be answered faster.

app.add_subapp("/media", media.app())     # is all that is needed
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from aiohttp import web
from prometheus_client import CollectorRegistry

from streaming.hot.door import Door, Doors
from streaming.hot.files import FileSource, LocatesFiles, ObjectFiles
from streaming.hot.live_door import LiveDoor
from streaming.hot.media_door import MediaDoor
from streaming.hot.metrics import AnswersCounted, HotMetrics, NotCounted
from streaming.live.app import LIVE
from streaming.vod.app import MEDIA


def doors_of(
    app: web.Application, counted: AnswersCounted | None = None
) -> tuple[Doors, HotMetrics]:
    """Find the doors of what is mounted in an application, and where figures go.

    `counted` counts what is answered here with what the application answers.
    """
    counted = counted or NotCounted()
    doors: dict[str, Door] = {}
    ends = ExitStack()
    registry = CollectorRegistry()
    for prefix, part in _mounted(app):
        if MEDIA in part:
            media = part[MEDIA]
            files = files_of(media.bodies)
            ends.callback(files.close)
            doors[f"{prefix}/"] = MediaDoor(media, files, counted)
            registry = media.metrics.registry
        elif LIVE in part:
            doors[f"{prefix}/"] = LiveDoor(part[LIVE], counted)
            registry = part[LIVE].metrics.registry
    return Doors(doors, ends.close), HotMetrics(registry)


def files_of(bodies: object) -> FileSource:
    """Give the files of a source of bytes: its own, or those that a store keeps objects in."""
    if isinstance(bodies, FileSource):
        return bodies
    return ObjectFiles(bodies if isinstance(bodies, LocatesFiles) else None)


def _mounted(app: web.Application) -> Iterator[tuple[str, web.Application]]:
    for resource in app.router.resources():
        info = resource.get_info()
        if "app" in info:
            yield info["prefix"], info["app"]
