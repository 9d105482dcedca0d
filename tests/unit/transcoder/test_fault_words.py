"""Every fault of a source has words on the pages, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from transcoder.dispatch import LOST_CODE
from transcoder.errors import Fault

OUTAGES = {"store_full", "store_away", "database_away"}
I18N = Path(__file__).parents[3] / "catalog/web/src/i18n"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_faults_are_told_in_plain_words(language: str) -> None:
    told = json.loads((I18N / f"{language}.json").read_text("utf-8"))["lessonError"]
    codes = {fault.value for fault in Fault} | {LOST_CODE} | OUTAGES
    assert codes <= set(told)
    assert {"other", "cancelled"} | codes == set(told)
