"""Blackboards with Chinese text and a figure, drawn by a browser, and films of them.

What lessons and cameras show where a picture of a page is to look like a lesson. Nothing is from
elsewhere: text, shapes, and ffmpeg's encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

from tests.support.sources import ffmpeg

WIDTH_PX, HEIGHT_PX, RATE = 1280, 720, 15
_PAGE = """<!doctype html><meta charset=utf-8><style>
* {{ margin: 0; box-sizing: border-box; }}
body {{ width: {w}px; height: {h}px; background: {paper}; color: {ink}; padding: 64px 72px;
  font-family: "Noto Sans CJK SC", sans-serif; border-top: 20px solid {accent}; }}
h1 {{ font-size: 68px; line-height: 1.25; }} p {{ font-size: 34px; margin-top: 22px; }}
small {{ font-size: 28px; color: {accent}; font-weight: bold; }} .text {{ width: 560px; }}
svg {{ position: absolute; right: 64px; top: 130px; width: 520px; height: 520px; }}
svg * {{ vector-effect: non-scaling-stroke; stroke-width: 6; stroke-linejoin: round; }}
text {{ font-size: 9px; stroke: none; fill: {ink}; }}
</style><div class=text><small>{subject}</small><h1>{title}</h1>{lines}</div>
<svg viewBox="0 0 100 100" fill=none stroke={accent}>{figure}</svg>"""


@dataclass(frozen=True, slots=True)
class Blackboard:
    """What stands on it; `figure` is SVG on a field of 100 by 100."""

    title: str
    subject: str
    lines: tuple[str, ...]
    figure: str
    accent: str = "#0b6e99"
    paper: str = "#fbf9f2"
    ink: str = "#1b2631"

    def page(self) -> str:
        """Give it as a page."""
        lines = "".join(f"<p>{line}</p>" for line in self.lines)
        return _PAGE.format(
            w=WIDTH_PX, h=HEIGHT_PX, title=self.title, subject=self.subject, lines=lines,
            figure=self.figure, accent=self.accent, paper=self.paper, ink=self.ink,
        )  # fmt: skip


async def draw(browser: Browser, board: Blackboard, path: Path) -> Path:
    """Draw it to a PNG file; give the path."""
    page = await browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX})
    await page.set_content(board.page())
    await page.screenshot(path=path)
    await page.close()
    return path


def film(picture: Path, path: Path, seconds: int) -> Path:
    """Make a lesson of a picture, with a quiet voice-like tone and a keyframe each second."""
    ffmpeg(
        "-loop", "1", "-framerate", str(RATE), "-i", str(picture), "-f", "lavfi", "-i",
        "aevalsrc='0.1*sin(2*PI*180*t)*(0.6+0.4*sin(2*PI*3*t))':s=48000", "-t", str(seconds),
        "-c:v", "libx264", "-preset", "veryfast", "-tune", "stillimage", "-g", str(RATE),
        "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", str(path),
    )  # fmt: skip
    return path


def camera(picture: Path, path: Path) -> Path:
    """Make what Chromium takes for a camera that sees this picture."""
    ffmpeg("-loop", "1", "-framerate", str(RATE), "-i", str(picture), "-t", "1",
           "-pix_fmt", "yuv420p", str(path))  # fmt: skip
    return path


def webp(picture: Path, path: Path) -> Path:
    """Make a picture small enough for a page."""
    ffmpeg("-i", str(picture), "-c:v", "libwebp", "-quality", "82", str(path))
    return path
