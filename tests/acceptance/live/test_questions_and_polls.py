"""What goes back to the teacher: a question, votes of a poll, a discussion that can be closed."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.acceptance.live.conftest import DEVICE, OnAir, Screens

QUESTION, ANSWER = "为什么正方形有四条对称轴？", "沿这四条直线对折，两边都能重合。"
POLL = "下面哪个不是轴对称图形？"


def region(page: Page, name: str) -> Locator:
    """A part of the page by its heading."""
    return page.get_by_role("region", name=name)


async def vote(page: Page, choice: str) -> None:
    """Choose and see that the choice is held."""
    group = page.get_by_role("group", name="请选择")
    button = group.get_by_role("button", name=choice, exact=True)
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")


async def say(page: Page, text: str) -> None:
    """Put a line into the discussion."""
    discussion = region(page, "讨论")
    await discussion.get_by_label("说点什么").fill(text)
    await discussion.get_by_role("button", name="发送").click()


async def test_a_question_is_answered_for_everyone(on_air: OnAir, screens: Screens) -> None:
    guest = await screens.open(on_air.watch)
    await region(guest, "提问").get_by_label("提一个问题").fill(QUESTION)
    await region(guest, "提问").get_by_role("button", name="提问", exact=True).click()

    board = region(on_air.teacher, "提问")
    await board.get_by_role("button", name=f"回答：{QUESTION}").click()
    await board.get_by_role("textbox", name=f"回答：{QUESTION}").fill(ANSWER)
    await board.get_by_role("button", name="发送").click()
    await expect(region(guest, "提问").get_by_text(ANSWER)).to_be_visible()

    late = await screens.open(on_air.watch)
    await expect(region(late, "提问").get_by_text(ANSWER)).to_be_visible()


async def test_votes_are_counted_while_they_come(on_air: OnAir, screens: Screens) -> None:
    guest = await screens.open(on_air.watch)
    classroom = await screens.open("/classroom", DEVICE)
    await expect(classroom.get_by_role("button", name="举手")).to_be_visible()
    poll = region(on_air.teacher, "投票")
    await poll.get_by_label("题目（可不填）").fill(POLL)
    await poll.get_by_role("button", name="A B C D").click()

    await expect(region(guest, "投票").get_by_text(POLL)).to_be_visible()
    await vote(guest, "B")
    await expect(poll.get_by_label("B：1 票")).to_be_visible()
    await vote(classroom, "C")
    await expect(poll.get_by_text("共 2 票")).to_be_visible()
    await vote(guest, "C")
    await expect(poll.get_by_label("C：2 票")).to_be_visible()
    await expect(region(classroom, "投票").get_by_label("C：2 票")).to_be_visible()

    await poll.get_by_role("button", name="结束投票").click()
    await expect(guest.get_by_role("group", name="请选择")).to_be_hidden()
    await expect(region(on_air.teacher, "上一次投票").get_by_label("C：2 票")).to_be_visible()


async def test_the_teacher_closes_the_discussion(on_air: OnAir, screens: Screens) -> None:
    guest = await screens.open(on_air.watch)
    await say(guest, "看清楚了")
    teacher = region(on_air.teacher, "讨论")
    await expect(teacher.get_by_text("看清楚了")).to_be_visible()

    await teacher.get_by_role("button", name="关闭讨论").click()
    await expect(region(guest, "讨论").get_by_text("老师关闭了讨论。")).to_be_visible()
    await expect(region(guest, "讨论").get_by_label("说点什么")).to_be_hidden()
    await say(on_air.teacher, "先做题，做完再讨论。")
    await expect(region(guest, "讨论").get_by_text("先做题，做完再讨论。")).to_be_visible()

    await teacher.get_by_role("button", name="打开讨论").click()
    await expect(region(guest, "讨论").get_by_label("说点什么")).to_be_visible()
