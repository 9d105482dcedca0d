"""A lesson whose picture is pulled from a classroom's camera, all by keys."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.acceptance.live.conftest import TEACHER, Booked, City, Screens
from tests.acceptance.live.steps import moving, opened
from tests.support.accessibility import findings_of
from tests.support.rtsp_camera import camera
from tests.support.wait import eventually

MAIN_WAYS, SECOND_WAYS = "用录播主机、OBS 或摄像机上课", "另一间主讲教室：录播主机、OBS 或摄像机"


async def ways(page: Page, name: str = MAIN_WAYS) -> Locator:
    """Unfold the other ways in."""
    await page.get_by_text(name).press("Enter")
    part = page.locator("details[open]").get_by_role("region", name="教室里的摄像机")
    await expect(part).to_be_visible()
    return part


async def give(part: Locator, url: str) -> None:
    """Type an address and ask for it."""
    await part.get_by_label("摄像机地址").fill(url)
    await part.get_by_label("摄像机地址").press("Enter")


async def test_a_camera_is_connected_shown_and_let_go(
    city: City, screens: Screens, booked: Booked
) -> None:
    session = await booked("观察校园里的植物")
    teacher = await screens.open(f"/studio/{session}", TEACHER)
    guest = await screens.open(f"/watch/{session}")
    await opened(city, session)
    part = await ways(teacher)
    async with camera() as source:
        await give(part, source.url)
        await expect(part.get_by_text("已接入，正在上课。")).to_be_visible()
        await expect(teacher.get_by_role("button", name="改用这台电脑")).to_be_visible()
        assert await moving(guest) > 0
        await teacher.reload()
        await expect((await ways(teacher)).get_by_text("已接入，正在上课。")).to_be_visible()

        await part.get_by_role("button", name="停止接入").press("Enter")
        await expect(part.get_by_label("摄像机地址")).to_have_value("")
        await eventually(lambda: not source.players)
        await expect(guest.locator("figure").get_by_text("主讲教室正在重新连接")).to_be_visible()


async def test_the_second_classroom_of_a_pair_has_a_camera_of_its_own(
    city: City, screens: Screens, booked: Booked, axe: str
) -> None:
    pair = {"kind": "paired_lesson", "second_classroom": city.rooms["second"]}
    session = await booked("三角形的稳定性", **pair)
    teacher = await screens.open(f"/studio/{session}", TEACHER)
    await teacher.get_by_role("button", name="开始上课").click()
    await expect(teacher.get_by_text("正在上课", exact=True)).to_be_visible()
    part = await ways(teacher, SECOND_WAYS)
    async with camera() as source:
        await give(part, source.url)
        await expect(part.get_by_text("已请求接入。")).to_be_visible()
        guest = await screens.open(f"/watch/{session}")
        assert await moving(guest, ".pair__one:nth-child(2) video") > 0
        assert await findings_of(teacher, axe, touched=True) == {}
        await part.get_by_role("button", name="停止接入").click()
        await eventually(lambda: not source.players)


async def test_a_refused_camera_is_told_in_words(
    city: City, screens: Screens, booked: Booked
) -> None:
    session = await booked("观察校园里的动物")
    teacher = await screens.open(f"/studio/{session}", TEACHER)
    await opened(city, session)
    part = await ways(teacher)
    told = part.get_by_role("alert")
    await give(part, "http://192.168.1.64/")
    await expect(told).to_have_text("地址不对：要以 rtsp:// 开头，中间没有空格和汉字。")
    await give(part, "rtsp://admin:a@b@192.168.1.64/stream1")
    await expect(told).to_have_text("密码里的 @ 请写成 %40。")
    await give(part, "rtsp://admin:secret@192.168.1.64:554/stream1")
    await expect(told).to_contain_text("192.168.1.64 不在学校登记的摄像机里。")
    await expect(told).not_to_contain_text("secret")
