"""From what is known to the rows of the wall and the samples of its history. No clock, no sockets.

`Moment` has all that is known of one second; `Wall.rows` judges every school and session of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from catalog.db.operations import Facts, RoomFact, SchoolFact, SessionFact
from catalog.operations.alerts import CRITICAL, of_the_city, opened, wrong_with
from catalog.operations.board import Key, Placed, Places
from catalog.operations.history import Sample, Subject
from catalog.operations.known import Box, City, Known, Picture, Viewings
from catalog.operations.rows import (
    AlertRow,
    CityRow,
    DistrictRow,
    EvidenceRow,
    RoomRow,
    SchoolRow,
    SessionRow,
    Since,
)
from catalog.operations.telling import Telling
from catalog.operations.verdict import LATE_LOOP_S, UNTOLD_S, Cause, Verdict, judge, trouble_of
from deploy.operations_readings import Live, Seated
from streaming.live.figures import FeedFigures

HEARD_AFTER_S = 60.0
ORDER = {cause.value: number for number, cause in enumerate(Cause)}
SENDS = frozenset({"main", "second"})


@dataclass(frozen=True, slots=True)
class Moment:
    """One second. up_s: for how long the origin has run."""

    now_utc: float
    up_s: float
    facts: Facts
    live: Live
    pictures: Mapping[str, Picture]
    seated: Sequence[Seated]
    boxes: Mapping[str, Box]
    tellings: Mapping[str, Telling]
    viewings: Mapping[str, Viewings]
    city: City
    service: CityRow


@dataclass(slots=True)
class _Found:
    """A moment by its sessions, schools and classrooms, and what has been made of it so far."""

    moment: Moment
    rows: dict[Key, Placed] = field(default_factory=dict)
    samples: dict[Subject, Sample] = field(default_factory=dict)
    present: dict[str, dict[str, RoomFact]] = field(default_factory=dict)
    sessions: dict[str, set[str]] = field(default_factory=dict)
    in_room: dict[tuple[str, str], list[Seated]] = field(default_factory=dict)
    in_school: dict[str, list[Seated]] = field(default_factory=dict)
    rungs: dict[str, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for fact in self.moment.facts.sessions:
            self.present[fact.id] = {room.id: room for room in fact.rooms}
            for school in _schools_of(fact, fact.rooms):
                self.sessions.setdefault(school, set()).add(fact.id)
        for one in self.moment.seated:
            session, room = one.device.session, one.room
            self.present[session].setdefault(room.id, room)
            self.sessions.setdefault(room.school, set()).add(session)
            self.in_room.setdefault((session, room.id), []).append(one)
            self.in_school.setdefault(room.school, []).append(one)


class Wall:
    """Makes the rows; remembers since when evidence has stood."""

    def __init__(self) -> None:
        self._since = Since()

    def rows(self, moment: Moment) -> tuple[dict[Key, Placed], dict[Subject, Sample]]:
        """Give all rows of the wall, and a sample of each subject."""
        found = _Found(moment)
        for session in moment.facts.sessions:
            self._session(found, moment, session)
        for school in moment.facts.schools.values():
            self._school(found, moment, school)
        _districts(found, moment)
        self._city(found, moment)
        self._since.sweep()
        return found.rows, found.samples

    def _session(self, found: _Found, moment: Moment, fact: SessionFact) -> None:
        rooms = [*found.present[fact.id].values()]
        picture = moment.pictures.get(fact.id)
        verdict = judge(Known((picture,) if picture else (), moment.city))
        evidence = self._since.rows(f"session/{fact.id}", verdict, moment.now_utc)
        shown = [_room(room, fact.id, found.in_room.get((fact.id, room.id), ())) for room in rooms]
        for room in shown:
            school = moment.facts.schools.get(room.school)
            found.rows["room", f"{fact.id}:{room.id}"] = Placed(room, _places([school]))
            found.samples["room", room.id] = _room_sample(room)
            if room.rung:
                found.rungs.setdefault(room.school, Counter())[room.rung] += 1
        row = _session_row(moment, fact, shown, verdict, evidence, picture)
        schools = [moment.facts.schools.get(id_) for id_ in _schools_of(fact, rooms)]
        places = _places(schools)
        found.rows["session", fact.id] = Placed(row, places)
        found.samples["session", fact.id] = _session_sample(row)
        self._alert(found, opened("session", fact.id, fact.title, evidence), places)

    def _school(self, found: _Found, moment: Moment, school: SchoolFact) -> None:
        seated = found.in_school.get(school.id, [])
        sessions = tuple(sorted(found.sessions.get(school.id, ())))
        box = _box_of(moment, school.id)
        known = Known(
            tuple(moment.pictures[one] for one in sessions if one in moment.pictures),
            moment.city if sessions else City(),
            box,
            tuple(one.device for one in seated),
            moment.viewings.get(school.id, Viewings()),
        )
        verdict = judge(known)
        evidence = self._since.rows(f"school/{school.id}", verdict, moment.now_utc)
        rungs = found.rungs.get(school.id, Counter())
        row = _school_row(moment, school, seated, sessions, verdict, evidence, rungs)
        places = _places([school])
        found.rows["school", school.id] = Placed(row, places)
        if sessions or box is not None:
            found.samples["school", school.id] = _school_sample(row)
        self._alert(found, opened("school", school.id, school.name, evidence), places)

    def _city(self, found: _Found, moment: Moment) -> None:
        service = _summed(moment.service, found)
        alerts = [
            of_the_city(service, self._since.row("city", evidence, moment.now_utc))
            for evidence in wrong_with(service, 1000 * LATE_LOOP_S)
        ]
        self._alert(found, alerts, Places(for_city=True))
        alerts.sort(key=lambda one: one.severity != CRITICAL)
        firing = {one.name: one.severity for one in alerts}
        service = msgspec.structs.replace(service, firing=firing)
        found.rows["city", "city"] = Placed(service)
        delays = [*moment.live.delays.values()]
        found.samples["city", ""] = Sample(
            rooms=service.rooms, troubled=service.troubled, viewers=service.viewers,
            delay_ms=1000 * sum(delays) / len(delays) if delays else None,
            use_bps=service.use_bps,
        )  # fmt: skip

    @staticmethod
    def _alert(found: _Found, alerts: Iterator[AlertRow] | list[AlertRow], places: Places) -> None:
        for one in alerts:
            found.rows["alert", f"{one.name}:{one.kind}:{one.subject}"] = Placed(one, places)


def _schools_of(fact: SessionFact, rooms: Sequence[RoomFact]) -> set[str]:
    own = {fact.school} if fact.school else set[str]()
    return own | {room.school for room in rooms}


def _places(schools: Sequence[SchoolFact | None]) -> Places:
    known = [school for school in schools if school is not None]
    if not known:
        return Places(for_city=True)
    return Places(frozenset(s.district for s in known), frozenset(s.id for s in known))


def _box_of(moment: Moment, school: str) -> Box | None:
    """Give what the box told, else what the catalogue knows of it once boxes had time to dial."""
    box = moment.boxes.get(school)
    if box is not None:
        return box
    heard = moment.facts.heard.get(school)
    if heard is None or moment.up_s < HEARD_AFTER_S:
        return None
    return Box(unheard_s=max(0.0, moment.now_utc - heard.timestamp()))


def _box_word(moment: Moment, school: str) -> str:
    box = moment.boxes.get(school)
    if box is None:
        return "unheard" if school in moment.facts.heard else "none"
    if box.closed_s is not None:
        return "closed"
    return "silent" if (box.told_s or 0.0) >= UNTOLD_S else "telling"


def _room(room: RoomFact, session: str, seated: Sequence[Seated]) -> RoomRow:
    troubles = [(trouble_of(one.device), one) for one in seated]
    bad = next(((trouble, one) for trouble, one in troubles if trouble is not None), None)
    shown = bad[1] if bad is not None else (seated[0] if seated else None)
    absent = "well" if room.part in SENDS else "absent"
    report = shown.report if shown is not None else None
    return RoomRow(
        room.id, room.name, room.school, session, room.part,
        "bad" if bad is not None else "well" if seated else absent,
        bad[0].code if bad is not None else None,
        report.rung if report else "",
        _whole(report.delay_ms) if report else None,
        _whole(report.skew_ms) if report else None,
        _whole(report.can_ms) if report else None,
        sum(one.stalls for one in seated),
        len(seated),
    )  # fmt: skip


def _session_row(
    moment: Moment, fact: SessionFact, rooms: Sequence[RoomRow], verdict: Verdict | None,
    evidence: tuple[EvidenceRow, ...], picture: Picture | None,
) -> SessionRow:  # fmt: skip
    live = moment.live
    ingest, feed, d_s = live.ingests.get(fact.id), live.feeds.get(fact.id), live.delays.get(fact.id)
    age_s = picture.part_age_s if picture else None
    watched = _watched(feed)
    school = moment.facts.schools.get(fact.school or "")
    return SessionRow(
        fact.id, fact.title, fact.kind, fact.live_utc, _cause(verdict), evidence,
        len(rooms), sum(r.state == "bad" for r in rooms), sum(r.state == "absent" for r in rooms),
        sum(watched.values()),
        dict(Counter(room.rung for room in rooms if room.rung)) or watched,
        None if d_s is None else round(1000 * d_s), _worst(room.skew_ms for room in rooms),
        sum(room.stalls for room in rooms),
        ingest.bitrate_bps if ingest else 0,
        round(ingest.speed, 2) if ingest and ingest.speed is not None else None,
        None if age_s is None else round(1000 * age_s),
        watched, school.name if school else "", school.id if school else "",
    )  # fmt: skip


def _watched(feed: FeedFigures | None) -> dict[str, int]:
    """Count who watches at the origin, by rung."""
    found: Counter[str] = Counter()
    for (_, rung), number in (feed.viewers if feed is not None else {}).items():
        found[rung] += number
    return dict(+found)


def _school_row(
    moment: Moment, school: SchoolFact, seated: Sequence[Seated], sessions: tuple[str, ...],
    verdict: Verdict | None, evidence: tuple[EvidenceRow, ...], rungs: Mapping[str, int],
) -> SchoolRow:  # fmt: skip
    telling = moment.tellings.get(school.id)
    reports = [one.report for one in seated]
    delays = [r.delay_ms for r in reports if r.delay_ms is not None]
    return SchoolRow(
        school.id, school.name, school.district, _cause(verdict), evidence,
        _box_word(moment, school.id),
        telling.estimate_bps if telling else None,
        telling.ceiling_bps if telling else None,
        telling.use_bps if telling else None,
        telling.streams if telling else 0,
        telling.viewers if telling else 0,
        sessions, len({one.room.id for one in seated}), len(seated),
        round(max(delays)) if delays else None,
        _worst(_whole(r.skew_ms) for r in reports),
        sum(one.stalls for one in seated),
        min(rungs, key=_height, default=""),
        dict(rungs),
        telling.line_bps if telling else None,
    )  # fmt: skip


def _height(rung: str) -> int:
    """Give the height that a rung's name tells; sound alone has none."""
    height = rung.removesuffix("p")
    return int(height) if height.isdecimal() else 0


