"""A viewer's page in Chromium: /watch/{session} by either delivery, and what was seen on it.

The script live_reader.js runs in the page before its own: it reads the stamp of every presented
frame and notes what crosses the page's border. LL-HLS is had by the product's own rule: a browser
that says it cannot play H.264 from Media Source by the name that the rule asks for.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from loadtests.live_stamps import (
    BITS,
    BLOCK_PX,
    HEIGHT_PX,
    LEFT_PX,
    MIDDLE,
    TOP_PX,
    WIDTH_PX,
    decode,
    unwrap,
)

READER = Path(__file__).with_name("live_reader.js")
FIRST_FRAME_LIMIT_S = 45.0
POLL_S = 0.1
TAKE_EVERY_S = 10.0
TAKE = """() => { const found = window.__seen; const copy = JSON.stringify(found);
  for (const list of Object.values(found)) list.length = 0; return copy; }"""


@dataclass(frozen=True, slots=True)
class Window:
    """A browser's window. Without a graphics card each pixel costs the browser's core."""

    width_px: int
    height_px: int


LARGE, SMALL = Window(1280, 800), Window(640, 480)


class Delivery(Enum):
    """How the picture comes."""

    WS = "WebSocket"
    HLS = "LL-HLS"


@dataclass(frozen=True, slots=True)
class Shown:
    """A presented frame: its stamp, when it was on the screen, and its media time."""

    stamp_ms: int
    at_ms: float
    media_s: float

    @property
    def delay_ms(self) -> float:
        """From the encoder's hand to the screen."""
        return self.at_ms - self.stamp_ms


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment of video at the socket: when, its media time, the anchor then known."""

    at_ms: float
    media_s: float
    anchor_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """What the product said of itself to the room."""

    at_ms: float
    delay_ms: float
    skew_ms: float
    can_ms: float
    stalls: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen on one page; times are Unix milliseconds."""

    shown: tuple[Shown, ...] = ()
    waiting: tuple[float, ...] = ()
    fragments: tuple[Fragment, ...] = ()
    appended: tuple[tuple[float, float], ...] = ()
    targets: tuple[tuple[float, float], ...] = ()
    reports: tuple[Report, ...] = ()
    sockets: tuple[tuple[float, str, str], ...] = ()
    unread: int = 0

    def between(self, from_ms: float, to_ms: float) -> Seen:
        """Give what was presented and said in a window; what led to it is kept whole."""
        return Seen(
            tuple(one for one in self.shown if from_ms <= one.at_ms < to_ms),
            tuple(at for at in self.waiting if from_ms <= at < to_ms),
            self.fragments, self.appended, self.targets,
            tuple(one for one in self.reports if from_ms <= one.at_ms < to_ms),
            self.sockets, self.unread,
        )  # fmt: skip

    def and_then(self, later: Seen) -> Seen:
        """Join what was taken from the page one after the other."""
        return Seen(
            self.shown + later.shown, self.waiting + later.waiting,
            self.fragments + later.fragments, self.appended + later.appended,
            self.targets + later.targets, self.reports + later.reports,
            self.sockets + later.sockets, self.unread + later.unread,
        )  # fmt: skip


def seen_of(text: str) -> Seen:
    """Read what the page's script gathered."""
    found: dict[str, list[Any]] = json.loads(text)
    shown = [_shown(*one) for one in found["shown"]]
    return Seen(
        tuple(one for one in shown if one is not None), tuple(found["waiting"]),
        tuple(Fragment(*one) for one in found["fragments"]),
        tuple((at, end) for at, end in found["appended"]),
        tuple((at, d_ms) for at, d_ms in found["targets"]),
        tuple(_report(*one) for one in found["reports"]),
        tuple((at, what, how) for at, what, how in found["sockets"]),
        sum(one is None for one in shown),
    )  # fmt: skip


def _shown(bits: int, at_ms: float, media_s: float) -> Shown | None:
    value = decode(bits)
    return None if value is None else Shown(unwrap(value, at_ms), at_ms, media_s)


def _report(at_ms: float, said: dict[str, Any]) -> Report:
    return Report(at_ms, said["delay_ms"], said["skew_ms"], said["can_ms"], said["stalls"])


class Viewer:
    """A page that shows a lesson; `take` empties what its script gathered."""

    def __init__(self, page: Page, delivery: Delivery) -> None:
        self.page = page
        self.delivery = delivery
        self.seen = Seen()

    async def take(self) -> Seen:
        """Fetch what was seen since; give all of it."""
        self.seen = self.seen.and_then(seen_of(await self.page.evaluate(TAKE)))
        return self.seen

    async def cut(self, off: bool) -> None:
        """Cut the page off from everything, or let it back."""
        await self.page.context.set_offline(off)


async def watch(
    browser: Browser, page_url: str, delivery: Delivery, window: Window = LARGE
) -> Viewer:
    """Open a lesson's page and wait for its first frame."""
    context = await browser.new_context(
        viewport={"width": window.width_px, "height": window.height_px}, locale="zh-CN"
    )
    page = await context.new_page()
    await page.add_init_script(reader(delivery))
    await page.goto(page_url)
    give_up_at = time.monotonic() + FIRST_FRAME_LIMIT_S
    while not await page.evaluate("() => window.__seen.shown.length"):
        if time.monotonic() > give_up_at:
            raise SystemExit(f"no picture by {delivery.value} after {FIRST_FRAME_LIMIT_S:.0f} s")
        await asyncio.sleep(POLL_S)
    return Viewer(page, delivery)


async def watch_on(viewers: Sequence[Viewer], seconds: float) -> list[Seen]:
    """Let the pages play; fetch what they saw now and then."""
    while True:
        await asyncio.sleep(min(seconds, TAKE_EVERY_S))
        seconds -= TAKE_EVERY_S
        found = [await viewer.take() for viewer in viewers]
        if seconds <= 0:
            return found


def reader(delivery: Delivery) -> str:
    """Give the script that reads stamps in a page."""
    options = {
        "bits": BITS, "block": BLOCK_PX, "left": LEFT_PX, "top": TOP_PX, "width": WIDTH_PX,
        "height": HEIGHT_PX, "middle": MIDDLE, "byHls": delivery is Delivery.HLS,
    }  # fmt: skip
    text = READER.read_text("utf-8")
    body = text[text.index("(options) =>") :]
    return f"({body})({json.dumps(options)})"


def now_ms() -> float:
    """Give Unix milliseconds."""
    return time.time() * 1000
