"""The words before the API reference, and a request with real values for the main operations.

Values; deploy/api_reference.py sets them into docs/api.md. A test holds each example to the
description: its path, its parameters, its body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCHOOL, FAR_SCHOOL = "06g3kv7m4t6q2x9c5v7w", "06g3kv7m4t6q2x9c5w1d"
ROOM, FAR_ROOM = "06g3kv8c0n3k7r5z2a4b", "06g3kv8c0n3k7r5z2a6e"
LESSON, SESSION = "06h1nm4t6q2x9c5v7w3k", "06h1pa0p2r4t6v8x1z3b"
PERSON, TERM, DISTRICT = "06g3kw5d8g1j4m7q0s3v", "06g3kw0a2c4e6g8j1m3p", "06g3kv6a9d2f5h8k1n4r"
UPLOAD = "06h1nm3s5v7x9z1b3d5f"
WIDTH_CHARS = 96

FIRST_WORDS: Mapping[str, str] = {
    "Asking": """\
先登录取得令牌，再带着它提问；例子里的 `$SITE` 是您的网址。

Sign in once, then send the token; in the examples `$SITE` is your address. Pages use the cookie
that signing in sets, with `X-CSRF-Token` (the `csrf` of `/api/v1/me`) for whatever changes
something.

    SITE=https://ketang.example.edu.cn
    TOKEN=$(curl -s "$SITE/api/v1/login" -H 'Content-Type: application/json' \\
      -d '{"username": "wangfang", "password": "…"}' | sed -E 's/.*"token":"([^"]+)".*/\\1/')
    curl -s "$SITE/api/v1/me" -H "Authorization: Bearer $TOKEN"

A body holds 256 KiB at most where nothing else is said. `id` in a path is an id; days are the
city's (UTC+8). A field that is not known is refused in most bodies: a slip of the pen is found.""",
    "Lists": """\
列表一页一页给出：把 `next_cursor` 原样放进下一次请求的 `cursor`，直到它为空。

A list comes in pages `{"items": […], "next_cursor": …}`: ask again with that `cursor` until it is
null.

| parameter | type and limits | what |
|---|---|---|
| `q` | text, at most 100 characters | part of a name |
| `cursor` | text, at most 1024 characters | `next_cursor` of the page before |
| `limit` | whole number, 1 to 200; `50` when left out | how many at most |""",
    "Errors": """\
出错时，`detail` 用一句话说明原因和办法，`fields` 逐项指出哪里不合规。

An error is `application/problem+json` (RFC 9457), a [Problem](#problem): `detail` is a sentence
that says what to do, `fields` has one for each field. Every request may be answered 503, and 414
(plain text) where its address is filled in. Operations name the others, their own ones first.""",
}


@dataclass(frozen=True, slots=True)
class Example:
    """One request. `file`: what is sent as it is; `body`: JSON; a query is for GET."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: tuple[str, ...] = ()
    file: str = ""
    options: str = "-s"
    guest: bool = False

    def text(self) -> str:
        """Give the command, as one types it."""
        flags = self.options + ("G" if self.query else "")
        parts = [" ".join(("curl", flags, *self._verb(), f'"$SITE{self.path}"'))]
        parts += [] if self.guest else ['-H "Authorization: Bearer $TOKEN"']
        parts += [f"-H '{header}'" for header in self.headers]
        parts += [f"--data-urlencode '{k}={v}'" for k, v in self.query.items()]
        if self.body is not None:
            parts += ["-H 'Content-Type: application/json'", f"-d '{_json(self.body)}'"]
        parts += [f"--data-binary '@{self.file}'"] if self.file else []
        return _folded(parts)

    def _verb(self) -> list[str]:
        if self.method == "GET" or (self.method == "POST" and self.body is not None):
            return []  # as curl does by itself
        return ["--head"] if self.method == "HEAD" else [f"-X {self.method}"]


def _json(body: Mapping[str, Any]) -> str:
    """Write a body in lines that one can read; white space between fields means nothing."""
    fields = [f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in body.items()]
    lines = [fields[0]]
    for item in fields[1:]:
        if len(lines[-1]) + len(item) < WIDTH_CHARS - 20:
            lines[-1] += f", {item}"
        else:
            lines.append(item)
    return "{" + ",\n    ".join(lines) + "}"


def _folded(parts: Sequence[str]) -> str:
    """Join words to lines that end where a shell takes it."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) < WIDTH_CHARS and "\n" not in part:
            lines[-1] += f" {part}"
        else:
            lines[-1] += " \\"
            lines.append(f"  {part}")
    return "\n".join(lines)


TUS = "Tus-Resumable: 1.0.0"

