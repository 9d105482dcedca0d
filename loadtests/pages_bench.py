"""What the pages weigh and when they first show something, in Chromium on the real service.

    python -m loadtests.pages_bench

Each page is opened five times with an empty cache; the median first contentful paint and the bytes
of scripts and styles on the wire (compressed) are printed. Goals: library 80 kB, player 250 kB.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

from playwright.async_api import Browser

from loadtests.chromium import chromium
from loadtests.client import signed_in
from loadtests.service import ADMIN_PASSWORD, running

RUNS = 5
DEMO_LESSONS = 4
READY_LIMIT_S = 300.0
POLL_S = 0.5
PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  const found = list.getEntriesByName('first-contentful-paint')[0];
  if (found) done(found.startTime);
}).observe({type: 'paint', buffered: true}))"""
WEIGHT = """() => performance.getEntriesByType('resource')
  .filter(e => /\\.(js|css)(\\?|$)/.test(e.name)).reduce((sum, e) => sum + e.encodedBodySize, 0)"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page and its budget."""

    name: str
    path: str
    budget_kb: int


async def visit(browser: Browser, url: str) -> tuple[float, int]:
    """Open the page in a context of its own; give first paint in ms and script bytes."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.goto(url, wait_until="networkidle")
    found = float(await page.evaluate(PAINT)), int(await page.evaluate(WEIGHT))
    await context.close()
    return found


async def first_ready(url: str) -> str:
    """Wait until every demo lesson is ready, so that nothing else runs, and give one of them."""
    give_up_at = time.monotonic() + READY_LIMIT_S
    async with signed_in(url, "admin", ADMIN_PASSWORD) as client:
        while time.monotonic() < give_up_at:
            found = (await client.get("lessons", state="ready"))["items"]
            if len(found) == DEMO_LESSONS:
                return str(found[0]["id"])
            await asyncio.sleep(POLL_S)
    raise SystemExit("the demo lessons did not become ready")


async def bench(url: str) -> list[str]:
    """Measure the pages and give the table's lines."""
    lesson = await first_ready(url)
    pages = [Page("library", "/", 80), Page("player", f"/lessons/{lesson}", 250)]
    lines = []
    async with chromium() as browser:
        for page in pages:
            seen = [await visit(browser, url + page.path) for _ in range(RUNS)]
            paint_ms = statistics.median(paint for paint, _ in seen)
            weight_kb = max(weight for _, weight in seen) / 1e3
            lines.append(
                f"| {page.name} | {paint_ms:.0f} ms | {weight_kb:.0f} kB | {page.budget_kb} kB |"
            )
    return lines


def main() -> None:
    """Start the demo city and print a table."""
    with running("--demo") as service:
        lines = asyncio.run(bench(service.url))
    print("| page | first contentful paint | scripts and styles, compressed | budget |")
    print("|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
