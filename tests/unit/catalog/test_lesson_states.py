"""The lesson's state table, as far as new versions go."""

from __future__ import annotations

import pytest

from catalog.errors import Conflict
from catalog.lesson import TRANSITIONS, LessonInput, LessonState, step


@pytest.mark.parametrize(
    ("before", "after"),
    [("queued", "queued"), ("transcoding", "queued"), ("failed", "queued"),
     ("playable", "playable"), ("ready", "ready")],
)  # fmt: skip
def test_a_new_version_leaves_what_plays_playing(before: str, after: str) -> None:
    assert step(LessonState(before), LessonInput.SOURCE_STORED) is LessonState(after)


def test_every_other_input_is_refused() -> None:
    for state in LessonState:
        for event in LessonInput:
            if (state, event) not in TRANSITIONS:
                with pytest.raises(Conflict):
                    step(state, event)
