"""What the API's description says beyond types: who may ask, what it does, what a refusal means.

Words for people, by the operation's id; catalog/http/openapi.py puts them into the document, and
docs/api.md is made of that. Nothing here decides: rights are in catalog/rights.py, people.py and
session_rights.py. A test holds these words to the endpoints that are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs together for people: a title, and a sentence in each language."""

    title: str
    english: str
    chinese: str


@dataclass(frozen=True, slots=True)
class Said:
    """Who may ask for an operation, what is worth knowing, and what its own refusals mean."""

    may: str
    about: str = ""
    errors: Mapping[int, str] | None = None


TITLE = "Tongbu 同步"
ABOUT = (
    "The API of a city's smart classrooms: what the pages use, and what other systems may. "
    "Bodies are JSON in UTF-8; ids are 20 small letters and digits; moments are ISO 8601 with "
    "their offset; units stand in names (_s seconds, _ms milliseconds, _bps bits a second, "
    "_bytes, _px)."
)

GROUPS: Mapping[str, Group] = {
    "people": Group(
        "People and signing in",
        "Sign in, see who one is, keep the accounts of the own place and their roles.",
        "登录、查看自己的身份；各级负责人管理本地的账号和身份。",
    ),
    "lessons": Group(
        "Lessons",
        "Find lessons, read and change them, subtitles, and news of them while they are made.",
        "查找、查看、修改课程和微视频，管理字幕，跟踪转码进度。",
    ),
    "uploads": Group(
        "Uploads",
        "A video goes in by tus 1.0.0, and goes on after a cut at the byte where it stopped.",
        "用 tus 1.0.0 协议上传视频，断线后从断点续传。",
    ),
    "sessions": Group(
        "Live sessions",
        "Book synchronous lessons, open and end them, publish, see who was there.",
        "预约同步课堂，开课、下课，推流，查看到课情况。",
    ),
    "timetable": Group(
        "Terms and timetables",
        "The school's calendar, and lessons that recur by week and period.",
        "学期、节次、节假日，以及按周重复的课。",
    ),
    "registry": Group(
        "Districts, schools, classrooms, pairs, series",
        "Six kinds of things that are listed, added, read, changed and removed alike.",
        "基础数据：区市、教育集团、学校、教室、城乡结对、系列，增删改查方式相同。",
    ),
    "edges": Group(
        "Boxes in schools, as officers keep them",
        "Add a school's box, give it a one-time code, shut it out.",
        "管理学校盒子：登记、发一次性代码、吊销。",
    ),
    "edge": Group(
        "What a box asks",
        "For the box itself, with its own credential: what it may play, what to fetch at night.",
        "盒子自己用的接口（用盒子的凭证）：能播什么、夜里预取什么、上报什么。",
    ),
    "operations": Group(
        "Operations",
        "Who suffers now, why, and what to do: the figures of the page 运行.",
        "运行状况：现在谁看得不好、为什么、怎么办。",
    ),
    "description": Group(
        "This description",
        "The document that this is made of, and the fixed words of the field.",
        "接口文档本身，以及学段、年级、学科等固定词表。",
    ),
}

ERRORS: Mapping[int, str] = {
    400: "the request is malformed, or broke off",
    401: "sign in first, or again: no credentials, or they no longer hold",
    403: "signed in, but this is not allowed; the sentence says who may",
    404: "nothing of that name, or not for you",
    409: "does not fit the present state; the sentence says what to do first",
    410: "it was there and is gone: begin anew",
    412: "speak tus 1.0.0: send Tus-Resumable",
    413: "no room: larger than the limit, or than what is left of the own quota",
    414: "the address is too long",
    415: "send another Content-Type; the sentence names it",
    422: "breaks a rule; `fields` has a sentence for each field",
    423: "another connection writes this upload just now: try again in a few seconds",
    429: "too many: wait for the seconds of Retry-After",
    460: "the bytes are not those of the checksum: send them again",
    503: "database or store is away: try again after Retry-After",
    507: "the store's disk is full: an administrator has to make room",
}

