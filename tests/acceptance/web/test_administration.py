"""An officer registers a school and a teacher, who signs in with the password shown once."""

from __future__ import annotations

import pytest
from playwright.async_api import BrowserContext, Page, expect

from loadtests.service import ADMIN_PASSWORD
from tests.acceptance.web.conftest import Town
from tests.acceptance.web.steps import sign_in

pytestmark = pytest.mark.browser


async def pick(page: Page, label: str, text: str) -> None:
    """Choose something of the registry by typing."""
    await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_role("option", name=text).click()


async def test_a_school_is_added_corrected_and_taken_away(page: Page, town: Town) -> None:
    await sign_in(page, ADMIN_PASSWORD, "admin", then="/admin/schools")
    await page.get_by_role("button", name="新建").click()
    panel = page.get_by_role("dialog", name="新建学校")
    await panel.get_by_role("button", name="保存").click()
    await expect(panel.get_by_text("这一项必须填写")).to_have_count(3)
    await panel.get_by_label("名称", exact=True).fill("海风小学")
    await pick(page, "区市", "市南区")
    await panel.get_by_label("城乡").select_option("rural")
    await panel.get_by_role("button", name="保存").click()
    await expect(panel.locator(".field__error").first).to_be_visible()
    await panel.get_by_label("名称", exact=True).fill("南村小学")
    await panel.get_by_role("button", name="保存").click()
    row = page.get_by_role("row").filter(has_text="南村小学")
    await expect(row).to_contain_text("乡村")

    await row.get_by_role("button").click()
    await page.get_by_role("button", name="删除").click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="撤销").click()
    await expect(row).to_be_visible()


async def test_a_new_teacher_signs_in_with_the_password_shown_once(
    page: Page, context: BrowserContext, town: Town
) -> None:
    await sign_in(page, ADMIN_PASSWORD, "admin", then="/admin/users")
    await page.get_by_role("button", name="新建").click()
    panel = page.get_by_role("dialog", name="新建人员")
    await panel.get_by_label("姓名").fill("陈思远")
    await panel.get_by_label("用户名").fill("chensiyuan")
    await pick(page, "学校", "海风小学")
    await panel.get_by_role("button", name="保存").click()
    password = await panel.locator("code").inner_text()
    await panel.get_by_role("button", name="关闭").last.click()
    row = page.get_by_role("row").filter(has_text="陈思远")
    await expect(row).to_contain_text("海风小学 教师")
    await row.get_by_role("button").click()
    edit = page.get_by_role("dialog", name="编辑人员")
    await edit.get_by_role("button", name="结束这项身份：教师").click()
    await expect(edit.get_by_role("button", name="结束这项身份：教师")).to_have_count(0)

    await context.clear_cookies()
    await sign_in(page, password, "chensiyuan", then="/account")
    await expect(page.get_by_role("heading", name="陈思远")).to_be_visible()


async def test_a_teacher_is_told_that_administration_is_not_theirs(page: Page, town: Town) -> None:
    await sign_in(page, town.password, then="/admin")
    await expect(page.get_by_role("heading", name="这里只对管理员开放")).to_be_visible()
