"""What a viewing reports of itself: with its requests, and to /qoe, which counts it once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Page, Request, Route
from prometheus_client.parser import text_string_to_metric_families

from streaming.qoe.cmcd import HEADERS, Cmcd, read_headers
from streaming.qoe.report import Delivery, read_report
from tests.acceptance.web.conftest import Town
from tests.acceptance.web.steps import time_of, until_played
from tests.support.wait import eventually

pytestmark = pytest.mark.browser
JOIN_LIMIT_MS = 30_000
# Long for a report that is on its way on this machine.
STRAY_MS = 500


async def figures(page: Page, town: Town) -> dict[str, float]:
    """Give what the city has counted so far."""
    text = await (await page.request.get(f"{town.url}/metrics")).text()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("tongbu_qoe_") and sample.labels.get("delivery") == "hls"
        if sample.labels["school"] == "city" and not sample.name.endswith("_bucket")
    }


async def settled(page: Page, town: Town) -> dict[str, float]:
    """Give what is counted when no page closed before is still heard of."""
    found: list[dict[str, float]] = []

    async def stands() -> bool:
        found.append(await figures(page, town))
        await page.wait_for_timeout(STRAY_MS)
        return await figures(page, town) == found[-1]

    await eventually(stands)
    return found[-1]


class Heard:
    """The reports and the requests for media of a page."""

    def __init__(self, page: Page) -> None:
        self.reports: list[dict[str, Any]] = []
        self.media: list[Cmcd | None] = []
        self.line_up = True
        self.page = page

    async def listen(self) -> None:
        await self.page.route("**/qoe", self._report)
        self.page.on("request", self._request)

    async def _report(self, route: Route) -> None:
        self.reports.append(json.loads(route.request.post_data or "{}"))
        await (route.continue_() if self.line_up else route.abort())

    def _request(self, request: Request) -> None:
        if request.url.partition("?")[0].endswith((".m4s", ".m3u8", ".mp4")):
            found = {name: request.headers.get(name, "") for name in HEADERS}
            self.media.append(read_headers(found))


async def test_a_watched_lesson_reports_sane_figures(page: Page, town: Town) -> None:
    before = await settled(page, town)
    heard = Heard(page)
    await heard.listen()
    heard.line_up = False
    await page.goto(f"/lessons/{town.lesson}")
    await until_played(page, 3.0)
    await eventually(lambda: len(heard.reports) == 1)
    heard.line_up = True
    played_s = await time_of(page)
    # Within the program, so that its end is a report like any other.
    await page.get_by_role("link", name="同步课堂，回到资源库").click()
    await eventually(lambda: len(heard.reports) == 3)

    first, again, last = heard.reports
    assert first == again, "what could not be sent goes again as it was"
    report, end = (read_report(json.dumps(one).encode()) for one in (first, last))
    assert report.delivery is end.delivery is Delivery.HLS
    assert report.join_ms is not None
    assert 0 < report.join_ms < JOIN_LIMIT_MS
    assert end.join_ms is None
    assert report.cmcd.sid == end.cmcd.sid
    assert end.cmcd.cid == town.lesson
    assert end.cmcd.br is not None
    assert 10 < end.cmcd.br < 5000
    spent_s = (report.play_ms + end.play_ms + report.rebuffer_ms + end.rebuffer_ms) / 1000
    assert played_s - 1 < spent_s < played_s + 15
    assert_told_with_requests(heard, town, report.cmcd.sid)

    async def counted() -> bool:
        found = await figures(page, town)
        return found["tongbu_qoe_reports_total"] == before.get("tongbu_qoe_reports_total", 0) + 2

    await eventually(counted)
    after = await figures(page, town)
    pieces = sum(one is not None and one.ot is not None for one in heard.media)
    asked = "tongbu_qoe_cmcd_requests_total"
    assert after[asked] - before.get(asked, 0) == pieces, "each is heard once, whoever answers"
    more_s = after["tongbu_qoe_play_seconds_total"] - before.get("tongbu_qoe_play_seconds_total", 0)
    assert more_s == pytest.approx((report.play_ms + end.play_ms) / 1000)


def assert_told_with_requests(heard: Heard, town: Town, session: str | None) -> None:
    said = [one for one in heard.media if one is not None]
    assert len(said) == len(heard.media)
    assert {(one.cid, one.sid, one.sf, one.st) for one in said} == {
        (town.lesson, session, "h", "v")
    }
    pieces = [one for one in said if one.ot in ("v", "a")]
    assert pieces
    assert all(one.br and one.d for one in pieces)


async def test_who_closes_the_page_reports_the_end(page: Page, town: Town) -> None:
    before = await settled(page, town)
    await page.goto(f"/lessons/{town.lesson}")
    await until_played(page, 2.0)

    async def grown(name: str) -> float:
        return (await figures(page, town)).get(name, 0) - before.get(name, 0)

    async def reports() -> float:
        return await grown("tongbu_qoe_reports_total")

    async def begun() -> bool:
        return await reports() >= 1

    async def ended() -> bool:
        # A page that is gone tells nothing by the clock any more.
        return await reports() > told

    await eventually(begun)
    told = await reports()
    await page.goto("about:blank")
    await eventually(ended)
    assert 1 < await grown("tongbu_qoe_play_seconds_total") < 60