EVERYBODY = "everybody, guests too"
SIGNED_IN = "everybody who is signed in"
ADMINISTRATORS = "administrators"
OFFICERS = "administrators and officers of the district"
OF_SCHOOL = "officers of the school or its district, administrators"
WHO_WATCHES = "everybody when the lesson is public, else those whom its visibility names"
WHO_EDITS = "the lesson's owner, officers of its school or district, administrators"
WHO_JOINS = (
    "everybody when it is open to all, else its people, invited classrooms and everyone of their"
    " schools and groups, officers over these"
)
WHO_RUNS = (
    "the session's teachers, who booked it, officers of its school or district, the device in"
    " the main classroom"
)
BOX = "the box of a school, with its own credential"
WATCHERS = "officers, each for the own place: city, district or school"
UPLOADER = "teachers, officers and administrators"
OWN_UPLOAD = "who began the upload"

# Path, noun in the plural, who may change it, what is worth knowing.
_KINDS = (
    ("districts", "districts 区市", ADMINISTRATORS, ""),
    ("groups", "education groups 教育集团", ADMINISTRATORS, ""),
    ("schools", "schools", f"{OFFICERS}; of both districts, when it moves", ""),
    ("classrooms", "classrooms", OF_SCHOOL, ""),
    ("pairs", "city–countryside pairs", f"{OFFICERS}; of two districts, administrators only",
     "A pair holds from `since` to the day before `until`; it lets both invite each other."),
    ("series", "series", "administrators and officers of districts",
     "A series may lie below another one, eight levels deep."),
)  # fmt: skip


def _registry() -> Iterator[tuple[str, Said]]:
    for path, nouns, may, about in _KINDS:
        seen = SIGNED_IN if path == "classrooms" else EVERYBODY
        taken = {409: "there is one of that name already, or it would clash with another"}
        used = {409: "something still uses it: move or delete that first"}
        yield f"get_{path}", Said(seen, f"A page of {nouns}, by name.")
        yield f"post_{path}", Said(may, about, taken)
        yield f"get_{path}_id", Said(seen)
        yield f"patch_{path}_id", Said(may, "A field that is left out stays.", taken)
        yield f"delete_{path}_id", Said(may, "", used)


_TIME = {
    409: "a classroom or a teacher is taken at that time, or the service carries no more then",
    422: "`fields` names what does not go with the kind of session",
}
_PARTS = {409: "Upload-Offset is not where the upload stands: ask with HEAD and go on from there"}

