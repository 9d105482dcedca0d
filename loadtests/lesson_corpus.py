"""Generated lessons in Chinese, in any number, the same every time: what search is measured on.

Words are the terms of the curriculum below and pairs of common characters, drawn by Zipf's law, so
that a handful of words stand in a third of all lessons and most in few. A row has about 95
characters: title, chapter, teacher, school, three tags and a text of sixty. No two rows are alike.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

_TERMS = """
勾股定理 一元二次方程 二次函数 反比例函数 一次函数 平行四边形 相似三角形 圆周角 概率初步
因式分解 有理数 整式加减 分式方程 全等三角形 轴对称 锐角三角函数 投影视图 数据分析
平面直角坐标系 不等式组 牛顿定律 欧姆定律 浮力 压强 杠杆原理 光的折射 透镜成像 电功率
电磁感应 机械能守恒 质量守恒 酸碱中和 金属活动性 化学方程式 溶解度 元素周期表 有机合成
氧化还原 空气成分 燃烧条件 光合作用 细胞分裂 遗传变异 生态系统 人体循环 神经调节 食物链
种子萌发 显微镜使用 基因工程 文言文阅读 现代文阅读 古诗鉴赏 记叙文写作 议论文写作
口语交际 名著导读 病句修改 修辞手法 字词积累 定语从句 现在完成时 被动语态 完形填空
听力训练 阅读理解 书面表达 词汇复习 语音语调 情景对话 辛亥革命 秦统一 丝绸之路 工业革命
改革开放 新文化运动 抗日战争 世界大战 文艺复兴 春秋战国 季风气候 等高线 地球自转 板块构造
人口分布 城市化 河流地貌 海洋资源 自然灾害 农业区位 合唱训练 水墨画 篮球运球 广播体操
编程入门 循环结构 心理调适 垃圾分类 劳动技能 安全教育
"""
_COMMON = """
学生 问题 方法 数学 图形 实验 知识 理解 练习 课堂 生活 观察 思考 分析 探究 复习 应用 计算
证明 概念 单元 教材 例题 难点 重点 作业 总结 讨论 合作 表达
"""
TERMS = tuple(_TERMS.split())
COMMON = tuple(_COMMON.split())
CHARACTERS = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方"
    "后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开"
    "它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此"
    "变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老"
    "头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门"
)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红玲芬燕彬鹏辉"
SUBJECTS = ("chinese", "mathematics", "english", "physics", "chemistry", "biology", "history",
            "geography", "politics", "science", "information", "music", "art", "sport")  # fmt: skip
EDITIONS = ("unified", "pep", "qingdao", "bnu", "lujiao")
WORDS = 20_000
BLOCKS = 60_000
WORDS_A_BLOCK = 14
ZIPF_SHIFT = 8
FIRST_MS = 1_600_000_000_000
SPAN_MS = 5 * 365 * 86_400_000
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Corpus:
    """The words by rank and the blocks of text that rows are put together from."""

    words: tuple[str, ...]
    blocks: tuple[str, ...]


def make_corpus(seed: int = 1) -> Corpus:
    """Make the vocabulary and the blocks."""
    chance = random.Random(seed)
    known = dict.fromkeys(COMMON)
    while len(known) < WORDS - len(TERMS):
        known["".join(chance.sample(CHARACTERS, 2))] = None
    made = list(known)
    rare = made[len(COMMON) :]
    chance.shuffle(rare)
    words = [*COMMON, *rare[:300], *TERMS, *rare[300:]]
    weights = list(accumulate(1 / (rank + ZIPF_SHIFT) for rank in range(len(words))))
    blocks = tuple(
        "".join(chance.choices(words, cum_weights=weights, k=WORDS_A_BLOCK)) for _ in range(BLOCKS)
    )
    return Corpus(tuple(words), blocks)


def lesson_id(made_ms: int, bits: int) -> str:
    """Give an identifier as the service makes them: time, then chance."""
    value = made_ms << 52 | bits
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(95, -1, -5))


def rows(
    corpus: Corpus, count: int, schools: list[str], series: list[str], seed: int = 2
) -> Iterator[tuple[object, ...]]:
    """Give the rows of table lesson, oldest first, in the order of COLUMNS."""
    chance = random.Random(seed)
    step_ms = SPAN_MS / count
    for number in range(count):
        block, other = chance.choice(corpus.blocks), chance.choice(corpus.blocks)
        bits = chance.getrandbits(52)
        grade = 1 + bits % 12
        term = TERMS[bits // 12 % len(TERMS)]
        place = bits % 15
        yield (
            lesson_id(FIRST_MS + int(number * step_ms), bits),
            f"{term}{block[place : place + 4]}{number % 97 + 1}",
            block[:28] + other[:28],
            "primary" if grade < 7 else "junior" if grade < 10 else "senior",
            f"g{grade}",
            SUBJECTS[bits // 7 % len(SUBJECTS)],
            EDITIONS[bits // 11 % len(EDITIONS)],
            f"第{bits % 9 + 1}章{other[:4]}",
            "{" + ",".join((term, other[4:6], block[8:10])) + "}",
            SURNAMES[bits % 20] + GIVEN[bits // 20 % 33] + GIVEN[bits // 700 % 33],
            schools[bits // 13 % len(schools)],
            series[bits // 17 % len(series)] if bits % 3 else None,
            "ready",
            int(chance.paretovariate(0.9)) if bits % 4 else 0,
        )


COLUMNS = ("id", "title", "description", "stage", "grade", "subject", "edition", "chapter", "tags",
           "teacher_name", "school_id", "series_id", "state", "plays")  # fmt: skip
