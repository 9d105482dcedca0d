"""Pages with hls.js and dash.js from npm, served from another origin than the media."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Page

from deploy.web_build import install

FOLDER = Path(__file__).parents[1] / "integration" / "players"
SCRIPTS = {
    "hls": "node_modules/hls.js/dist/hls.min.js",
    "dash": "node_modules/dashjs/dist/modern/umd/dash.all.min.js",
}
PLAY_LIMIT_MS = 40_000
Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Players:
    """The bytes of the page and of each player."""

    page: bytes
    scripts: dict[str, bytes]


def read_players() -> Players:
    """Install the players by their lock, once, and read them."""
    install(FOLDER)
    scripts = {name: (FOLDER / path).read_bytes() for name, path in SCRIPTS.items()}
    return Players((FOLDER / "page.html").read_bytes(), scripts)


@asynccontextmanager
async def player_page(browser: Browser, players: Players, name: str) -> AsyncIterator[Page]:
    """Open the page of one player; what it writes to the console as an error fails the test."""
    app = web.Application()

    async def page(request: web.Request) -> web.Response:
        return web.Response(body=players.page, content_type="text/html")

    async def script(request: web.Request) -> web.Response:
        return web.Response(body=players.scripts[name], content_type="text/javascript")

    app.router.add_get("/", page)
    app.router.add_get("/player.js", script)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        opened = await browser.new_page()
        wrong: list[str] = []
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        await opened.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        yield opened
        assert not wrong, wrong
    finally:
        await runner.cleanup()


async def report(page: Page) -> Report:
    """What the page has seen so far."""
    found: Report = await page.evaluate("report()")
    return found


async def until(page: Page, condition: str) -> Report:
    """Wait until a JavaScript condition holds, then give the report."""
    await page.wait_for_function(condition, timeout=PLAY_LIMIT_MS)
    return await report(page)
