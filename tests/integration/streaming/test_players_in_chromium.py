"""hls.js and dash.js in a real Chromium, on another origin than the media: one journey for both."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from playwright.async_api import Browser, Page

from catalog.db.pool import Pool
from catalog.media import Presentation
from tests.support.media import FRAME_RATE
from tests.support.player_page import Players, player_page, report, until
from tests.support.publish import finish, publish
from tests.support.screening import DURATION_S, Served, begun

pytestmark = pytest.mark.browser


@dataclass(frozen=True, slots=True)
class Player:
    """A player by its page, and what is said to it in its own language."""

    name: str
    manifest: str
    start: str
    subtitles_on: str
    choose: str
    codecs: str


HLS = Player(
    name="hls",
    manifest="multivariant.m3u8",
    start="""(url) => new Promise((resolve, reject) => {
  window.hls = new Hls();
  hls.on(Hls.Events.ERROR, (_, data) => {
    // A switch of quality aborts what is being loaded; that is no trouble.
    if (data.fatal || data.details !== "aborted") seen.errors.push(data.details);
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => resolve());
  hls.attachMedia(video);
  hls.loadSource(url);
  setTimeout(() => reject(new Error("no manifest: " + seen.errors)), 10000);
})""",
    subtitles_on="hls.subtitleTrack = 0",
    choose="""(height) => {
  hls.currentLevel = hls.levels.findIndex((level) => level.height === height);
}""",
    codecs="hls.levels[hls.currentLevel].codecSet.split(',')",
)
DASH = Player(
    name="dash",
    manifest="manifest.mpd",
    start="""(url) => new Promise((resolve, reject) => {
  window.dash_ = dashjs.MediaPlayer().create();
  dash_.on(dashjs.MediaPlayer.events.ERROR, (event) => seen.errors.push(event.error.message));
  dash_.on(dashjs.MediaPlayer.events.STREAM_INITIALIZED, () => resolve());
  dash_.initialize(video, url, false);
  setTimeout(() => reject(new Error("no manifest: " + seen.errors)), 10000);
})""",
    subtitles_on="dash_.setTextTrack(0)",
    choose="""(height) => {
  const streaming = { abr: { autoSwitchBitrate: { video: false } },
                      buffer: { fastSwitchEnabled: true } };
  dash_.updateSettings({ streaming });
  const chosen = dash_.getRepresentationsByType("video").find((r) => r.height === height);
  dash_.setRepresentationForTypeById("video", chosen.id, true);
}""",
    codecs="""['video', 'audio'].map(
  (kind) => /codecs="(avc1|opus)/.exec(dash_.getCurrentTrackFor(kind).codec)?.[1])""",
)


@pytest.fixture(params=[HLS, DASH], ids=lambda player: player.name)
def player(request: pytest.FixtureRequest) -> Player:
    """Each player in turn."""
    found: Player = request.param
    return found


@pytest.fixture
async def page(browser: Browser, players: Players, player: Player) -> AsyncIterator[Page]:
    async with player_page(browser, players, player.name) as page:
        yield page


async def test_a_lesson_plays_to_its_end(
    page: Page, player: Player, served: Served, lesson: Presentation
) -> None:
    await page.evaluate(player.start, served.at(lesson.lesson, player.manifest))
    await page.evaluate("void video.play()")
    found = await until(page, "seen.ended")
    assert (found["errors"], found["stalls"], found["gaps"]) == ([], 0, 0)
    assert found["begin"] == 0
    assert found["duration"] == pytest.approx(DURATION_S, abs=0.1)
    assert found["frames"] >= 0.9 * DURATION_S * FRAME_RATE
    assert found["sound"] > 0
    assert await page.evaluate(player.codecs) == ["avc1", "opus"]


async def test_seeking_and_subtitles(
    page: Page, player: Player, served: Served, lesson: Presentation
) -> None:
    await page.evaluate(player.start, served.at(lesson.lesson, player.manifest))
    await page.evaluate(f"{player.subtitles_on}; void video.play()")
    await until(page, "video.currentTime > 0.2")
    await page.evaluate("video.currentTime = 5.2")
    found = await until(page, "!seen.seeking && video.currentTime > 5.4 && report().cues.length")
    assert found["cues"] == ["同步课堂", "第二句"]
    shown = "[...video.textTracks].flatMap(t => [...(t.activeCues || [])].map(c => c.text))"
    await until(page, f"({shown}).join() === '第二句'")
    assert (found["errors"], found["stalls"]) == ([], 0)
    await page.evaluate("video.currentTime = 0.5")
    found = await until(page, "!seen.seeking && video.currentTime > 0.6")
    assert found["time"] < 3


async def test_switching_quality(
    page: Page, player: Player, served: Served, lesson: Presentation
) -> None:
    await page.evaluate(player.start, served.at(lesson.lesson, player.manifest))
    await page.evaluate(f"({player.choose})(180); void video.play()")
    await until(page, "video.videoHeight === 180 && video.currentTime > 0.3")
    await page.evaluate(f"({player.choose})(360)")
    await until(page, "video.videoHeight === 360")
    found = await until(page, "seen.ended")
    assert found["errors"] == []
    # dash.js may show its own first choice before the one that was made.
    assert found["heights"][-2:] == [180, 360]
    assert (await report(page))["sound"] > 0


async def test_a_lesson_that_still_grows_is_joined_at_its_beginning_and_followed(
    page: Page, player: Player, served: Served, made: Presentation, pool: Pool
) -> None:
    await publish(pool, begun(made))
    await page.evaluate(player.start, served.at(made.lesson, player.manifest))
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
    page: Page, player: Player, served: Served, made: Presentation, pool: Pool
) -> None:
    await publish(pool, replace(made, visibility="school"))
    url = served.at(made.lesson, f"{player.manifest}?token={served.token(made.lesson)}")
    await page.evaluate(player.start, url)
    await page.evaluate(f"{player.subtitles_on}; void video.play()")
    found = await until(page, "video.currentTime > 1 && report().cues.length")
    assert (found["errors"], found["stalls"]) == ([], 0)