OPERATIONS: Mapping[str, Said] = {
    **dict(_registry()),
    # People
    "post_login": Said(
        EVERYBODY,
        "Answers a bearer token of 14 days, for `Authorization: Bearer`, and sets the cookie that"
        " the pages use. Wrong tries are few for a name and for a network.",
        {401: "the user name or the password is wrong, or the account is closed"},
    ),
    "post_logout": Said(EVERYBODY, "Ends this session and takes the cookie back."),
    "get_me": Said(
        EVERYBODY,
        "A guest has an empty `person_id`. `csrf` is what a page sends as X-CSRF-Token with"
        " the cookie; a bearer token needs none.",
    ),
    "post_me_password": Said(
        SIGNED_IN, "Every other session of the account ends.",
        {422: "the present password is wrong, or the new one too weak: 8 to 128 characters"},
    ),
    "get_users": Said("officers, each for the own place", "By user name."),
    "post_users": Said(
        "officers, for people of their place; without a role, administrators",
        "Without `password` one is made, answered this once, and nowhere kept.",
        {409: "the user name is taken"},
    ),
    "get_users_id": Said("officers of a place of the person; the person"),
    "patch_users_id": Said(
        "officers who may appoint each of the person's roles; quotas: districts, administrators",
        "A closed account cannot sign in, and its sessions end at once.",
        {409: "one's own account, or the last administrator"},
    ),
    "delete_users_id": Said(
        "officers who may appoint each of the person's roles", "",
        {409: "the person owns lessons (close the account instead), or is the asker, or the last"
         " administrator"},
    ),
    "post_users_id_reset": Said(
        "officers who may appoint each of the person's roles",
        "The new password is answered this once; the person's sessions end.",
        {409: "one's own account: another officer can"},
    ),
    "post_users_id_affiliations": Said(
        "officers who may appoint that role at that place",
        "Districts appoint schools' officers and staff, schools their staff, administrators all.",
        {409: "the role clashes with one that the person has"},
    ),
    "delete_users_id_affiliations_affiliation": Said(
        "officers who may appoint that role at that place",
        "The role ends with yesterday; one that has not begun is removed.",
        {409: "it has ended already, or is the last administrator's"},
    ),
    # Lessons
    "get_lessons": Said(
        EVERYBODY,
        "Only lessons that the asker may watch. Finds Chinese words, single characters and pinyin;"
        " a filter may be repeated (`grade=g8&grade=g9`: either). `facets` counts what would"
        " narrow the list.",
        {401: "`mine` without signing in"},
    ),
    "get_lessons_suggest": Said(EVERYBODY, "Tags, knowledge points, teachers, series, titles."),
    "get_lessons_id": Said(
        WHO_WATCHES,
        "`urls` has where it plays, with a token of its own when it is not public.",
    ),
    "patch_lessons_id": Said(
        WHO_EDITS, "A field that is left out stays; words are taken in any usual spelling"
        " (`数学`, `math`).",
        {403: "not yours, or the school that it is to move to is not"},
    ),
    "delete_lessons_id": Said(WHO_EDITS, "It leaves every list; its media are kept for 30 days."),
    "post_lessons_id_restore": Said(WHO_EDITS, "As it was; for 30 days after the deletion."),
    "post_lessons_id_retry": Said(
        WHO_EDITS, "", {409: "nothing of this lesson has failed"}
    ),
    "post_lessons_id_cancel": Said(
        WHO_EDITS, "", {409: "nothing of this lesson is being worked on"}
    ),
    "post_lessons_id_play": Said(WHO_WATCHES, "A player calls it once a viewing."),
    "put_lessons_id_subtitles_language": Said(
        WHO_EDITS,
        "The file is the body: UTF-8 or GB 18030, at most 2 MiB and 20 000 cues, kept as WebVTT.",
        {422: "no subtitles in it, too many, or no language tag"},
    ),
    "delete_lessons_id_subtitles_language": Said(WHO_EDITS),
    "get_events": Said(
        WHO_WATCHES,
        "Server-sent events. Each connection begins with how its lessons stand, so one that broke"
        " is made again and misses nothing.",
        {422: "say which lessons: `lesson=ID` (100 at most), or `mine=true`"},
    ),
    # Uploads
    "options_uploads": Said(EVERYBODY, "Version, extensions and the largest size, in headers."),
    "options_uploads_id": Said(EVERYBODY),
    "post_uploads": Said(
        UPLOADER,
        "`Upload-Length` in bytes; `Upload-Metadata` says what the lesson is, name and base64 of"
        " UTF-8: `filename`, `title`, `description`, `stage`, `grade`, `subject`, `edition`,"
        " `chapter`, `series`, `school`, `teacher`, `visibility`, `tags`, `knowledge_points`; or"
        " `lesson`, the id of one that this is a new version of. `Location` is where to go on;"
        " the answer to the last byte carries `Tongbu-Lesson`, the lesson's id.",
        {422: "a word of the metadata is wrong, or the file is surely no recording"},
    ),
    "head_uploads_id": Said(OWN_UPLOAD, "`Upload-Offset` says how many bytes are kept."),
    "patch_uploads_id": Said(
        OWN_UPLOAD, "Bytes from `Upload-Offset` on; kept when the line breaks in the middle.",
        _PARTS,
    ),
    "post_uploads_id": Said(
        OWN_UPLOAD, "For proxies that know only GET and POST: PATCH, DELETE or HEAD.", _PARTS
    ),
    "delete_uploads_id": Said(
        OWN_UPLOAD, "", {409: "it is a lesson already: delete the lesson"}
    ),
    # Live sessions
    "get_sessions": Said(
        EVERYBODY, "Only those that the asker may join. A week, or from `since` to `until`."
    ),
    "post_sessions": Said(
        "officers of the school or its district; its teachers, for themselves; researchers, for"
        " research",
        "Classrooms of the own school and group, and of schools paired with it, may be invited.",
        _TIME,
    ),
    "get_sessions_id": Said(
        WHO_JOINS, "`urls` is where it is seen; who may run it also gets where to publish."
    ),
    "patch_sessions_id": Said(
        WHO_RUNS, "A field that is left out stays.",
        _TIME | {409: "it is no longer scheduled, or a classroom or teacher is taken then"},
    ),
    "delete_sessions_id": Said(WHO_RUNS, "", {409: "it is live (end it) or over"}),
    "post_sessions_id_cancel": Said(
        WHO_RUNS, "The same as DELETE, for who cannot send that.",
        {409: "it is live (end it) or over"},
    ),
    "post_sessions_id_open": Said(
        WHO_RUNS, "It opens by itself ten minutes before its time.", {409: "it is live or over"}
    ),
    "post_sessions_id_end": Said(
        WHO_RUNS, "The recording is a lesson as soon as its last segment is kept. Without this it"
        " ends 15 minutes after its time.",
        {409: "its room has not been opened, or it is long over"},
    ),
    "post_sessions_id_key": Said(WHO_RUNS, "The former keys are void at once."),
    "post_sessions_id_camera": Said(
        WHO_RUNS,
        "Until the session is over, in place of another camera. The address is kept nowhere, for"
        " it may hold a password.",
        {409: "the session's room is not open"},
    ),
    "delete_sessions_id_camera": Said(WHO_RUNS, "The session waits for another picture."),
    "get_sessions_id_attendance": Said(
        WHO_RUNS, "While it is live: so far. `format=csv` is a table for spreadsheets."
    ),
    "get_classroom_now": Said(
        "the device in a classroom (role `classroom`)",
        "With `seen` and `wait_s` the answer waits for news, so that a start is known within a"
        " second.",
        {403: "the account has no classroom", 429: "too many devices wait for this classroom"},
    ),
    # Terms and timetables
    "get_terms": Said(EVERYBODY, "Those of the city and of the school asked for; all in one page."),
    "post_terms": Said(f"{OF_SCHOOL}; for the whole city, administrators only"),
    "delete_terms_id": Said(
        f"{OF_SCHOOL}; for the whole city, administrators only", "",
        {409: "timetables go by it: end them first"},
    ),
    "get_timetables": Said(SIGNED_IN),
    "post_timetables": Said(
        "who may book these sessions", "Books every session of it, or none and says why.", _TIME
    ),
    "get_timetables_id": Said(SIGNED_IN),
    "delete_timetables_id": Said(
        "who made it, officers of its school or district, administrators",
        "Calls off what is to come; the past stays.",
    ),
    # Boxes
    "get_edges": Said(OFFICERS, "By name."),
    "post_edges": Said(
        OFFICERS, "The code is told this once and lasts a day.",
        {409: "the name is taken, or the school has 20 already: use a revoked one"},
    ),
    "post_edges_enrol": Said(
        "a box that has the code",
        "The box makes its Ed25519 key itself; from then on it signs what it asks.",
        {401: "the code is wrong, used or too old", 409: "another box has that key"},
    ),
    "get_edges_id": Said(OFFICERS),
    "delete_edges_id": Said(OFFICERS, "", {409: "it is enrolled: revoke it first"}),
    "post_edges_id_code": Said(OFFICERS, "An enrolled box goes on until another comes with it."),
    "post_edges_id_revoke": Said(
        OFFICERS, "At every origin within the second.", {409: "it is revoked already"}
    ),
    "get_edge_self": Said(BOX, "With an ETag, as the plan: a thin line carries it once."),
    "get_edge_presentations_lesson": Said(BOX, "Of lessons that its school may watch."),
    "get_edge_plan": Said(BOX, "Lessons stand in the order in which to fetch them."),
    "get_edge_probe": Said(BOX, "Noise that no line can pack; leave when you have seen enough."),
    "post_edge_reports": Said(
        BOX, "At most 200 at once. Each counts once, however often it is sent.",
        {429: "more than 100 000 reports in a day"},
    ),
    "post_edge_certificate": Said(
        BOX, "For its name and its addresses in the school.",
        {409: "no authority is set up: `tongbu edges ca` at the origin makes one"},
    ),
    "get_edge_telling": Said(
        BOX, "One message of figures each 3 s, strict JSON; nothing is answered. Too often, too"
        " much or nonsense closes it with 1008.",
        {400: "ask for a WebSocket"},
    ),
    # Operations
    "get_operations": Said(WATCHERS, "Everything that the asker may see: `whole` is true."),
    "get_operations_events": Said(
        WATCHERS, "Server-sent events: everything first, then each second only rows that changed.",
    ),
    "get_operations_schools_id": Said(WATCHERS),
    "get_operations_past": Said(
        WATCHERS, "An hour in steps of 10 s, more in steps of whole minutes, 14 days at most."
    ),
    # Description
    "get_openapi_json": Said(EVERYBODY, "OpenAPI 3.1; with an ETag."),
    "get_vocabulary": Said(EVERYBODY, "Stages, grades, subjects, editions, visibilities, roles."),
}  # fmt: skip
