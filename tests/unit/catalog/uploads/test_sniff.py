"""First bytes: what is surely no recording is refused, everything else goes on."""

from __future__ import annotations

import pytest

from catalog.errors import Invalid
from catalog.uploads.sniff import HEAD_BYTES, require_media

MEDIA = [
    b"\x00\x00\x00\x20ftypisom" + b"\x00" * 40,
    b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat",
    b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01",
    b"RIFF\x10\x00\x00\x00AVI LIST",
    b"RIFF\x10\x00\x00\x00WAVEfmt ",
    b"FLV\x01\x05\x00\x00\x00\x09",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    b"OggS\x00\x02\x00\x00",
    b"ID3\x04\x00\x00\x00\x00\x00\x00",
    b"\xff\xfb\x90\x44\x00\x00\x00\x00",
    b"fLaC\x00\x00\x00\x22",
    b"\x00\x00\x01\xba\x44\x00\x04\x00",
    b"G" + b"\xff" * 187 + b"G" + b"\x00" * 187,
    b"\x00" * HEAD_BYTES,
    b"",
]
NO_MEDIA = [
    (b"%PDF-1.7\n", "document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 20, "document"),
    (b"PK\x03\x04\x14\x00", "archive"),
    (b"Rar!\x1a\x07\x01\x00", "archive"),
    (b"\x89PNG\r\n\x1a\n\x00", "picture"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "picture"),
    (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "picture"),
    (b"MZ\x90\x00\x03", "program"),
    (b"\x7fELF\x02\x01\x01", "program"),
    (b"#EXTM3U\n#EXT-X-VERSION:3\n/etc/passwd\n", "text"),
    (b"ffconcat version 1.0\nfile /etc/passwd\n", "text"),
    ("今天的课我们学习分数的意义。".encode(), "text"),
    ("今天的课我们学习分数的意义。".encode("gb18030"), "text"),
    ("今天的课我们学习分数的意义。".encode("utf-16"), "text"),
    (b"<!doctype html><script>alert(1)</script>", "text"),
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
