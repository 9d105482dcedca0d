"""Subtitles: WebVTT or SRT in, clean WebVTT and plain text out. Pure.

Written here rather than taken from a library because files come from anywhere: the reader is
strict and bounded, and what it gives is built anew from times and text. Styles, scripts, regions,
foreign markup and settings never come through; only <i>, <b>, <u>, <ruby>, <rt> and <v Name> do.

Spec: W3C WebVTT 4 and 6; SubRip as players read it. Encodings: UTF-8, UTF-16 with a byte order
mark, GB18030.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catalog.errors import Invalid
from catalog.text import is_plain

LIMIT_BYTES = 2 * 1024 * 1024
CUES_LIMIT = 20_000
CUE_LIMIT_CHARS = 1000
LANGUAGES_LIMIT = 20
LABEL_LIMIT_CHARS = 60

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s+(.*))?")
_NO_CUE = re.compile(r"(?:NOTE|STYLE|REGION|WEBVTT)\b")
_TAG = re.compile(r"<(/?)([A-Za-z]{1,8}|\d\d[\d:.]{4,12})([^<>]{0,200})>")
_OVERRIDE = re.compile(r"\{\\[^{}]{0,100}\}")
_ENTITY = re.compile(r"&(amp|lt|gt|nbsp|lrm|rlm|quot|apos|#39|#34);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "nbsp": " ", "lrm": "", "rlm": "",
             "quot": '"', "apos": "'", "#39": "'", "#34": '"'}  # fmt: skip
_KEPT_TAGS = frozenset({"i", "b", "u", "ruby", "rt", "v"})
_SETTING = re.compile(
    r"(?:align:(?:start|center|end|left|right)|vertical:(?:rl|lr)|line:-?\d{1,3}%?"
    r"|(?:position|size):\d{1,3}(?:\.\d{1,2})?%)"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_LABELS = {"zh": "中文", "zh-hans": "简体中文", "zh-cn": "简体中文", "zh-hant": "繁體中文",
           "zh-tw": "繁體中文", "en": "English", "ja": "日本語", "ko": "한국어", "ru": "Русский",
           "fr": "Français", "de": "Deutsch", "es": "Español", "kk": "Қазақша"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cue:
    """A line on the screen. markup is clean WebVTT cue text, plain the words alone."""

    start_ms: int
    end_ms: int
    settings: str
    markup: str
    plain: str


def read_cues(raw: bytes) -> list[Cue]:
    """Read a file of either format, ordered by time. Raises: Invalid with line and reason."""
    if len(raw) > LIMIT_BYTES:
        raise Invalid(f"the subtitles are larger than {LIMIT_BYTES >> 20} MiB")
    lines = _decode(raw).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cues: list[Cue] = []
    for number, block in _blocks(lines):
        cue = _cue(number, block)
        if cue is not None:
            cues.append(cue)
        if len(cues) > CUES_LIMIT:
            raise Invalid(f"the subtitles have more than {CUES_LIMIT} lines")
    if not cues:
        raise Invalid("no subtitle was found: is this a WebVTT or SRT file?")
    return sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms))


def write_webvtt(cues: Iterable[Cue]) -> str:
    """Write cues as WebVTT."""
    parts = ["WEBVTT\n"]
    for cue in cues:
        settings = f" {cue.settings}" if cue.settings else ""
        parts.append(f"{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}{settings}\n{cue.markup}\n")
    return "\n".join(parts)


def transcript(cues: Iterable[Cue]) -> str:
    """Give the spoken text for search; a line that is repeated at once counts once."""
    spoken: list[str] = []
    for cue in cues:
        if not spoken or spoken[-1] != cue.plain:
            spoken.append(cue.plain)
    return "\n".join(spoken)


def clean_language(text: str) -> str:
    """Give a language tag in its usual case (zh-Hans, en-GB). Raises: Invalid."""
    if not _LANGUAGE.fullmatch(text):
        raise Invalid(f"{text[:20]!r} is no language tag such as zh-Hans or en",
                      {"language": "must be a tag such as zh-Hans or en"})  # fmt: skip
    first, *rest = text.lower().split("-")
    cased = (p.title() if len(p) == 4 else p.upper() if len(p) == 2 else p for p in rest)
    return "-".join((first, *cased))


def usual_label(language: str) -> str:
    """Give what speakers call a language; the tag itself for the less usual."""
    return _LABELS.get(language.lower()) or _LABELS.get(language.split("-")[0]) or language


def _decode(raw: bytes) -> str:
    encoding = next((name for bom, name in _BOMS if raw.startswith(bom)), "")
    for candidate in [encoding] if encoding else ["utf-8", "gb18030"]:
        try:
            text = raw.decode(candidate)
        except UnicodeDecodeError:
            continue
        return text
    raise Invalid("the subtitles are in no known encoding: save them as UTF-8")


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Give runs of lines without an empty one, with the number of their first line."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _cue(number: int, block: list[str]) -> Cue | None:
    """Read a block; None for headers, comments, styles and cues that show nothing."""
    at = next((index for index, line in enumerate(block[:2]) if "-->" in line), None)
    if at is None or _NO_CUE.match(block[0]):
        return None
    found = _TIMING.fullmatch(block[at])
    if found is None:
        raise Invalid(f"line {number + at}: not a time such as 00:01:02.500 --> 00:01:04.000")
    start_ms, end_ms = _milliseconds(found.groups()[:4]), _milliseconds(found.groups()[4:8])
    text = "\n".join(line.strip() for line in block[at + 1 :])
    if len(text) > CUE_LIMIT_CHARS:
        raise Invalid(f"line {number + at}: a subtitle of more than {CUE_LIMIT_CHARS} characters")
    if not is_plain(text, allowed="\n\t"):
        raise Invalid(f"line {number + at}: control characters: take them out")
    markup, plain = _clean(text)
    if end_ms <= start_ms or not plain.strip():
        return None
    return Cue(start_ms, end_ms, _settings(found[9] or ""), markup, plain)


def _milliseconds(parts: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, fraction = parts
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole * 1000 + int((fraction or "0").ljust(3, "0"))


def _clock(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"


def _settings(text: str) -> str:
    return " ".join(item for item in text.split()[:8] if _SETTING.fullmatch(item))


def _clean(text: str) -> tuple[str, str]:
    """Give the text as clean markup and as plain words."""
    markup: list[str] = []
    plain: list[str] = []
    opened: list[str] = []
    end = 0
    text = _OVERRIDE.sub("", text)
    for found in _TAG.finditer(text):
        _words(text[end : found.start()], markup, plain)
        markup.append(_tag(found, opened))
        end = found.end()
    _words(text[end:], markup, plain)
    markup.extend(f"</{name}>" for name in reversed(opened))
    return "".join(markup), "".join(plain)


def _words(text: str, markup: list[str], plain: list[str]) -> None:
    words = _ENTITY.sub(lambda found: _ENTITIES[found[1]], text)
    plain.append(words)
    markup.append(words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _tag(found: re.Match[str], opened: list[str]) -> str:
    """Give a tag anew when it is one of the kept and nests; else nothing."""
    closing, name, rest = found[1], found[2].lower(), found[3]
    if name not in _KEPT_TAGS:
        return ""
    if closing:
        if not opened or opened[-1] != name:
            return ""
        opened.pop()
        return f"</{name}>"
    opened.append(name)
    voice = re.sub(r"[&\s]+", " ", rest).strip() if name == "v" else ""
    return f"<{name} {voice}>" if voice else f"<{name}>"
