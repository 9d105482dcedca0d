"""Pinyin of Chinese text and the reading of typed letters as pinyin. Pure but for its tables.

A title gives its syllables (wu li) and its first letters (w l). Typed letters are cut into whole
syllables, the last of which may be unfinished; letters that cannot be cut stand for first letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add

from catalog.search.tables import beginnings, pair_readings, spoken, syllables
from catalog.search.text import han

LONGEST_SYLLABLE = 6
LETTERS_LIMIT = 60
CUTS_LIMIT = 6


def syllables_of(folded: str) -> list[str]:
    """Read the Han characters of a folded text, one syllable each."""
    row = han(folded)
    special = pair_readings()
    usual = row.translate(spoken()).split()
    odd = special.keys() & set(map(add, row, row[1:]))
    if odd and len(usual) == len(row):
        for i in range(len(row) - 1):
            if row[i : i + 2] in odd:
                usual[i : i + 2] = special[row[i : i + 2]]
    return usual


def syllable_pairs(read: Sequence[str]) -> list[str]:
    """Give neighbouring syllables as tokens and the last one alone: `wu'li`, `li'`.

    A syllable alone is in most titles; two together are as rare as two characters.
    """
    return [f"{a}'{b}" for a, b in zip(read, [*read[1:], ""], strict=False)]


def letter_pairs(letters: str) -> list[str]:
    """Give the overlapping pairs of first letters, as they are indexed and asked for."""
    return list(map(add, letters, letters[1:]))


def initials_of(read: list[str]) -> list[str]:
    """Give the pairs of first letters of a row of syllables."""
    return letter_pairs("".join([s[0] for s in read]))


def cuts(letters: str) -> list[tuple[str, ...]]:
    """Cut typed letters into syllables, the fewest first; the last may be the start of one.

    `xian` gives (xian,) and (xi, an); `wul` gives (wu, l); unreadable letters give nothing.
    """
    if len(letters) > LETTERS_LIMIT:
        return []
    ends = _steps(letters)
    found: list[tuple[str, ...]] = []
    rows: list[tuple[str, ...]] = [()]
    while rows and len(found) < CUTS_LIMIT:
        row = rows.pop()
        at = sum(map(len, row))
        if at == len(letters):
            found.append(row)
        rows += [(*row, letters[at:end]) for end in ends.get(at, ())]
    return sorted(found, key=lambda row: (not readable(row), len(row)))


def readable(cut: tuple[str, ...]) -> bool:
    """Tell whether every part of a cut is a whole syllable."""
    return all(part in syllables() for part in cut)


def _steps(letters: str) -> dict[int, list[int]]:
    """From each place, where the next syllable may end so that the rest can still be read."""
    length = len(letters)
    whole, begun = syllables(), beginnings()
    ends: dict[int, list[int]] = {}
    for at in range(length - 1, -1, -1):
        found = [
            end
            for end in range(at + 1, min(at + LONGEST_SYLLABLE, length) + 1)
            if (end == length and at > 0 and letters[at:] in begun)
            or (letters[at:end] in whole and (end == length or end in ends))
        ]
        if found:
            ends[at] = found
    return ends
