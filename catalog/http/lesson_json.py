"""Lessons as JSON: the card of lists and the full lesson, from database records and the asker.

Addresses of media are relative to the service; those of lessons that are not public carry a
playback token, made by the function that the composition root gives (catalog/tokens.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from catalog.db.lessons import LessonRecord, RenditionRow, SubtitleName
from catalog.lesson import PLAYING
from catalog.media import Media
from catalog.people import Viewer, may_edit
from catalog.watching import LessonError, StateWord

TokenFor = Callable[[str], str]
MediaWord = Annotated[
    str, msgspec.Meta(extra_json_schema={"enum": [media.value for media in Media]})
]


class Named(msgspec.Struct):
    """Something of the registry by id and name."""

    id: str
    name: str


class Titled(msgspec.Struct):
    """Another lesson by id and title."""

    id: str
    title: str


class LessonCard(msgspec.Struct, kw_only=True):
    """A lesson in a list."""

    id: str
    title: str
    stage: str
    grade: str
    subject: str
    edition: str
    chapter: str
    series: Named | None
    teacher: str
    school: Named | None
    tags: list[str]
    knowledge_points: list[str]
    visibility: str
    state: StateWord
    progress: float
    eta_s: float | None
    error: LessonError | None
    duration_s: float | None
    content_kind: str
    plays: int
    created_at: datetime
    published_at: datetime | None
    poster_url: str | None
    thumbnails_url: str | None
    can_edit: bool


class Rendition(msgspec.Struct):
    """One encoding that can be played."""

    id: str
    name: str
    media: MediaWord
    codecs: str
    width_px: int | None
    height_px: int | None
    bandwidth_bps: int
    average_bandwidth_bps: int


class SubtitleUrl(msgspec.Struct):
    """Subtitles in one language."""

    language: str
    label: str
    url: str


class LessonUrls(msgspec.Struct):
    """Where to play; null while there is nothing."""

    hls: str | None
    dash: str | None
    poster: str | None
    thumbnails: str | None
    chapters: str | None
    subtitles: list[SubtitleUrl]


class Lesson(LessonCard, kw_only=True):
    """A lesson on its own page."""

    description: str
    position: int | None
    teacher_id: str | None
    owner_id: str | None
    version: int
    generation: int
    renditions: list[Rendition]
    urls: LessonUrls
    next: Titled | None


def card(record: LessonRecord, viewer: Viewer, token_for: TokenFor) -> LessonCard:
    """Give the card of a lesson as this person sees it."""
    return LessonCard(**_card_fields(record, viewer, token_for))


def lesson(
    record: LessonRecord,
    viewer: Viewer,
    token_for: TokenFor,
    renditions: Sequence[RenditionRow] = (),
    subtitles: Sequence[SubtitleName] = (),
    following: LessonRecord | None = None,
) -> Lesson:
    """Give the whole lesson as this person sees it."""
    place = _Place(record, token_for)
    return Lesson(
        **_card_fields(record, viewer, token_for),
        description=record.description,
        position=record.position,
        teacher_id=record.teacher_id,
        owner_id=record.owner_id,
        version=record.version,
        generation=record.generation,
        renditions=[msgspec.convert(row, Rendition, from_attributes=True) for row in renditions],
        urls=_urls(record, place, subtitles),
        next=Titled(following.id, following.title) if following else None,
    )


def _card_fields(record: LessonRecord, viewer: Viewer, token_for: TokenFor) -> dict[str, Any]:
    place = _Place(record, token_for)
    failed = LessonError(record.error_code, record.error_detail) if record.error_code else None
    return {
        "id": record.id, "title": record.title, "stage": record.stage, "grade": record.grade,
        "subject": record.subject, "edition": record.edition, "chapter": record.chapter,
        "series": _named(record.series_id, record.series_name), "teacher": record.teacher_name,
        "school": _named(record.school_id, record.school_name), "tags": record.tags,
        "knowledge_points": record.knowledge_points, "visibility": record.visibility,
        "state": record.state, "progress": record.progress, "eta_s": record.eta_s,
        "error": failed, "duration_s": record.duration_s, "content_kind": record.content_kind,
        "plays": record.plays, "created_at": record.created_at,
        "published_at": record.published_at,
        "poster_url": place.url("poster.jpg") if record.has_poster else None,
        "thumbnails_url": place.url("thumbnails.vtt") if record.has_thumbnails else None,
        "can_edit": may_edit(viewer, record.place),
    }  # fmt: skip


def _urls(record: LessonRecord, place: _Place, subtitles: Sequence[SubtitleName]) -> LessonUrls:
    plays = record.lesson_state in PLAYING
    return LessonUrls(
        hls=place.url("multivariant.m3u8") if plays else None,
        dash=place.url("manifest.mpd") if plays else None,
        poster=place.url("poster.jpg") if record.has_poster else None,
        thumbnails=place.url("thumbnails.vtt") if record.has_thumbnails else None,
        chapters=place.url("chapters.vtt") if record.has_chapters else None,
        subtitles=[
            SubtitleUrl(s.language, s.label, place.url(f"subtitles/{quote(s.language)}.vtt"))
            for s in subtitles
        ],
    )


class _Place:
    """Makes the addresses below one lesson's media folder; one token serves them all."""

    def __init__(self, record: LessonRecord, token_for: TokenFor) -> None:
        self._id = record.id
        self._public = record.visibility == "public"
        self._token_for = token_for
        self._token = ""

    def url(self, name: str) -> str:
        if self._public:
            return f"/media/{self._id}/{name}"
        self._token = self._token or self._token_for(self._id)
        return f"/media/{self._id}/{name}?token={quote(self._token)}"


def _named(key: str | None, name: str | None) -> Named | None:
    return Named(key, name or "") if key else None
