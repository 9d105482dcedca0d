"""What tantivy finds: Chinese of every length, mixed text, pinyin, order, counts, rights."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from datetime import date

import pytest

from catalog.errors import Invalid
from catalog.ids import make_id
from catalog.people import GUEST, Affiliation, Role, Viewer
from catalog.search.port import Hint, Sort
from catalog.search.tantivy_index import TantivyReader
from tests.support.lessons import administrator, teacher
from tests.support.search import Index, entry, request

DAY = date(2026, 9, 1)
TURN_S = 10.0


@pytest.mark.parametrize(
    "text",
    ["勾股定理", "股定", "勾", "理", "证明", "勾股定理 证明", "證明", "勾股定理的", '"定理的证明"',
     "CO2", "co", "２０２６", "gougudingli", "gougu dingli", "GGDL", "gougudingl", "dldzm",
     "勾股 co2", "e平台", "5G网络", "5g", "周老师", "zhoulaoshi", "zls", "难点", "nandian",
     "几何", "第十七章", "转录", "青岛第二中学", "青快学", "音乐", "yinyue", "yy", "“5G网络”"],
)  # fmt: skip
async def test_a_lesson_is_found_by(index: Index, text: str) -> None:
    wanted = entry(
        "勾股定理的证明 2026 与CO2、e平台、5G网络", tags=["难点"], knowledge_points=["几何"],
        chapter="第十七章", teacher="周老师", school="青岛第二中学", school_id="s", series="青快学",
        transcript="这里是字幕的转录，音乐响起", description="",
    )  # fmt: skip
    if text in ("yinyue", "yy"):
        wanted = entry("音乐欣赏")
    await index.put(wanted, entry("小数"), entry("Photosynthesis"))
    assert await index.ids(text) == (wanted.id,)
    assert (await index.counts(text)).total == 1


@pytest.mark.parametrize(
    "text", ["股勾", "定勾", "勾股的", "zhengming gougu x", '"证明 定理"', "lg", "晦", "o2", "难几"]
)
async def test_nothing_is_found_by(index: Index, text: str) -> None:
    await index.put(entry("勾股定理的证明 CO2", tags=["难点"], knowledge_points=["几何"]))
    assert await index.ids(text) == ()
    assert (await index.counts(text)).total == 0


async def test_a_page_and_its_counts_are_of_one_state(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    await index.put(entry("分数"))
    index.writer.add([entry("小数")])
    index.writer.commit()
    looked = threading.Event()
    look = index.reader._look

    def look_and_tell() -> object:
        try:
            return look()
        finally:
            looked.set()

    monkeypatch.setattr(index.reader, "_look", look_and_tell)
    looking = asyncio.create_task(index.reader.look())
    await asyncio.sleep(0)
    # The loop is kept busy until the thread has looked: whoever asks now asks twice.
    give_up_at = time.monotonic() + TURN_S
    while not looked.is_set() and time.monotonic() < give_up_at:
        pass
    assert (looked.is_set(), index.reader.lessons) == (True, 1)
    assert await looking
    assert index.reader.lessons == 2


async def test_title_before_topic_before_transcript_and_the_newest_first(index: Index) -> None:
    rows = [
        entry("说课", transcript="讲勾股定理", id=make_id(9_000_000_000, 1)),
        entry("几何", tags=["勾股定理"], id=make_id(8_000_000_000, 1)),
        entry("勾股定理的应用", id=make_id(5_000_000_000, 1)),
        entry("再谈勾股定理", id=make_id(6_000_000_000, 1)),
        entry("勾股定理", id=make_id(1_000_000_000, 1)),
    ]
    await index.put(*rows)
    topic, near, late = rows[1].id, rows[2].id, rows[3].id
    expected = [rows[4].id, late, near, topic, rows[0].id]
    assert list(await index.ids("勾股定理")) == expected
    assert await index.pages("勾股定理", 2) == expected
    assert list(await index.ids("勾股定理", sort=Sort.NEWEST))[:2] == [rows[0].id, topic]


@pytest.mark.parametrize("sort", list(Sort))
async def test_pages_give_everything_once(index: Index, sort: Sort) -> None:
    titles = ["分数", "分数的意义", "小数", "百分数", "分式"]
    rows = [
        entry(titles[i % 5], plays=i % 3, id=make_id(86_400_000 * (i // 9), i << 40))
        for i in range(60)
    ]
    await index.put(*rows)
    for text in ("", "分数", "fen"):
        walked = await index.pages(text, 7, sort=sort)
        assert len(walked) == len(set(walked)) == (await index.counts(text)).total
        assert walked == list(await index.ids(text, sort=sort, limit=100))


async def test_titles_are_ordered_by_pinyin_and_plays_downwards(index: Index) -> None:
    rows = [entry("重力", plays=1), entry("Atom", plays=9), entry("波", plays=5), entry("安培")]
    await index.put(*rows)
    by_title = [rows[1].id, rows[3].id, rows[2].id, rows[0].id]
    assert list(await index.ids("", sort=Sort.TITLE)) == by_title
    assert list(await index.ids("", sort=Sort.PLAYS))[:2] == [rows[1].id, rows[2].id]


async def test_paging_is_steady_while_lessons_come_and_go(index: Index) -> None:
    rows = [entry("物理", id=make_id(1_000_000 + i, 0)) for i in range(30)]
    await index.put(*rows)
    first = await index.reader.page(request("物理", limit=10))
    assert first.next_cursor is not None
    index.writer.delete([first.ids[-1], rows[0].id])
    await index.put(*(entry("物理", id=make_id(2_000_000 + i, 0)) for i in range(5)))
    second = await index.reader.page(request("物理", limit=30, cursor=first.next_cursor))
    assert list(second.ids) == [row.id for row in reversed(rows[1:20])]


@pytest.mark.parametrize(
    "cursor", ["x", "=", "AAAA", "é", "A" * 500, "W1tbW1tb", "WyIiLC0xLDAsMF0", "bnVsbA"]
)
async def test_a_hostile_cursor_is_refused(index: Index, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        await index.reader.page(request("物理", cursor=cursor))


async def test_a_cursor_of_another_question_is_refused(index: Index) -> None:
    await index.put(*(entry("物理") for _ in range(3)))
    page = await index.reader.page(request("物理", limit=1))
    assert page.next_cursor is not None
    with pytest.raises(Invalid, match="another question"):
        await index.ids("化学", cursor=page.next_cursor)


async def test_facets_count_what_is_found(index: Index) -> None:
    await index.put(
        entry("力", subject="physics", grade="g8", stage="junior", school_id="s1", series_id="q"),
        entry("力", subject="physics", grade="g9", stage="junior", school_id="s2"),
        entry("力", subject="science", grade="g5", stage="primary", school_id="s2"),
        entry("诗", subject="chinese", grade="g8", stage="junior"),
    )
    counts = await index.counts("力")
    assert counts.total == 3
    assert counts.facets["subject"] == [("physics", 2), ("science", 1)]
    assert counts.facets["stage"] == [("junior", 2), ("primary", 1)]
    assert counts.facets["school"] == [("s2", 2), ("s1", 1)]
    assert counts.facets["series"] == [("q", 1)]
    assert counts.facets["edition"] == []


async def test_a_chosen_value_leaves_the_others_of_its_facet_countable(index: Index) -> None:
    await index.put(
        entry("力", subject="physics", grade="g8", school_id="s1"),
        entry("力", subject="physics", grade="g9", school_id="s2"),
        entry("力", subject="science", grade="g8", school_id="s2"),
    )
    counts = await index.counts("力", subject=("physics",), school=("s2",))
    assert counts.total == 1
    assert counts.facets["subject"] == [("physics", 1), ("science", 1)]
    assert counts.facets["grade"] == [("g9", 1)]
    assert counts.facets["school"] == [("s1", 1), ("s2", 1)]
    assert len(await index.ids("力", subject=("physics", "science"), grade=("g8",))) == 2


async def test_filters_by_series_and_teacher(index: Index) -> None:
    wanted = entry("力", series_id="q", teacher_id="t")
    await index.put(wanted, entry("力", series_id="q"), entry("力", teacher_id="t"))
    assert await index.ids("", series=("q",), teacher=("t",)) == (wanted.id,)


def viewer(role: Role = Role.PUPIL, **places: str) -> Viewer:
    return Viewer("p9", "", (Affiliation(role, DAY, None, **places),))


@pytest.mark.parametrize(
    ("asks", "sees"),
    [
        (GUEST, "public"),
        (Viewer("p9"), "public city"),
        (viewer(school_id="s1", group_id="g1"), "public city group school"),
        (viewer(school_id="s2", group_id="g1"), "public city group"),
        (viewer(school_id="s1"), "public city group school"),
        (viewer(Role.SCHOOL, school_id="s1"), "public city group school private"),
        (viewer(Role.DISTRICT, district_id="d1"), "public city group school private"),
        (viewer(Role.DISTRICT, district_id="d2"), "public city"),
        (teacher("owner"), "public city group school private"),
        (administrator("p9"), "public city group school private"),
    ],
)
async def test_a_viewer_finds_and_counts_what_they_may_see(
    index: Index, asks: Viewer, sees: str
) -> None:
    rows = {
        kind: entry("力", visibility=kind, owner="owner", school_id="s1", group="g1", district="d1")
        for kind in ("public", "city", "group", "school", "private")
    }
    await index.put(*rows.values(), *(entry("力", s, owner="x") for s in ("failed", "queued")))
    expected = {rows[kind].id for kind in sees.split()}
    assert set(await index.ids("力", viewer=asks)) == expected
    counts = await index.counts("力", viewer=asks)
    assert counts.total == len(expected)
    assert counts.facets["school"] == [("s1", len(expected))]


async def test_other_states_are_for_those_who_may_edit(index: Index) -> None:
    mine, other = entry("力", "failed", owner="me"), entry("力", "failed", owner="you")
    await index.put(mine, other, entry("力", "queued", owner="me"))
    assert await index.ids("力", viewer=teacher("me"), states=["failed"]) == (mine.id,)
    assert len(await index.ids("", viewer=administrator("a"), states=["failed"])) == 2
    assert await index.ids("", viewer=GUEST, states=["failed"]) == ()


async def test_hints_complete_in_han_pinyin_and_first_letters(index: Index) -> None:
    await index.put(
        entry("一", tags=["勾股定理"], teacher="王芳"),
        entry("二", tags=["勾股定理"], knowledge_points=["勾股数"]),
        entry("三", tags=["勾股密卷"], visibility="private"),
        entry("四", tags=["勾股全市"], visibility="city"),
    )
    for typed in ("勾", "gou", "gg", "勾股"):
        hints = await index.reader.hints(typed, False, 5)
        assert hints == [Hint("勾股定理", "tag"), Hint("勾股数", "point")]
    assert Hint("勾股全市", "tag") in await index.reader.hints("勾", True, 5)
    assert await index.reader.hints("wangf", False, 5) == [Hint("王芳", "teacher")]
    assert await index.reader.hints(" ，", False, 5) == []


async def test_a_word_that_left_is_no_hint(index: Index) -> None:
    only = entry("一", tags=["勾股定理"])
    await index.put(only)
    index.writer.delete([only.id])
    index.writer.commit()
    await index.reader.look()
    assert await index.reader.hints("勾", False, 5) == []


async def test_an_entry_is_replaced_and_deleted(index: Index) -> None:
    old = entry("物理")
    await index.put(old)
    await index.put(entry("化学", id=old.id))
    assert await index.ids("物理") == ()
    assert await index.ids("化学") == (old.id,)
    index.writer.delete([old.id, "unknown"])
    await index.put()
    assert await index.ids("") == ()


async def test_counts_are_remembered_only_for_the_state_they_were_made_on(index: Index) -> None:
    await index.put(entry("物理"))
    patient = TantivyReader(replace(index.settings, counts_age_s=3600.0))
    await patient.look()
    assert (await patient.counts(request("物理"))).total == 1
    await index.put(entry("物理"))
    assert (await patient.counts(request("物理"))).total == 1
    await patient.look()
    assert (await patient.counts(request("物理"))).total == 2
    await asyncio.to_thread(patient.close)
