"""The fixed words of the field."""

from __future__ import annotations

import pytest

from catalog.errors import Invalid
from catalog.people import Role
from catalog.words import ALL, EDITIONS, GRADES, ROLES, STAGES, SUBJECTS, Vocabulary, fold


@pytest.mark.parametrize(
    ("vocabulary", "text", "value"),
    [
        (SUBJECTS, "物理", "physics"),
        (SUBJECTS, "physics", "physics"),
        (SUBJECTS, "ＰＨＹＳＩＣＳ", "physics"),
        (SUBJECTS, " 道德与 法治 ", "politics"),
        (SUBJECTS, "PE", "sport"),
        (GRADES, "八年级", "g8"),
        (GRADES, "初二", "g8"),
        (GRADES, "8", "g8"),
        (GRADES, "Grade 8", "g8"),
        (GRADES, "高一", "g10"),
        (GRADES, "高中一年级", "g10"),
        (GRADES, "小学三年级", "g3"),
        (STAGES, "初中", "junior"),
        (EDITIONS, "部编版", "unified"),
        (EDITIONS, "人教", "pep"),
        (EDITIONS, "", ""),
        (EDITIONS, "  ", ""),
    ],
)
def test_every_spelling_finds_its_word(vocabulary: Vocabulary, text: str, value: str) -> None:
    assert vocabulary.value_of(text) == value


def test_an_unknown_word_is_told_with_what_there_is() -> None:
    with pytest.raises(Invalid, match=r"炼金术.*语文") as caught:
        SUBJECTS.value_of("炼金术")
    assert set(caught.value.fields) == {"subject"}


@pytest.mark.parametrize("vocabulary", ALL.values(), ids=ALL)
def test_no_spelling_means_two_words(vocabulary: Vocabulary) -> None:
    spellings = [
        fold(spelling)
        for word in vocabulary
        for spelling in {fold(s) for s in (word.value, word.label, *word.aliases)}
    ]
    assert len(spellings) == len(set(spellings))


def test_labels_come_from_values_and_strange_values_stay() -> None:
    assert SUBJECTS.label_of("physics") == "物理"
    assert SUBJECTS.label_of("alchemy") == "alchemy"


def test_every_role_has_a_label() -> None:
    assert {word.value for word in ROLES} == {role.value for role in Role}
