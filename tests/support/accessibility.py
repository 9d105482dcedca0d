"""What makes a page hard to use: findings of axe-core, too wide, too small, cut off."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

AXE = Path(__file__).parents[2] / "catalog/web/node_modules/axe-core/axe.min.js"
RUN_AXE = """
async () => {
  const found = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    resultTypes: ["violations"],
  });
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
}
"""
SMALL_TARGETS = """
() => [...document.querySelectorAll("button, a.btn, input, select, nav a")]
  .filter((one) => one.checkVisibility() && !one.closest("[aria-hidden=true]"))
  .map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 120)])
  .filter(([box]) => box.width > 0 && box.height < 39.5)
  .map(([box, html]) => `${Math.round(box.height)} px: ${html}`)
"""
TOO_WIDE = "Math.max(0, document.documentElement.scrollWidth - innerWidth)"
CUT_OFF = """
() => [...document.querySelectorAll("button, a.btn, input, select")]
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const box = one.getBoundingClientRect();
    for (let at = one.parentElement; at; at = at.parentElement) {
      if (!["hidden", "clip"].includes(getComputedStyle(at).overflowY)) continue;
      const frame = at.getBoundingClientRect();
      if (box.bottom > frame.bottom + 1 || box.top < frame.top - 1) return true;
    }
    return false;
  })
  .map((one) => one.outerHTML.slice(0, 120))
"""


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which `make web` installed."""
    return AXE.read_text("utf-8")


async def findings_of(page: Page, axe: str, *, touched: bool) -> dict[str, object]:
    """Look at a page as it is; `touched`: by fingers, so that targets have to be large."""
    await page.evaluate(axe)
    found = {
        "axe": await page.evaluate(RUN_AXE),
        "too wide by px": await page.evaluate(TOO_WIDE),
        "cut off": await page.evaluate(CUT_OFF),
        "small": await page.evaluate(SMALL_TARGETS) if touched else [],
    }
    return {name: value for name, value in found.items() if value}