def _districts(found: _Found, moment: Moment) -> None:
    rows: dict[str, list[SchoolRow]] = {id_: [] for id_ in moment.facts.districts}
    for placed in found.rows.values():
        if isinstance(placed.row, SchoolRow):
            rows.setdefault(placed.row.district, []).append(placed.row)
    for id_, schools in rows.items():
        causes = Counter(row.cause for row in schools if row.cause)
        on_air = sum(bool(row.sessions) for row in schools)
        use_bps = sum(row.use_bps or 0 for row in schools)
        name = moment.facts.districts.get(id_, id_)
        delay_ms, skew_ms = _worst_of(schools)
        row = DistrictRow(
            id_, name, len(schools), on_air, dict(causes), use_bps,
            rooms=sum(row.rooms for row in schools), viewers=sum(row.viewers for row in schools),
            delay_ms=delay_ms, skew_ms=skew_ms, stalls=sum(row.stalls for row in schools),
        )  # fmt: skip
        found.rows["district", id_] = Placed(row, Places(frozenset({id_})))
        found.samples["district", id_] = Sample(
            rooms=row.rooms, troubled=sum(causes.values()), use_bps=use_bps
        )


def _summed(service: CityRow, found: _Found) -> CityRow:
    rows = [placed.row for placed in found.rows.values()]
    schools = [row for row in rows if isinstance(row, SchoolRow)]
    sessions = [row for row in rows if isinstance(row, SessionRow)]
    words = [row.box for row in schools]
    delay_ms, skew_ms = _worst_of(schools)
    return msgspec.structs.replace(
        service, sessions=len(sessions), rooms=sum(row.rooms for row in sessions),
        viewers=sum(row.viewers for row in sessions), schools=len(schools),
        troubled=sum(row.cause is not None for row in schools),
        boxes=len(words) - words.count("none"), boxes_telling=words.count("telling"),
        use_bps=sum(row.use_bps or 0 for row in schools), delay_ms=delay_ms, skew_ms=skew_ms,
        stalls=sum(row.stalls for row in schools),
    )  # fmt: skip


