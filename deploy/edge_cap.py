"""`/edge/cap/{lesson}`: which pictures of a lesson the school may choose now, and why.

Our player asks every few seconds and keeps to the answer, so that a cap is in force at once and
lifted at once for those who watch already. The origin has no line to spare and answers 204: there
is nothing to ask for again.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from catalog.http.payload import answer
from deploy.edge_school import School

PATH = "/edge/cap/{lesson}"


class CapDoor:
    """Answers for a box."""

    def __init__(self, school: School) -> None:
        self._school = school

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Say whether the line is there, and the renditions by id; null: all of them."""
        response = answer(self.told(request.match_info["lesson"]))
        response.headers["Cache-Control"] = "no-store"
        return response

    def told(self, lesson: str) -> dict[str, Any]:
        """Give the answer."""
        found = self._school.watching.choice_of(lesson)
        capped = found is not None and found.capped
        return {
            "line": "up" if self._school.upstream.cut is None else "down",
            "rungs": [*found.rungs] if found is not None and capped else None,
            "why": found.why.name.lower() if found is not None and capped else None,
        }


async def no_cap(_: web.Request) -> web.Response:
    """Answer for the origin."""
    return web.Response(status=204, headers={"Cache-Control": "no-store"})
