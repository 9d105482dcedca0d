"""The fields of the tantivy index, and a lesson as a document of it.

`all` holds every searchable text and answers what is found and counted; `title` and `topic` (tags,
knowledge points, chapter, teacher, school, series) decide the order. Nothing is stored: a lesson's
identifier is put together again from two numbers. Change VERSION with anything that is indexed.
"""

from __future__ import annotations

from functools import cache, lru_cache
from hashlib import blake2b
from typing import NamedTuple

import tantivy

from catalog.search.pinyin import initials_of, syllable_pairs, syllables_of
from catalog.search.port import Entry
from catalog.search.query import whole
from catalog.search.tables import readings, syllables
from catalog.search.text import characters, fold, han, tokens

VERSION = 3
HINTS_LIMIT = 24
HINT_LIMIT_CHARS = 40
LOW_BITS = 37
DAY_SHIFT = 41
MARK = "\x1f"
# Facets by column: pairs that are filtered together most, so that one pass counts two of them.
COLUMNS = {
    "level": ("stage", "grade"),
    "matter": ("subject", "edition"),
    "series": ("series",),
    "school": ("school",),
}
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_TITLE_KEY_CHARS = 7
_TITLE_KEY_BITS = 9


def make_schema() -> tantivy.Schema:
    """Declare the fields."""
    builder = tantivy.SchemaBuilder()
    for name in ("title", "topic", "all", "py", "pya", "ini", "inia"):
        builder.add_text_field(name, tokenizer_name="blanks", index_option="position")
    builder.add_text_field("one", tokenizer_name="blanks", index_option="basic")
    for name in ("id", "keys", "hint", "cityhint"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in COLUMNS:
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("high", "low", "plays", "name"):
        builder.add_integer_field(name, fast=True)
    builder.add_integer_field("exact", indexed=True)
    return builder.build()


def register(index: tantivy.Index) -> None:
    """Make the tokenizer known; tantivy forgets it whenever an index is opened."""
    blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("blanks", blanks)


def key_of(lesson: str) -> tuple[int, int]:
    """Give an identifier as two numbers; their order is the order in which lessons were made."""
    value = 0
    for letter in lesson:
        value = value << 5 | _VALUES[letter]
    return value >> LOW_BITS, value & ((1 << LOW_BITS) - 1)


def id_of(key: tuple[int, int]) -> str:
    """Give the identifier of two numbers."""
    value = key[0] << LOW_BITS | key[1]
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(95, -1, -5))


def day_of(high: int) -> str:
    """Name the stretch of 18.6 hours in which a lesson was made, as it stands in `keys`."""
    return f"day:{high >> DAY_SHIFT}"


def exact_of(title: str) -> int:
    """Give the number under which a whole title is found."""
    return int.from_bytes(blake2b(title.encode(), digest_size=8).digest()) >> 1


def title_key(folded: str) -> int:
    """Order titles by the pinyin of their first seven characters, digits and Latin before."""
    key = 0
    for letter in whole(folded)[:_TITLE_KEY_CHARS].ljust(_TITLE_KEY_CHARS):
        key = key << _TITLE_KEY_BITS | _rank(letter)
    return key


@lru_cache(maxsize=30_000)
def _rank(letter: str) -> int:
    if letter == " ":
        return 0
    ranks = _ranks()
    return ranks.get(letter) or ranks.get(readings().get(letter, ""), len(ranks) + 1)


@cache
def _ranks() -> dict[str, int]:
    singles = "0123456789abcdefghijklmnopqrstuvwxyz"
    names = [*singles, *sorted(syllables() - set(singles))]
    return {name: rank for rank, name in enumerate(names, 1)}


def document(entry: Entry) -> tantivy.Document:
    """Give a lesson as it is written."""
    title = fold(entry.title)
    words = tokens(title)
    read = syllables_of(title)
    named = (*entry.tags, *entry.knowledge_points, entry.chapter, entry.teacher, entry.school,
             entry.series)  # fmt: skip
    topic = [_topic(text) for text in named if text]
    topic_words = " ".join([part.words for part in topic])
    rest = fold(f"{entry.description}\n{entry.transcript}")
    high, low = key_of(entry.id)
    hints = _hints(entry) if entry.public or entry.city else []
    return tantivy.Document(
        id=[entry.id], title=[" ".join(words)], topic=[topic_words],
        all=[" ".join([*words, topic_words, *tokens(rest)])],
        one=[characters("".join([title, rest, *(part.characters for part in topic)]))],
        py=[" ".join(syllable_pairs(read))], pya=[" ".join([part.syllables for part in topic])],
        ini=[" ".join(initials_of(read))], inia=[" ".join([part.initials for part in topic])],
        keys=[*_keys(entry), day_of(high)],
        level=[f"{entry.stage}{MARK}{entry.grade}"],
        matter=[f"{entry.subject}{MARK}{entry.edition}"],
        series=[entry.series_id], school=[entry.school_id], high=[high], low=[low],
        plays=[entry.plays], name=[title_key(title)], exact=[exact_of(whole(title))],
        **({"hint" if entry.public else "cityhint": hints} if hints else {}),
    )  # fmt: skip


class _Topic(NamedTuple):
    words: str
    characters: str
    syllables: str
    initials: str


@lru_cache(maxsize=20_000)
def _topic(text: str) -> _Topic:
    """Cut a tag, a teacher's name, a school: the same ones come again and again."""
    folded = fold(text)
    read = syllables_of(folded)
    return _Topic(" ".join(tokens(folded)), han(folded), " ".join(syllable_pairs(read)),
                  " ".join(initials_of(read)))  # fmt: skip


def _keys(entry: Entry) -> list[str]:
    named = {"stage": entry.stage, "grade": entry.grade, "subject": entry.subject,
             "edition": entry.edition, "series": entry.series_id, "school": entry.school_id,
             "teacher": entry.teacher_id}  # fmt: skip
    return [*entry.words, *(f"{kind}:{value}" for kind, value in named.items() if value)]


def _hints(entry: Entry) -> list[str]:
    named = [*((tag, "tag") for tag in entry.tags), (entry.teacher, "teacher"),
             *((point, "point") for point in entry.knowledge_points),
             (entry.series, "series")]  # fmt: skip
    return [term for text, kind in named[:HINTS_LIMIT] if text for term in _hint_terms(text, kind)]


@lru_cache(maxsize=50_000)
def _hint_terms(text: str, kind: str) -> tuple[str, ...]:
    """Give the terms under which a word completes: by its folded text, pinyin, first letters."""
    shown = text[:HINT_LIMIT_CHARS]
    folded = fold(shown)
    read = syllables_of(folded)
    begins = {whole(folded), "".join(read), "".join(s[0] for s in read)} - {""}
    return tuple(f"{begin}{MARK}{kind}{MARK}{shown}" for begin in begins)