EXAMPLES: Mapping[str, Example] = {
    "post_login": Example(
        "POST", "/api/v1/login", guest=True,
        body={"username": "wangfang", "password": "correct horse 7"},
    ),
    "get_me": Example("GET", "/api/v1/me"),
    "post_users": Example("POST", "/api/v1/users", body={
        "username": "zhaolei", "name": "赵蕾",
        "affiliations": [{"role": "teacher", "school": SCHOOL}],
    }),
    "post_users_id_affiliations": Example(
        "POST", f"/api/v1/users/{PERSON}/affiliations",
        body={"role": "school", "school": SCHOOL, "since": "2026-09-01"},
    ),
    "get_lessons": Example(
        "GET", "/api/v1/lessons", {"q": "勾股定理", "grade": "g8", "limit": "5"}, guest=True
    ),
    "get_lessons_suggest": Example("GET", "/api/v1/lessons/suggest", {"q": "勾股"}, guest=True),
    "get_lessons_id": Example("GET", f"/api/v1/lessons/{LESSON}"),
    "patch_lessons_id": Example("PATCH", f"/api/v1/lessons/{LESSON}", body={
        "title": "勾股定理的证明", "subject": "数学", "grade": "g8", "visibility": "public",
    }),
    "put_lessons_id_subtitles_language": Example(
        "PUT", f"/api/v1/lessons/{LESSON}/subtitles/zh-Hans", headers=("Content-Type: text/vtt",),
        file="lesson.vtt",
    ),
    "get_events": Example("GET", "/api/v1/events", {"mine": "true"}, options="-sN"),
    "post_uploads": Example(
        "POST", "/api/v1/uploads", options="-si", headers=(
            TUS, "Upload-Length: 104857600",
            "Upload-Metadata: filename Z291Z3UubXA0,title 5Yu+6IKh5a6a55CG,grade Zzg=",
        ),
    ),
    "head_uploads_id": Example("HEAD", f"/api/v1/uploads/{UPLOAD}", headers=(TUS,)),
    "patch_uploads_id": Example(
        "PATCH", f"/api/v1/uploads/{UPLOAD}", options="-si", file="gougu.mp4",
        headers=(TUS, "Upload-Offset: 0", "Content-Type: application/offset+octet-stream"),
    ),
    "get_sessions": Example("GET", "/api/v1/sessions", {"week": "2026-11-23", "mine": "true"}),
    "post_sessions": Example("POST", "/api/v1/sessions", body={
        "title": "生活中的对称", "kind": "sync_class", "main_classroom": ROOM,
        "listening_classrooms": [FAR_ROOM], "grade": "g4", "subject": "mathematics",
        "starts_at": "2026-11-30T10:00:00+08:00", "duration_s": 2400,
    }),
    "get_sessions_id": Example("GET", f"/api/v1/sessions/{SESSION}"),
    "post_sessions_id_end": Example("POST", f"/api/v1/sessions/{SESSION}/end"),
    "post_sessions_id_camera": Example(
        "POST", f"/api/v1/sessions/{SESSION}/camera", body={"url": "rtsp://10.20.3.7/stream1"}
    ),
    "get_sessions_id_attendance": Example(
        "GET", f"/api/v1/sessions/{SESSION}/attendance", {"format": "csv"}
    ),
    "get_classroom_now": Example(
        "GET", "/api/v1/classroom/now", {"seen": "9f2c4b7a1d3e5f60", "wait_s": "30"}
    ),
    "post_terms": Example("POST", "/api/v1/terms", body={
        "name": "2026–2027 学年第一学期", "first_day": "2026-09-01", "weeks": 20,
        "periods": [{"starts": "08:00:00", "duration_s": 2400},
                    {"starts": "08:50:00", "duration_s": 2400}],
        "special_days": [{"day": "2026-10-01"}, {"day": "2026-10-10", "weekday": 5}],
        "school": SCHOOL,
    }),
    "post_timetables": Example("POST", "/api/v1/timetables", body={
        "title": "四年级数学同步课", "kind": "sync_class", "term": TERM, "weekday": 2, "period": 1,
        "first_week": 1, "last_week": 18, "main_classroom": ROOM,
        "listening_classrooms": [FAR_ROOM],
    }),
    "get_schools": Example(
        "GET", "/api/v1/schools", {"q": "海风", "setting": "urban"}, guest=True
    ),
    "post_schools": Example("POST", "/api/v1/schools", body={
        "name": "崂山区海风小学", "district": DISTRICT, "setting": "urban",
    }),
    "post_pairs": Example(
        "POST", "/api/v1/pairs", body={"urban_school": SCHOOL, "rural_school": FAR_SCHOOL}
    ),
    "post_edges": Example(
        "POST", "/api/v1/edges", body={"name": "box-1", "school": FAR_SCHOOL}
    ),
    "get_operations": Example("GET", "/api/v1/operations"),
    "get_operations_past": Example(
        "GET", "/api/v1/operations/past", {"kind": "school", "id": FAR_SCHOOL, "hours": "24"}
    ),
    "get_vocabulary": Example("GET", "/api/v1/vocabulary", guest=True),
}  # fmt: skip
