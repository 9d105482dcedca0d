"""Reports of a school's viewers over a cut line and a killed box: each counted once in the city."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtests.school import Box, running_box, school_with_a_box
from loadtests.service import Service, end, running, start, wait_for_address
from tests.support.qoe import report_json
from tests.support.wait import eventually

REPORTS = "tongbu_qoe_reports_total"


@pytest.fixture(scope="module")
def city() -> Iterator[Service]:
    """A city of its own, because it goes away in the middle."""
    with running() as service:
        yield service


async def tell(url: str, *reports: dict[str, Any]) -> None:
    async with aiohttp.ClientSession() as http:
        for report in reports:
            async with http.post(f"{url}/qoe", json=report) as answer:
                assert answer.status == 204, await answer.text()


async def figure(url: str, name: str, **labels: str) -> float:
    """Give the sum of a figure over the labels that are not named."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
        text = await answer.text()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def counted(url: str, number: int, **labels: str) -> None:
    async def holds() -> bool:
        return await figure(url, REPORTS, **labels) >= number

    await eventually(holds, 60.0)
    assert await figure(url, REPORTS, **labels) == number


def reports(number: int) -> list[dict[str, Any]]:
    return [report_json(delivery="ws", play_ms=30_000, rebuffer_ms=500) for _ in range(number)]


async def on_a_good_line(city: Service, box: Box, school: str) -> dict[str, Any]:
    first, straight = report_json(), report_json()
    await tell(box.url, first, first)
    await counted(city.url, 1, school=school, delivery="hls")
    await tell(box.url, first)
    await tell(city.url, straight, straight)
    await counted(city.url, 1, school="city")
    await counted(box.url, 1, school=school)
    return first


async def while_cut(box: Box, told: list[dict[str, Any]]) -> None:
    await tell(box.url, *told)
    assert await figure(box.url, "tongbu_edge_reports_waiting") == len(told)


async def once_each(city: Service, box: Box, school: str, told: list[dict[str, Any]]) -> None:
    async def emptied() -> bool:
        return await figure(box.url, "tongbu_edge_reports_waiting") == 0

    await eventually(emptied, 60.0)
    await counted(city.url, len(told), school=school)
    labels = {"school": school, "delivery": "ws"}
    played_s = await figure(city.url, "tongbu_qoe_play_seconds_total", **labels)
    stood_s = await figure(city.url, "tongbu_qoe_rebuffer_seconds_total", **labels)
    assert (played_s, stood_s) == (30.0 * len(told), 0.5 * len(told))


def test_each_report_counts_once(city: Service, tmp_path: Path) -> None:
    school, code = asyncio.run(school_with_a_box(city.url))
    home = tmp_path / "box"
    with running_box(city.url, code, data=home) as box:
        first = asyncio.run(on_a_good_line(city, box, school))
        end(city.process)
        before = reports(7)
        asyncio.run(while_cut(box, before))
        box.process.send_signal(signal.SIGKILL)
        box.process.wait()
    with running_box(city.url, data=home) as box:
        # A player whose answer was lost with the box sends again.
        asyncio.run(tell(box.url, *before[5:]))
        more = reports(3)
        asyncio.run(while_cut_again(box, before, more))
        process, log = start(city.data, "--listen", urlsplit(city.url).netloc)
        try:
            again = Service(wait_for_address(process, log), city.data, process, log)
            assert again.url == city.url
            asyncio.run(once_each(again, box, school, before + more))
            # One that was counted before the city began anew is no new one to its database.
            asyncio.run(tell(box.url, first, *more))
            asyncio.run(once_each(again, box, school, before + more))
        finally:
            end(process)


async def while_cut_again(
    box: Box, before: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    await tell(box.url, *more)
    assert await figure(box.url, "tongbu_edge_reports_waiting") == len(before) + len(more)
    assert await figure(box.url, REPORTS) == len(more), "the others were counted before the kill"
