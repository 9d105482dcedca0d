"""The demo city in the size of the real one: 10 districts, 165 groups, 270 pairs, 1400 classrooms.

Names of districts are Qingdao's, those of schools are made up. Pure: the same city every time.
"""

from __future__ import annotations

from datetime import date

from catalog.db.city import City, CitySchool

URBAN_DISTRICTS = ("市南区", "市北区", "李沧区", "崂山区", "城阳区")
RURAL_DISTRICTS = ("西海岸新区", "即墨区", "胶州市", "平度市", "莱西市")
GROUPS = 165
PAIRS = 270
CLASSROOMS = 1400
_PLACES = (
    "海风", "云岭", "青松", "碧波", "枫林", "晨曦", "望海", "银杏", "梧桐", "石门",
    "桃园", "月亮湾", "白沙", "金滩", "红岛", "槐树", "柳河", "麦岛", "浮山", "珠山",
    "大泽", "姜山", "沽河", "墨水", "鹤山", "灵山", "藏马", "艾山", "莲花", "文峰",
    "崇德", "明德", "育英",
)  # fmt: skip
_KINDS = ("小学", "中学", "实验小学", "实验中学", "第二小学")
SERIES = (
    ("青快学", "重难点讲解微视频"),
    ("名师空中课堂", "名师公益课堂"),
    ("名师导学", "名师导学与在线答疑"),
    ("思政微课堂", "思政微课堂"),
    ("同城大课堂", "同城大课堂"),
)


def demo_city(since: date) -> City:
    """Build the city; pairs hold from `since`."""
    groups = tuple(f"{place}教育集团" for place in _names(GROUPS))
    urban = [_school(i, URBAN_DISTRICTS, groups[i], "urban") for i in range(GROUPS)]
    rural = [_school(i, RURAL_DISTRICTS, groups[i], "rural") for i in range(GROUPS)]
    schools = _with_classrooms([*urban, *rural])
    pairs = tuple((urban[i % GROUPS].name, rural[(i + i // GROUPS) % GROUPS].name)
                  for i in range(PAIRS))  # fmt: skip
    return City(URBAN_DISTRICTS + RURAL_DISTRICTS, groups, schools, pairs, SERIES, since)


def _names(count: int) -> list[str]:
    kinds = ("", "东", "西", "南", "北")
    return [f"{_PLACES[i % len(_PLACES)]}{kinds[i // len(_PLACES)]}" for i in range(count)]


def _school(index: int, districts: tuple[str, ...], group: str, setting: str) -> CitySchool:
    district = districts[index % len(districts)]
    place = group.removesuffix("教育集团")
    return CitySchool(
        f"{district}{place}{_KINDS[index % len(_KINDS)]}", district, group, setting, ()
    )


def _with_classrooms(schools: list[CitySchool]) -> tuple[CitySchool, ...]:
    each, more = divmod(CLASSROOMS, len(schools))
    return tuple(
        CitySchool(s.name, s.district, s.group, s.setting,
                   tuple(f"智慧教室 {n + 1}" for n in range(each + (i < more))))
        for i, s in enumerate(schools)
    )  # fmt: skip
