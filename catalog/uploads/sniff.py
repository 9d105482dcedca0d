"""What a file's first bytes say before a minute of upload is spent on it. Pure.

Only what is surely no recording is refused: documents, archives, pictures, programs, playlists,
text. Everything else goes on to the probe, which opens it properly in its sandbox: a wrong guess
here must never refuse a teacher's video.
"""

from __future__ import annotations

from catalog.errors import Invalid

HEAD_BYTES = 4096
LEAST_TEXT_BYTES = 16

_DOCUMENT = "a document, not a video: export it as a video (in PowerPoint: File, Export, Video)"
_ARCHIVE = "an archive or office document, not a video: unpack or export it and upload the video"
_PICTURE = "a picture, not a video"
_PROGRAM = "a program, not a video"
_KNOWN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", _DOCUMENT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _DOCUMENT),
    (b"{\\rtf", _DOCUMENT),
    (b"PK\x03\x04", _ARCHIVE),
    (b"Rar!\x1a\x07", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (b"\x1f\x8b\x08", _ARCHIVE),
    (b"\x89PNG\r\n\x1a\n", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
    (b"GIF8", _PICTURE),
    (b"\x7fELF", _PROGRAM),
    (b"MZ", _PROGRAM),
)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\v\x1b\x08")


def require_media(head: bytes, whole: bool) -> None:
    """Raises: Invalid when a file that begins so is surely no video or sound recording.

    whole says that head is all of the file.
    """
    for beginning, what in _KNOWN:
        if head.startswith(beginning):
            raise Invalid(f"this file is {what}")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        raise Invalid(f"this file is {_PICTURE}")
    if _is_text(head, whole):
        raise Invalid("this file is text, not a video: choose the video file itself")


def _is_text(head: bytes, whole: bool) -> bool:
    if len(head) < LEAST_TEXT_BYTES and not whole:
        return False
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and len(head) % 2 == 0:
        return _reads(head, "utf-16", whole)
    if any((byte < 32 and byte not in _TEXT_CONTROLS) or byte == 127 for byte in head):
        return False
    return _reads(head, "utf-8", whole) or _reads(head, "gb18030", whole)


def _reads(head: bytes, encoding: str, whole: bool) -> bool:
    """Tell whether head is text; a character that the cut goes through does not count."""
    for cut in range(1 if whole else 4):
        try:
            head[: len(head) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False
