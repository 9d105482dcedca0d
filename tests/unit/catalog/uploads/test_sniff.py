"""First bytes: what is surely no recording is refused, everything else goes on.

The cases are shared with the upload page, which says the same before anything is sent.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catalog.errors import Invalid
from catalog.uploads.sniff import HEAD_BYTES, require_media

CORPUS = Path(__file__).parents[3] / "corpus/uploads/first_bytes.json"
CASES = json.loads(CORPUS.read_text("utf-8"))
MEDIA = [
    *(pytest.param(bytes.fromhex(case["head"]), id=case["name"]) for case in CASES["recordings"]),
    pytest.param(b"\x00" * HEAD_BYTES, id="a whole head of zeros"),
    pytest.param(b"", id="nothing yet"),
]
NO_MEDIA = [
    pytest.param(bytes.fromhex(case["head"]), case["what"], id=case["name"])
    for case in CASES["refused"]
]


@pytest.mark.parametrize("head", MEDIA)
def test_recordings_and_the_unknown_go_on(head: bytes) -> None:
    require_media(head, whole=False)


@pytest.mark.parametrize(("head", "what"), NO_MEDIA)
@pytest.mark.parametrize("whole", [True, False])
def test_what_is_no_recording_is_refused(head: bytes, what: str, whole: bool) -> None:
    with pytest.raises(Invalid, match=what):
        require_media(head, whole)


@pytest.mark.parametrize("cut", range(4))
def test_text_whose_last_character_is_cut_is_text(cut: int) -> None:
    text = ("课" * 2000).encode()[: HEAD_BYTES - cut]
    with pytest.raises(Invalid, match="text"):
        require_media(text, whole=False)


def test_a_short_beginning_is_not_judged_before_more_has_come() -> None:
    require_media(b"hello", whole=False)
    with pytest.raises(Invalid, match="text"):
        require_media(b"hello", whole=True)
