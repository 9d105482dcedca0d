"""The rows of the wall, as the API answers them. Pure values; times are Unix seconds.

A figure that is not known is null. `cause` is who is at fault, null where nothing is.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from catalog.operations.verdict import Cause, Evidence, Verdict

CauseWord = Annotated[str, Meta(extra_json_schema={"enum": [one.value for one in Cause]})]


class EvidenceRow(msgspec.Struct, frozen=True):
    """A figure beyond its limit. `code` names the sentence; `about` a session's id or a device."""

    code: str
    figure: float
    limit: float
    unit: str
    about: str
    since: float


class SchoolRow(msgspec.Struct, frozen=True):
    """A school. `box`: none, telling, silent, closed, or unheard since the origin began.

    `rungs`: how many of its classrooms watch which; `rung` is the lowest of them, empty where none
    does. `line_bps`: what its box may use of its line. What a box says of line, streams and viewers
    is known only while it tells.
    """

    id: str
    name: str
    district: str
    cause: CauseWord | None
    evidence: tuple[EvidenceRow, ...]
    box: str
    estimate_bps: int | None
    ceiling_bps: int | None
    use_bps: int | None
    streams: int
    viewers: int
    sessions: tuple[str, ...]
    rooms: int
    devices: int
    delay_ms: int | None
    skew_ms: int | None
    stalls: int
    rung: str = ""
    rungs: dict[str, int] = {}
    line_bps: int | None = None


class RoomRow(msgspec.Struct, frozen=True):
    """A classroom in a lesson, by the device of it that stands worst.

    `state`: well, bad, or absent while none of its devices has reported. `trouble` is a code of
    evidence.
    """

    id: str
    name: str
    school: str
    session: str
    part: str
    state: str
    trouble: str | None
    rung: str
    delay_ms: int | None
    skew_ms: int | None
    can_ms: int | None
    stalls: int
    devices: int


class SessionRow(msgspec.Struct, frozen=True):
    """A live session. `rooms` of which `bad` and `absent`; `d_ms`: the delay they all share.

    `rungs`: what its classrooms watch, or its viewers where there are none; `viewers_by_rung`: what
    all do who watch at the origin, a box counting as one. `speed` and `part_age_ms` are the city's
    encoding. `main_school`: the name of the school that teaches (`main_school_id`), "" where none
    is known.
    """

    id: str
    title: str
    kind: str
    since: float | None
    cause: CauseWord | None
    evidence: tuple[EvidenceRow, ...]
    rooms: int
    bad: int
    absent: int
    viewers: int
    rungs: dict[str, int]
    d_ms: int | None
    skew_ms: int | None
    stalls: int
    ingest_bps: int
    speed: float | None
    part_age_ms: int | None
    viewers_by_rung: dict[str, int] = {}
    main_school: str = ""
    main_school_id: str = ""


class DistrictRow(msgspec.Struct, frozen=True):
    """A district: its schools, how many are in a lesson, how many suffer, by cause.

    Of its schools: classrooms in lessons, viewers and stalls are summed, delay and skew the worst.
    """

    id: str
    name: str
    schools: int
    on_air: int
    causes: dict[str, int]
    use_bps: int
    rooms: int = 0
    viewers: int = 0
    delay_ms: int | None = None
    skew_ms: int | None = None
    stalls: int = 0


class CheckRow(msgspec.Struct, frozen=True):
    """Something that the service needs, and whether it answers; `said` is empty while it does."""

    name: str
    up: bool
    said: str


class QueueRow(msgspec.Struct, frozen=True):
    """A class of transcoding work."""

    name: str
    waiting: int
    running: int
    oldest_s: float


class CityRow(msgspec.Struct, frozen=True):
    """The service itself, and sums of all that is on air; of delay and skew the worst.

    `firing`: how urgent each of the service's own alerts is, by its name, the urgent first; told to
    whoever may look, an officer of a school too, who is told no alert of it.
    """

    checks: tuple[CheckRow, ...]
    queues: tuple[QueueRow, ...]
    workers: int | None
    loop_late_ms: int
    disk_free_bytes: int | None
    disk_size_bytes: int | None
    sessions: int = 0
    rooms: int = 0
    viewers: int = 0
    schools: int = 0
    troubled: int = 0
    boxes: int = 0
    boxes_telling: int = 0
    use_bps: int = 0
    delay_ms: int | None = None
    skew_ms: int | None = None
    stalls: int = 0
    firing: dict[str, str] = {}


class AlertRow(msgspec.Struct, frozen=True):
    """An alert that is open; its runbook has its name. `subject`: a school, session, or nothing.

    `evidence`: what opened it, `code` first; that of work which is stuck is about the queue, its
    figure the age of the oldest. `said`: what the check said that opened it, else empty.
    """

    name: str
    severity: str
    kind: str
    subject: str
    title: str
    code: str
    since: float
    evidence: tuple[EvidenceRow, ...] = ()
    said: str = ""


Row = SchoolRow | RoomRow | SessionRow | DistrictRow | CityRow | AlertRow


class Since:
    """Since when evidence has stood, in Unix seconds: from its own figure, or as it was first seen.

    Keys not asked for since the last `sweep` are forgotten.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[str, str, str], float] = {}
        self._asked: set[tuple[str, str, str]] = set()

    def rows(
        self, subject: str, verdict: Verdict | None, now_utc: float
    ) -> tuple[EvidenceRow, ...]:
        """Give a verdict's evidence with its times."""
        found = verdict.evidence if verdict is not None else ()
        return tuple(self.row(subject, one, now_utc) for one in found)

    def row(self, subject: str, one: Evidence, now_utc: float) -> EvidenceRow:
        """Give a piece of evidence with its time."""
        key = (subject, one.code, one.about)
        self._asked.add(key)
        since = self._first.setdefault(key, now_utc - (one.lasted_s or 0.0))
        return EvidenceRow(
            one.code, round(one.figure, 3), one.limit, one.unit, one.about, since
        )  # fmt: skip

    def sweep(self) -> None:
        """Forget what stands no more."""
        for key in self._first.keys() - self._asked:
            del self._first[key]
        self._asked.clear()
