"""What a person typed, as a tree that an index can answer. Pure.

Blanks separate words and every word must be found. A word falls into pieces: a Han run of two or
more is a phrase of pairs, one Han character begins a pair, letters may be a word's beginning or
pinyin, anything with a digit is a word's beginning. Quotes keep a phrase together. Punctuation and
control characters separate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.errors import Invalid
from catalog.search.text import LATIN_LIMIT_CHARS, fold, is_han, pairs, pieces, tokens

QUERY_LIMIT_CHARS = 200
WORDS_LIMIT = 12
_PART = re.compile(r'"([^"]*)"|“([^”]*)”|「([^」]*)」|([^\s"“「]+)')
_LETTERS = re.compile("[a-z]+")


@dataclass(frozen=True, slots=True)
class Run:
    """Two or more Han characters that stand together: the pairs as a phrase."""

    pairs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Character:
    """One Han character, anywhere."""

    character: str


@dataclass(frozen=True, slots=True)
class Letters:
    """Latin letters: the beginning of a word, or pinyin, or first letters of pinyin."""

    letters: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """The beginning of a word that is neither Han nor plain letters (5g, co2, русский)."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens one behind the other; of the last only the beginning counts when `open`."""

    tokens: tuple[str, ...]
    open: bool


Node = Run | Character | Letters | Beginning | Phrase


@dataclass(frozen=True, slots=True)
class Query:
    """All `words` must be found; `whole` is the folded text, for titles that are exactly it."""

    words: tuple[Node, ...] = ()
    whole: str = ""


EVERYTHING = Query()


def parse(text: str) -> Query:
    """Read a query; one without anything to look for finds everything.

    Raises: Invalid when it is longer than QUERY_LIMIT_CHARS.
    """
    if len(text) > QUERY_LIMIT_CHARS:
        sentence = f"a query has at most {QUERY_LIMIT_CHARS} characters"
        raise Invalid(sentence, {"q": sentence})
    folded = fold(text)
    words: list[Node] = []
    for found in _PART.finditer(folded):
        quoted = found[1] or found[2] or found[3]
        words += _quoted(quoted) if quoted else map(_node, pieces(found[4] or ""))
    return Query(tuple(dict.fromkeys(words))[:WORDS_LIMIT], whole(folded))


def whole(folded: str) -> str:
    """Give what is left of a folded text without blanks and punctuation."""
    return "".join(pieces(folded))


def _node(piece: str) -> Node:
    if is_han(piece):
        return Run(tuple(pairs(piece))) if len(piece) > 1 else Character(piece)
    short = piece[:LATIN_LIMIT_CHARS]
    return Letters(short) if _LETTERS.fullmatch(short) else Beginning(short)


def _quoted(text: str) -> list[Node]:
    parts = pieces(text)
    if not parts:
        return []
    last = parts[-1]
    if len(parts) == 1 and is_han(last):
        return [_node(last)]
    row = [token for part in parts[:-1] for token in tokens(part)]
    row += pairs(last) if is_han(last) else tokens(last)
    return [Phrase(tuple(row), open=is_han(last) and len(last) == 1)]
