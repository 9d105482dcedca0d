"""Character tables that search needs, read once a process from the packages that bring them.

OpenCC's traditional characters, for str.translate, and pypinyin's readings. Building the readings
takes about half a second, so their first caller must not be the event loop.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

import opencc

_TONED_V = str.maketrans({"ü": "v", "ǖ": "v", "ǘ": "v", "ǚ": "v", "ǜ": "v"})


def _traditional() -> dict[int, str]:
    table = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    found: dict[int, str] = {}
    for line in table.read_text("utf-8").splitlines():
        traditional, _, choices = line.partition("\t")
        first = choices.split(" ")[0]
        if len(traditional) == 1 and len(first) == 1:
            found[ord(traditional)] = first
    return found


# Read at import: queries are folded on the event loop, where nothing may read a file.
SIMPLIFIED = _traditional()


@cache
def readings() -> dict[str, str]:
    """Map each Han character to its most usual syllable, without tone, ü as v."""
    from pypinyin.pinyin_dict import pinyin_dict

    return {chr(code): _plain(marked.split(",")[0]) for code, marked in pinyin_dict.items()}


@cache
def spoken() -> dict[int, str]:
    """Map each character to its syllable and a blank, for str.translate."""
    return {ord(character): f"{syllable} " for character, syllable in readings().items()}


@cache
def pair_readings() -> dict[str, tuple[str, str]]:
    """Map pairs read otherwise than their characters alone (音乐, 重力) to their syllables."""
    from pypinyin.phrases_dict import phrases_dict

    usual = readings()
    found: dict[str, tuple[str, str]] = {}
    for phrase, marked in phrases_dict.items():
        if len(phrase) == 2 and len(marked) == 2:
            read = (_plain(marked[0][0]), _plain(marked[1][0]))
            if read != (usual.get(phrase[0]), usual.get(phrase[1])):
                found[phrase] = read
    return found


@cache
def syllables() -> frozenset[str]:
    """Give every syllable that some character is read as (those with a vowel: not n, m, hng)."""
    return frozenset(s for s in readings().values() if re.fullmatch("[a-z]*[aeiouv][a-z]*", s))


@cache
def beginnings() -> frozenset[str]:
    """Give every beginning of a syllable, whole ones included."""
    return frozenset(s[:i] for s in syllables() for i in range(1, len(s) + 1))


def _plain(marked: str) -> str:
    bare = unicodedata.normalize("NFD", marked.translate(_TONED_V))
    return "".join(c for c in bare if not unicodedata.combining(c))
