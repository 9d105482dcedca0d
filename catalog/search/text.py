"""Text as search sees it: folded, cut into pieces, Han runs into overlapping pairs. Pure.

Folding is the same for stored text and for queries and works character by character (NFKC, lower
case, traditional to simplified), so a part of a text folds to a part of the folded text: that is
what makes a phrase of pairs find exactly what a substring search would. Phrase tables of OpenCC
are left out for that reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from catalog.search.tables import SIMPLIFIED

LATIN_LIMIT_CHARS = 40
HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_PIECE = re.compile(f"[{HAN}]+|[^\\W_{HAN}]+")
_IS_HAN = re.compile(f"[{HAN}]")


def fold(text: str) -> str:
    """Give the form in which equal texts are equal: width, case, traditional characters."""
    return unicodedata.normalize("NFKC", text).lower().translate(SIMPLIFIED)


def is_han(piece: str) -> bool:
    """Tell whether a piece is a run of Han characters (a piece is never mixed)."""
    return _IS_HAN.match(piece) is not None


def pieces(folded: str) -> list[str]:
    """Cut folded text into runs of Han and runs of other letters and digits."""
    return _PIECE.findall(folded)


def pairs(run: str) -> list[str]:
    """Give the overlapping pairs of a Han run, a single character as itself."""
    if len(run) == 1:
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]


def tokens(folded: str) -> list[str]:
    """Give what is indexed for a text: pairs and the last character of each run, words whole.

    The last character stands alone so that every character begins some token, and so that pairs of
    neighbouring runs never form a phrase.
    """
    found: list[str] = []
    for piece in pieces(folded):
        if is_han(piece):
            found += [piece[i : i + 2] for i in range(len(piece) - 1)]
            found.append(piece[-1])
        else:
            found.append(piece[:LATIN_LIMIT_CHARS])
    return found


def characters(folded: str) -> str:
    """Give each Han character of a text once, separated by blanks."""
    return " ".join(dict.fromkeys(_IS_HAN.findall(folded)))


def joined(values: Iterable[str]) -> str:
    """Fold several values into one text whose parts do not touch."""
    return fold("\n".join(value for value in values if value))
