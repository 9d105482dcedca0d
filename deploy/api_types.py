"""The pages' types, made of what the endpoints say of themselves; no service has to run for it.

`python -m deploy.api_types` writes catalog/web/generated/schema.ts, and so does each
`deploy.web_build --check`: it is never older than the endpoints, and nobody keeps it. A build needs
no types. Only the shapes of bodies are kept: the addresses are written in the pages.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catalog.http.edge_feed import EdgeFeedApi
from catalog.http.edge_telling import TellingApi
from catalog.http.edges import EdgesApi
from catalog.http.endpoint import Api
from catalog.http.events import EventsApi
from catalog.http.lessons import LessonsApi
from catalog.http.login import LoginApi
from catalog.http.openapi import DescriptionApi, document
from catalog.http.operations import OperationsApi
from catalog.http.registry import RegistryApi
from catalog.http.search import SearchApi
from catalog.http.sessions import SessionsApi
from catalog.http.sessions_attendance import AttendanceApi
from catalog.http.sessions_camera import CameraApi
from catalog.http.sessions_classroom import ClassroomApi
from catalog.http.subtitles import SubtitlesApi
from catalog.http.timetable import TimetableApi
from catalog.http.tus import TusApi
from catalog.http.users import UsersApi
from deploy.version import program_version
from deploy.web_build import WEB, BuildFailed, install, node, say

SCHEMA = Path("generated/schema.ts")
PROGRAM = "node_modules/openapi-typescript/bin/cli.js"
HEADER = "/* Made from the endpoints of the service: not to be edited. */\n"
NOTHING: Any = None


def parts() -> Sequence[Api]:
    """Give every part of the API, with nothing behind it: only its endpoints can be listed."""
    return [
        LoginApi(NOTHING, NOTHING, NOTHING, NOTHING),
        RegistryApi(NOTHING),
        UsersApi(NOTHING, NOTHING),
        EdgesApi(NOTHING, NOTHING, NOTHING, NOTHING),
        EdgeFeedApi(NOTHING, NOTHING, NOTHING, NOTHING),
        SearchApi(NOTHING, NOTHING, NOTHING, NOTHING),
        LessonsApi(NOTHING, NOTHING, NOTHING),
        SubtitlesApi(NOTHING),
        EventsApi(NOTHING),
        TusApi(NOTHING, NOTHING),
        SessionsApi(NOTHING, NOTHING, NOTHING, NOTHING),
        CameraApi(NOTHING, NOTHING),
        AttendanceApi(NOTHING, NOTHING, NOTHING),
        ClassroomApi(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
        TimetableApi(NOTHING, NOTHING, NOTHING),
        TellingApi(NOTHING),
        OperationsApi(NOTHING, NOTHING),
    ]


def described() -> dict[str, Any]:
    """Give the OpenAPI document that the service answers."""
    endpoints = [item for part in parts() for item in part.endpoints()]
    version = program_version()
    return document([*endpoints, *DescriptionApi(endpoints, version).endpoints()], version)


def types_of(api: dict[str, Any], web: Path) -> str:
    """Turn the document's shapes into TypeScript. Raises: BuildFailed."""
    shapes = {**api, "paths": {}}
    with tempfile.TemporaryDirectory() as folder:
        made, wanted = Path(folder) / "schema.ts", Path(folder) / "api.json"
        wanted.write_text(json.dumps(shapes), "utf-8")
        # A default is for those who ask: a body may leave the field out.
        node(web, PROGRAM, str(wanted), "--output", str(made), "--default-non-nullable=false")
        return HEADER + made.read_text("utf-8")


def write_types(web: Path) -> None:
    """Write the file of types. Raises: BuildFailed."""
    (web / SCHEMA).parent.mkdir(exist_ok=True)
    (web / SCHEMA).write_text(types_of(described(), web), "utf-8")


def main() -> int:
    """Write the file of types."""
    try:
        install(WEB)
        write_types(WEB)
    except BuildFailed as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
