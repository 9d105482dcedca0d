"""Text as search sees it: folded, cut into pieces, Han runs into overlapping pairs. Pure.

Folding is the same for stored text and for queries and works character by character (NFKC, lower
case, traditional to simplified), so a part of a text folds to a part of the folded text: that is
what makes a phrase of pairs find exactly what a substring search would. Phrase tables of OpenCC
are left out for that reason.
"""

from __future__ import annotations

import re
import unicodedata
from operator import add

from catalog.search.tables import SIMPLIFIED

LATIN_LIMIT_CHARS = 40
HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_PIECE = re.compile(f"[{HAN}]+|[^\\W_{HAN}]+")
_NOT_HAN = re.compile(f"[^{HAN}]+")


def fold(text: str) -> str:
    """Give the form in which equal texts are equal: width, case, traditional characters."""
    return unicodedata.normalize("NFKC", text).lower().translate(SIMPLIFIED)


def is_han(piece: str) -> bool:
    """Tell whether a piece is a run of Han characters (a piece is never mixed)."""
    first = piece[0]
    return "\u3400" <= first <= "\u9fff" or first >= "\U00020000" or first in "\u3005\u3007"


def pieces(folded: str) -> list[str]:
    """Cut folded text into runs of Han and runs of other letters and digits."""
    return _PIECE.findall(folded)


def pairs(run: str) -> list[str]:
    """Give the overlapping pairs of a Han run, a single character as itself."""
    return list(map(add, run, run[1:])) or [run]


def tokens(folded: str) -> list[str]:
    """Give what is indexed for a text: pairs and the last character of each run, words whole.

    The last character stands alone so that every character begins some token, and so that pairs of
    neighbouring runs never form a phrase.
    """
    found: list[str] = []
    for piece in pieces(folded):
        if is_han(piece):
            found += map(add, piece, piece[1:])
            found.append(piece[-1])
        else:
            found.append(piece[:LATIN_LIMIT_CHARS])
    return found


def characters(folded: str) -> str:
    """Give each Han character of a text once, separated by blanks."""
    return " ".join(set(_NOT_HAN.sub("", folded)))


def han(folded: str) -> str:
    """Give only the Han characters of a text."""
    return _NOT_HAN.sub("", folded)
