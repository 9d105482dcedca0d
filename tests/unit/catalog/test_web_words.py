"""The pages' vocabulary is the catalogue's: same values in the same order, same Chinese labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from catalog import words

I18N = Path(__file__).parents[3] / "catalog/web/src/i18n"
KINDS = {
    "stage": words.STAGES,
    "grade": words.GRADES,
    "subject": words.SUBJECTS,
    "edition": words.EDITIONS,
    "visibility": words.VISIBILITIES,
    "role": words.ROLES,
    "setting": words.SETTINGS,
}


def texts(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((I18N / f"{language}.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_chinese_labels_are_the_catalogue_s(kind: str) -> None:
    expected = {word.value: word.label for word in KINDS[kind]}
    assert list(texts("zh-CN")["vocabulary"][kind].items()) == list(expected.items())


@pytest.mark.parametrize("kind", KINDS)
def test_english_has_a_label_for_every_value(kind: str) -> None:
    assert list(texts("en")["vocabulary"][kind]) == [word.value for word in KINDS[kind]]
