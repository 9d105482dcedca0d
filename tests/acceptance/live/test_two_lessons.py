"""同课异构: two teachers give the same lesson at once, seen beside each other."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page, expect

from tests.acceptance.live.conftest import DEVICE, SECOND_TEACHER, TEACHER, Booked, City, Screens
from tests.acceptance.live.steps import moving, user_id
from tests.support.accessibility import findings_of

ONE, OTHER = (f".pair__one:nth-child({n}) video" for n in (1, 2))
MUTED = "[...document.querySelectorAll('.pair video')].map((one) => one.muted)"
PHONE, TABLET, BOARD = (390, 844), (1024, 768), (1920, 1080)


async def places(page: Page, size: tuple[int, int]) -> list[tuple[float, float]]:
    """Give where both pictures are on a screen of that size."""
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    boxes = [await page.locator(selector).bounding_box() for selector in (ONE, OTHER)]
    return [(box["x"], box["y"]) for box in boxes if box]


async def begin(teacher: Page) -> None:
    """Press the red button."""
    await teacher.get_by_role("button", name="开始上课").click()
    await expect(teacher.get_by_text("正在上课", exact=True)).to_be_visible()


async def test_two_lessons_are_seen_beside_each_other(
    city: City, screens: Screens, booked: Booked, axe: str
) -> None:
    second = {
        "kind": "paired_lesson",
        "second_classroom": city.rooms["second"],
        "second_teacher": await user_id(city, SECOND_TEACHER),
    }
    session = await booked("平行四边形的面积", **second)
    for username in (TEACHER, SECOND_TEACHER):
        await begin(await screens.open(f"/studio/{session}", username))
    guest = await screens.open(f"/watch/{session}")
    widths = await asyncio.gather(moving(guest, ONE), moving(guest, OTHER))
    assert min(widths) > 0

    for size in (TABLET, BOARD):
        (x, y), (other_x, other_y) = await places(guest, size)
        assert (x < other_x, y) == (True, other_y), f"side by side on {size}"
        assert await findings_of(guest, axe, touched=True) == {}
    (x, y), (other_x, other_y) = await places(guest, PHONE)
    assert (x, y < other_y) == (other_x, True), "one above the other on a phone"
    assert await findings_of(guest, axe, touched=True) == {}

    assert await guest.evaluate(MUTED) == [False, True]
    await guest.get_by_role("button", name="听这一边 西海岸新区海风小学 专递课堂教室").click()
    assert await guest.evaluate(MUTED) == [True, False]
    room = await screens.open("/classroom", DEVICE)
    await asyncio.gather(moving(room, ONE), moving(room, OTHER))
    assert await room.evaluate(MUTED) == [False, True]
