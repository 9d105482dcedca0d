"""The field's fixed words: stages, grades, subjects, textbook editions, visibilities, roles. Pure.

A `Word` has a value that is kept and sent, the Chinese label that people read, and other spellings
that a table to import or a query may carry: 物理, physics and 初中物理 all find `physics`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from catalog.errors import Invalid
from catalog.people import Role


@dataclass(frozen=True, slots=True)
class Word:
    """A value, its label, and other spellings."""

    value: str
    label: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """An ordered, closed list of words of one kind."""

    name: str
    words: tuple[Word, ...]
    _found: Mapping[str, Word] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = {
            fold(spelling): word
            for word in self.words
            for spelling in (word.value, word.label, *word.aliases)
        }
        object.__setattr__(self, "_found", found)

    def __iter__(self) -> Iterator[Word]:
        return iter(self.words)

    def find(self, text: str) -> Word | None:
        """Give the word that text spells, by value, label or alias, whatever its case or width."""
        return self._found.get(fold(text))

    def value_of(self, text: str) -> str:
        """Give the value that text spells; "" for an empty text. Raises: Invalid."""
        if not text.strip():
            return ""
        word = self.find(text)
        if word is None:
            labels = "、".join(word.label for word in self.words)
            raise Invalid(
                f"{self.name}: no such word {text[:40]!r}; use one of {labels}",
                {self.name: f"no such word {text[:40]!r}"},
            )
        return word.value

    def label_of(self, value: str) -> str:
        """Give the label of a value; a value from elsewhere is its own label."""
        word = self.find(value)
        return word.label if word else value


def fold(text: str) -> str:
    """Give the form in which spellings are compared."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


STAGES = Vocabulary(
    "stage",
    (
        Word("preschool", "学前", ("幼儿园", "学前教育")),
        Word("primary", "小学", ("小学段",)),
        Word("junior", "初中", ("初级中学", "middle", "junior high")),
        Word("senior", "高中", ("普通高中", "高级中学", "senior high")),
        Word("vocational", "中职", ("职业高中", "中专", "职高", "中等职业")),
        Word("special", "特殊教育", ("特教",)),
    ),
)

_NUMBERS = "一二三四五六七八九"
_JUNIOR = {7: "初一", 8: "初二", 9: "初三"}
_SENIOR = {10: "高一", 11: "高二", 12: "高三"}


def _grade(number: int) -> Word:
    plain = (str(number), f"grade {number}", f"g{number}", f"{number}年级")
    if number in _SENIOR:
        label = _SENIOR[number]
        return Word(f"g{number}", label, (*plain, f"{label}年级", f"高中{label[1]}年级"))
    numeral = _NUMBERS[number - 1]
    junior = (_JUNIOR[number], f"{_JUNIOR[number]}年级") if number in _JUNIOR else ()
    return Word(f"g{number}", f"{numeral}年级", (*plain, f"小学{numeral}年级", *junior))


GRADES = Vocabulary("grade", tuple(_grade(number) for number in range(1, 13)))

SUBJECTS = Vocabulary(
    "subject",
    (
        Word("chinese", "语文", ("国语",)),
        Word("mathematics", "数学", ("math", "maths")),
        Word("english", "英语", ("外语",)),
        Word("physics", "物理", ("物理学", "初中物理", "高中物理")),
        Word("chemistry", "化学"),
        Word("biology", "生物", ("生物学",)),
        Word("history", "历史"),
        Word("geography", "地理"),
        Word("politics", "道德与法治", ("思想政治", "政治", "思政", "道法", "品德与社会")),
        Word("science", "科学"),
        Word("information", "信息科技", ("信息技术", "计算机", "it")),
        Word("music", "音乐"),
        Word("art", "美术", ("艺术",)),
        Word("sport", "体育与健康", ("体育", "pe")),
        Word("labour", "劳动", ("劳动技术", "劳技")),
        Word("calligraphy", "书法"),
        Word("psychology", "心理健康", ("心理",)),
        Word("practice", "综合实践", ("综合实践活动", "综合")),
        Word("local", "地方课程", ("校本课程", "传统文化", "海洋教育")),
        Word("class-meeting", "班会", ("主题班会",)),
        Word("other", "其他", ("其它",)),
    ),
)

EDITIONS = Vocabulary(
    "edition",
    (
        Word("unified", "统编版", ("部编版", "统编", "部编")),
        Word("pep", "人教版", ("人民教育出版社", "人教")),
        Word("qingdao", "青岛版", ("青岛出版社",)),
        Word("bnu", "北师大版", ("北京师范大学出版社", "北师大")),
        Word("lujiao", "鲁教版", ("山东教育出版社", "鲁教版五四制", "五四制")),
        Word("luke", "鲁科版", ("山东科学技术出版社", "鲁科")),
        Word("luren", "鲁人版", ("山东人民出版社",)),
        Word("fltrp", "外研版", ("外语教学与研究出版社", "外研社")),
        Word("yilin", "译林版", ("译林出版社", "译林牛津版")),
        Word("sujiao", "苏教版", ("江苏教育出版社", "江苏凤凰教育出版社")),
        Word("suke", "苏科版", ("江苏科学技术出版社",)),
        Word("huke", "沪科版", ("上海科学技术出版社",)),
        Word("jiaoke", "教科版", ("教育科学出版社",)),
        Word("zhejiao", "浙教版", ("浙江教育出版社",)),
        Word("xiangjiao", "湘教版", ("湖南教育出版社",)),
        Word("yuejiao", "粤教版", ("广东教育出版社",)),
        Word("jijiao", "冀教版", ("河北教育出版社",)),
        Word("ecnu", "华师大版", ("华东师范大学出版社",)),
        Word("renyin", "人音版", ("人民音乐出版社",)),
        Word("renmei", "人美版", ("人民美术出版社",)),
        Word("other", "其他", ("其它", "校本")),
    ),
)

VISIBILITIES = Vocabulary(
    "visibility",
    (
        Word("public", "公开", ("所有人",)),
        Word("city", "全市", ("登录可见",)),
        Word("group", "教育集团", ("集团",)),
        Word("school", "本校", ("学校",)),
        Word("private", "仅自己", ("私有",)),
    ),
)

ROLES = Vocabulary(
    "role",
    (
        Word(Role.ADMINISTRATOR.value, "管理员"),
        Word(Role.DISTRICT.value, "区市管理员"),
        Word(Role.SCHOOL.value, "学校管理员"),
        Word(Role.TEACHER.value, "教师", ("老师",)),
        Word(Role.RESEARCHER.value, "教研员"),
        Word(Role.CLASSROOM.value, "教室设备"),
        Word(Role.PUPIL.value, "学生"),
    ),
)

SETTINGS = Vocabulary(
    "setting", (Word("urban", "城区", ("城市",)), Word("rural", "乡村", ("农村",)))
)

ALL = {
    "stages": STAGES,
    "grades": GRADES,
    "subjects": SUBJECTS,
    "editions": EDITIONS,
    "visibilities": VISIBILITIES,
    "roles": ROLES,
    "settings": SETTINGS,
}