def _room_sample(row: RoomRow) -> Sample:
    trouble = float(row.state == "bad")
    return Sample(troubled=trouble, delay_ms=row.delay_ms, skew_ms=_size(row.skew_ms),
                  stalls=row.stalls)  # fmt: skip


def _session_sample(row: SessionRow) -> Sample:
    return Sample(
        rooms=row.rooms, troubled=row.bad, viewers=row.viewers, delay_ms=row.d_ms,
        skew_ms=_size(row.skew_ms), stalls=row.stalls, use_bps=row.ingest_bps,
        cause=_number(row.cause),
    )  # fmt: skip


def _school_sample(row: SchoolRow) -> Sample:
    return Sample(
        rooms=row.rooms, viewers=row.viewers, delay_ms=row.delay_ms, skew_ms=_size(row.skew_ms),
        stalls=row.stalls, estimate_bps=row.estimate_bps, use_bps=row.use_bps,
        troubled=float(row.cause is not None), cause=_number(row.cause),
    )  # fmt: skip


def _cause(verdict: Verdict | None) -> str | None:
    return verdict.cause.value if verdict is not None else None


def _number(cause: str | None) -> float | None:
    return None if cause is None else float(ORDER[cause])


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _size(value: int | None) -> int | None:
    return None if value is None else abs(value)


def _worst_of(schools: Sequence[SchoolRow]) -> tuple[int | None, int | None]:
    return _worst(row.delay_ms for row in schools), _worst(row.skew_ms for row in schools)


def _worst(values: Iterator[int | None]) -> int | None:
    return max((value for value in values if value is not None), key=abs, default=None)
