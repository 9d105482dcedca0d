"""dash.js in a real Chromium, on another origin than the media."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from playwright.async_api import Browser, Page

from catalog.db.pool import Pool
from catalog.media import Presentation
from tests.support.media import FRAME_RATE
from tests.support.player_page import Players, player_page, report, until
from tests.support.publish import finish, publish
from tests.support.screening import DURATION_S, Served, begun

pytestmark = pytest.mark.browser
START = """(url) => new Promise((resolve, reject) => {
  window.dash_ = dashjs.MediaPlayer().create();
  dash_.on(dashjs.MediaPlayer.events.ERROR, (event) => seen.errors.push(event.error.message));
  dash_.on(dashjs.MediaPlayer.events.STREAM_INITIALIZED, () => resolve());
  dash_.initialize(video, url, false);
  setTimeout(() => reject(new Error("no manifest: " + seen.errors)), 10000);
})"""
CHOOSE = """(height) => {
  const streaming = { abr: { autoSwitchBitrate: { video: false } },
                      buffer: { fastSwitchEnabled: true } };
  dash_.updateSettings({ streaming });
  const chosen = dash_.getRepresentationsByType("video").find((r) => r.height === height);
  dash_.setRepresentationForTypeById("video", chosen.id, true);
}"""


@pytest.fixture
async def page(browser: Browser, players: Players) -> AsyncIterator[Page]:
    async with player_page(browser, players, "dash") as page:
        yield page


async def test_a_lesson_plays_to_its_end(page: Page, served: Served, lesson: Presentation) -> None:
    await page.evaluate(START, served.at(lesson.lesson, "manifest.mpd"))
    await page.evaluate("void video.play()")
    found = await until(page, "seen.ended")
    assert (found["errors"], found["stalls"], found["gaps"]) == ([], 0, 0)
    assert found["begin"] == 0
    assert found["duration"] == pytest.approx(DURATION_S, abs=0.1)
    assert found["frames"] >= 0.9 * DURATION_S * FRAME_RATE
    assert found["sound"] > 0
    codecs = "['video', 'audio'].map(kind => dash_.getCurrentTrackFor(kind).codec)"
    video, audio = await page.evaluate(codecs)
    assert video.startswith('video/mp4;codecs="avc1.')
    assert audio == 'audio/mp4;codecs="opus"'


async def test_seeking_and_subtitles(page: Page, served: Served, lesson: Presentation) -> None:
    await page.evaluate(START, served.at(lesson.lesson, "manifest.mpd"))
    await page.evaluate("dash_.setTextTrack(0); void video.play()")
    await until(page, "video.currentTime > 0.2")
    await page.evaluate("video.currentTime = 5.2")
    found = await until(page, "!seen.seeking && video.currentTime > 5.4 && report().cues.length")
    assert found["cues"] == ["同步课堂", "第二句"]
    shown = "[...video.textTracks].flatMap(t => [...(t.activeCues || [])].map(c => c.text))"
    assert await page.evaluate(shown) == ["第二句"]
    assert (found["errors"], found["stalls"]) == ([], 0)
    await page.evaluate("video.currentTime = 0.5")
    found = await until(page, "!seen.seeking && video.currentTime > 0.6")
    assert found["time"] < 3


async def test_switching_quality(page: Page, served: Served, lesson: Presentation) -> None:
    await page.evaluate(START, served.at(lesson.lesson, "manifest.mpd"))
    await page.evaluate(f"({CHOOSE})(180); void video.play()")
    await until(page, "video.videoHeight === 180 && video.currentTime > 0.3")
    await page.evaluate(f"({CHOOSE})(360)")
    await until(page, "video.videoHeight === 360")
    found = await until(page, "seen.ended")
    assert found["errors"] == []
    assert found["heights"][-2:] == [180, 360]
    assert (await report(page))["sound"] > 0


async def test_a_lesson_that_still_grows_is_joined_at_its_beginning_and_followed(
    page: Page, served: Served, made: Presentation, pool: Pool
) -> None:
    await publish(pool, begun(made))
    await page.evaluate(START, served.at(made.lesson, "manifest.mpd"))
    await page.evaluate("void video.play()")
    found = await until(page, "video.currentTime > 0.5")
    assert found["begin"] == 0
    assert found["buffered"] < 3
    await finish(pool, made)
    served.media.forget(made.lesson)
    found = await until(page, "seen.ended")
    assert found["errors"] == []
    assert found["duration"] == pytest.approx(DURATION_S, abs=0.1)


async def test_a_lesson_that_is_not_public_plays_with_its_token(
    page: Page, served: Served, made: Presentation, pool: Pool
) -> None:
    await publish(pool, replace(made, visibility="school"))
    url = served.at(made.lesson, f"manifest.mpd?token={served.token(made.lesson)}")
    await page.evaluate(START, url)
    await page.evaluate("dash_.setTextTrack(0); void video.play()")
    found = await until(page, "video.currentTime > 1 && report().cues.length")
    assert (found["errors"], found["stalls"]) == ([], 0)
