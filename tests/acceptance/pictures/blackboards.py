"""What stands on the blackboards of the pictures."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.drawn import Blackboard

_BUTTERFLY = (
    '<path d="M50 8V92" stroke="#c0392b" stroke-dasharray="14 10"/>'
    '<path d="M50 42C40 12 8 8 8 32c0 14 14 20 42 16M50 48C22 52 18 86 34 86c10 0 14-16 16-30"'
    ' fill="#0b6e9926"/>'
    '<path d="M50 42C60 12 92 8 92 32c0 14-14 20-42 16M50 48C78 52 82 86 66 86c-10 0-14-16-16-30"'
    ' fill="#0b6e9926"/>'
)
_PYTHAGORAS = (
    '<path d="M36 62H66V40z" fill="#0b6e9940"/><path d="M36 62H66V92H36z" fill="#0b6e991f"/>'
    '<path d="M66 40H88V62H66z" fill="#b9770e33" stroke="#b9770e"/>'
    '<path d="M36 62L66 40L44 10L14 32z" fill="#c0392b1f" stroke="#c0392b"/>'
    '<text x="49" y="80">b²</text><text x="73" y="54">a²</text><text x="37" y="39">c²</text>'
)
_WAVE = (
    '<path d="M4 50C12 10 20 10 28 50S44 90 52 50S68 10 76 50S92 90 98 50"/>'
    '<path d="M4 50H98" stroke="#7a8a94"/><path d="M28 86H76M28 82v8M76 82v8" stroke="#c0392b"/>'
    '<text x="40" y="98">波长 λ</text>'
)
_CELL = (
    '<ellipse cx="50" cy="50" rx="46" ry="36" fill="#1e844922" stroke="#1e8449"/>'
    '<circle cx="44" cy="48" r="14" fill="#b9770e33" stroke="#b9770e"/>'
    '<circle cx="44" cy="48" r="4" fill="#b9770e" stroke="none"/>'
    '<ellipse cx="74" cy="58" rx="9" ry="5" stroke="#1e8449"/>'
    '<ellipse cx="24" cy="66" rx="7" ry="4" stroke="#1e8449"/>'
    '<ellipse cx="68" cy="34" rx="7" ry="4" stroke="#1e8449"/><text x="34" y="74">细胞核</text>'
)
_MOUNTAIN = (
    '<path d="M2 84L30 34L44 58L62 20L98 84z" fill="#1e844922" stroke="#1e8449"/>'
    '<circle cx="82" cy="22" r="9" fill="#c0392b" stroke="none"/>'
    '<path d="M10 92C24 86 34 96 48 92S76 88 90 92" stroke="#0b6e99"/>'
)
_PARTS = (
    '<circle cx="50" cy="50" r="40"/><path d="M50 50V10A40 40 0 0 1 90 50z" fill="#0b6e99"/>'
    '<path d="M10 50H90M50 10V90"/><text x="60" y="38" style="fill:#fff">¼</text>'
)
_LIGHT = (
    '<path d="M4 54H96" /><path d="M4 54H96V94H4z" fill="#0b6e9926" stroke="none"/>'
    '<path d="M50 10V94" stroke="#7a8a94" stroke-dasharray="10 8"/>'
    '<path d="M16 14L50 54L66 94" stroke="#c0392b"/>'
    '<text x="8" y="50">空气</text><text x="10" y="66">水</text>'
)
_WATER = (
    '<path d="M22 34a12 12 0 0 1 4-22a16 16 0 0 1 30 2a10 10 0 0 1 4 20z" fill="#7a8a9433"'
    ' stroke="#7a8a94"/><path d="M30 42v12M42 42v16M54 42v12"/>'
    '<path d="M4 84C18 76 30 90 44 84S72 78 96 84V96H4z" fill="#0b6e9933"/>'
    '<path d="M82 74V36M76 44l6-8l6 8" stroke="#c0392b"/><text x="62" y="70">蒸发</text>'
)


@dataclass(frozen=True, slots=True)
class Taught:
    """A lesson of the library."""

    board: Blackboard
    stage: str
    grade: str
    subject: str
    points: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its name."""
        return self.board.title


LESSONS = (
    Taught(Blackboard("水的循环", "四年级 · 科学", ("蒸发、凝结、降水", "水从哪里来，到哪里去？"),
                      _WATER), "primary", "g4", "science", ("水循环",)),
    Taught(Blackboard("光的折射", "八年级 · 物理", ("入射角 i，折射角 r", "筷子为什么“折断”了？"),
                      _LIGHT, "#c0392b"), "junior", "g8", "physics", ("折射",)),
    Taught(Blackboard("分数的初步认识", "三年级 · 数学", ("把整体平均分成 4 份", "每份是它的 ¼"),
                      _PARTS), "primary", "g3", "mathematics", ("分数",)),
    Taught(Blackboard("《望岳》", "七年级 · 语文", ("会当凌绝顶，", "一览众山小。"),
                      _MOUNTAIN, "#1e8449"), "junior", "g7", "chinese", ("古诗",)),
    Taught(Blackboard("细胞的结构", "七年级 · 生物", ("细胞膜、细胞质、细胞核", "用显微镜观察"),
                      _CELL, "#1e8449"), "junior", "g7", "biology", ("细胞",)),
    Taught(Blackboard("声音的产生与传播", "八年级 · 物理", ("振动产生声音", "频率决定音高"),
                      _WAVE), "junior", "g8", "physics", ("声音", "频率")),
    Taught(Blackboard("轴对称图形", "三年级 · 数学", ("沿一条直线对折", "两边完全重合"),
                      _BUTTERFLY), "primary", "g3", "mathematics", ("轴对称",)),
    Taught(Blackboard("勾股定理的证明", "八年级 · 数学", ("a² + b² = c²", "面积法：拼一拼，算一算"),
                      _PYTHAGORAS), "junior", "g8", "mathematics", ("勾股定理", "面积法")),
)  # fmt: skip
LESSON = Blackboard(
    "生活中的对称", "三年级 · 数学", ("什么是轴对称图形？", "在教室里找一找，折一折"),
    _BUTTERFLY, "#7fd1ae", "#1f3d35", "#f3f7f1",
)  # fmt: skip
LISTENING = Blackboard(
    "我找到了！", "三年级 2 班 · 李想", ("圆有无数条对称轴",),
    '<circle cx="50" cy="50" r="36" fill="#b9770e33" stroke="#b9770e"/>'
    '<path d="M50 6V94M6 50H94M18 18L82 82M82 18L18 82" stroke="#c0392b" stroke-dasharray="12 9"/>',
    "#b9770e",
)  # fmt: skip
