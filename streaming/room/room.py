"""One session's room: inputs and `now` in, events out; what members see is asked for. Pure.

    arrive, depart, say, turn ──► Room.handle ──► Keep(entry), Welcomed, FloorOpened, …
                                     │ apply
                                  RoomState ──► changes(), whole()      (kept: == replay of the log)
                                  Delay, Health                         (not kept)

`now` is monotonic seconds; epoch_utc turns it into Unix seconds. An input that makes no sense
raises Refused and changes nothing. Call `on_timer` once in TICK_S.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.live import RoomRole
from streaming.room import inputs as said
from streaming.room.delay import Delay
from streaming.room.errors import Reason, Refused
from streaming.room.floor import FLOOR, FloorInput
from streaming.room.health import Health
from streaming.room.inputs import Admitted, Arrive, Depart, FloorFailed, Input, Say, Turn, WasHere
from streaming.room.pace import Pace
from streaming.room.rights import LISTED, ROOMS, check
from streaming.room.roster import AWAY_S, COUNTS, Away, Entry, Key, Member, key_of
from streaming.room.state import RoomState

TICK_S = 1.0
ENTRIES_LIMIT = 200_000
KEPT_PER_S = 1.0
KEPT_BURST = 10.0


@dataclass(frozen=True, slots=True)
class Keep:
    """This goes into the log."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Welcomed:
    """Who has arrived is this member; resumed: it was in the room before."""

    member: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class FloorOpened:
    """Let this member publish the feed floor (also when it is back)."""

    member: str


@dataclass(frozen=True, slots=True)
class FloorClosed:
    """This member may no longer publish the feed floor."""

    member: str


@dataclass(frozen=True, slots=True)
class EndAsked:
    """The teacher wants the session to end."""

    member: str


Event = Keep | Welcomed | FloorOpened | FloorClosed | EndAsked
Entries = list[dict[str, Any]]


class Room:
    """The machine. One caller at a time."""

    def __init__(self, epoch_utc: float) -> None:
        self.state = RoomState()
        self.delay = Delay()
        self.health = Health()
        self._epoch_utc = epoch_utc
        self._dirty: dict[Key, None] = {}
        self._entries = 0
        self._events: list[Event] = []
        self._paces: dict[str, Pace] = {}
        self._was_late: set[str] = set()

    def replay(self, log: Iterable[Entry]) -> None:
        """Take the log, or its next piece, into a new room; then `settle`."""
        for entry in log:
            self._apply(entry)

    def settle(self, now: float) -> None:
        """After a replay: whoever is in the room is away until it is back."""
        self.state.roster.everyone_away(now)
        if self.state.floor.holder:
            self.state.floor.step(FloorInput.CUT_OFF)
        self._dirty.clear()

    def handle(self, event: Input, now: float) -> list[Event]:
        """Take an input; give events in order. Raises: Refused."""
        self._HANDLERS[type(event)](self, event, now)
        return self._take_events()

    def on_timer(self, now: float) -> list[Event]:
        """Let time pass: who is away too long is gone, D may fall."""
        roster, floor = self.state.roster, self.state.floor
        gives_up_at = floor.gives_up_at(roster.away)
        if gives_up_at is not None and now >= gives_up_at:
            self._keep(floor.end("left"), now)
        for member, away in list(roster.away.items()):
            if now - away.since >= AWAY_S:
                self._gone(member, away, now)
        self.delay.tick(now)
        self._note_late()
        return self._take_events()

    @property
    def empty(self) -> bool:
        """Tell whether nobody is in the room, not even away."""
        return self.state.roster.empty

    @property
    def changed(self) -> bool:
        """Tell whether `changes` has something to say."""
        return bool(self._dirty)

    @property
    def d_ms(self) -> int:
        """The target delay in milliseconds."""
        return round(self.delay.d_s * 1000)

    def utc(self, now: float) -> float:
        """Give Unix seconds."""
        return round(now + self._epoch_utc, 3)

    def health_now(self) -> dict[str, Any]:
        """Give what a teacher who comes in sees of all rooms."""
        return self.health.whole(self.state.roster, self.delay)

    def health_changes(self) -> dict[str, Any] | None:
        """Give what changed of it since the last call; at most once a second."""
        return self.health.changes(self.state.roster, self.delay)

    def whole(self) -> dict[str, Any]:
        """Give the room as a page gets it that comes in."""
        return self.state.whole(self.delay.late)

    def changes(self) -> list[dict[str, Any]]:
        """Give what changed since the last call: `key` is a path into `whole`."""
        dirty, self._dirty = self._dirty, {}
        return [{"key": key, "value": self.state.view(key, self.delay.late)} for key in dirty]

    def you(self, member: str) -> dict[str, Any]:
        """Give what a member alone has to know of itself."""
        return {
            "hand": member in self.state.floor.hands,
            "votes": self.state.polls.votes_of(member),
            "likes": self.state.questions.liked_by(member),
        }

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _apply(self, entry: Entry) -> None:
        self._entries += 1
        self._dirty.update(dict.fromkeys(self.state.apply(entry)))

    def _keep(self, entries: Entries, now: float) -> None:
        utc = self.utc(now)
        for entry in entries:
            began_utc = entry.get("began_utc")
            at = 0.0 if began_utc is not None else self.state.course.at(utc)
            stamped = {**entry, "at": at, "utc": utc}
            self._apply(stamped)
            self._events.append(Keep(stamped))
            if entry["kind"] == "floor_granted":
                self._events.append(FloorOpened(entry["member"]))
            elif entry["kind"] == "floor_ended":
                self._events.append(FloorClosed(entry["member"]))

    def _arrive(self, event: Arrive, now: float) -> None:
        roster, join = self.state.roster, event.join
        if self._entries >= ENTRIES_LIMIT and event.who.role is RoomRole.VIEWER:
            raise Refused(Reason.TOO_MANY, "the room is full: watch the lesson without the room")
        member, entry = roster.arrive(event.who, join, _name(event.who, join))
        resumed = roster.inside(member) is not None
        if entry is not None:
            self._keep([entry], now)
        roster.away.pop(member, None)
        self.delay.leave(member)
        self.health.arrive(member, join.delivery)
        self._events.append(Welcomed(member, resumed))
        if self.state.floor.holder == member:
            self.state.floor.step(FloorInput.BACK)
            self._events.append(FloorOpened(member))
        self._touch(member)

    def _was_here(self, event: WasHere, now: float) -> None:
        """Note a stay that was out of sight; who has left meanwhile is gone since then."""
        who, stay = event.who, event.stay
        if not who.boxed:
            raise Refused(Reason.NO_RIGHT, "who stayed is for a school's box to tell")
        once = f"{who.identity}/{stay.id}"
        if once in self.state.once:
            return
        if self._entries >= ENTRIES_LIMIT and who.role is RoomRole.VIEWER:
            raise Refused(Reason.TOO_MANY, "this lesson's book is full")
        key, ended_at = key_of(who, stay.join), now - stay.ended_ago_s
        self._keep([{
            "kind": "stayed", "key": list(key), "role": who.role.value,
            "name": _name(who, stay.join), "from_utc": self.utc(now - stay.began_ago_s),
            "to_utc": self.utc(ended_at), "left": stay.left, "once": once,
        }], now)  # fmt: skip
        away = self.state.roster.away_since(key)
        if stay.left and away is not None:
            self._gone(away[0].id, Away(ended_at, clean=True), now)

    def _depart(self, event: Depart, now: float) -> None:
        member = self._here(event.member)
        self.state.roster.away[member.id] = Away(now, event.clean)
        self.delay.leave(member.id)
        if self.state.floor.holder == member.id:
            self.state.floor.step(FloorInput.CUT_OFF)
        self._touch(member.id)

    def _gone(self, member: str, away: Away, now: float) -> None:
        floor = self.state.floor
        if member == floor.holder:
            self._keep(floor.end("left"), now)
        if member in floor.hands:
            self._keep(floor.hand(self.state.roster.members[member], False), now)
        self._keep([{"kind": "gone", "member": member, "left_utc": self.utc(away.since)}], now)
        self.delay.forget(member)
        self.health.forget(member)
        self._paces.pop(member, None)
        self._was_late.discard(member)

    def _touch(self, member: str) -> None:
        """Connected or not has changed: pages shall see it."""
        self._dirty[COUNTS] = None
        if self.state.roster.members[member].role in LISTED:
            self._dirty["members", member] = None
        if self.state.floor.holder == member:
            self._dirty[FLOOR] = None

    def _note_late(self) -> None:
        roster = self.state.roster
        rooms = [m for m in roster.listed() if roster.members[m].role in ROOMS]
        late = {member for member in rooms if self.delay.late(member)}
        self._dirty.update({("members", member): None for member in late ^ self._was_late})
        self._was_late = late

    def _here(self, member: str) -> Member:
        found = self.state.roster.inside(member)
        if found is None or member in self.state.roster.away:
            raise Refused(Reason.UNKNOWN, "this member is not in the room: join first")
        return found

    def _turn(self, event: Turn, now: float) -> None:
        entries, changed = self.state.course.turn(event, self.utc(now))
        self._keep(entries, now)
        self._dirty.update(dict.fromkeys(changed))
        if self.state.course.over and self.state.floor.holder:
            self._keep(self.state.floor.end("lesson ended"), now)

    def _floor_failed(self, event: FloorFailed, now: float) -> None:
        if self.state.floor.holder == event.member:
            self._keep(self.state.floor.end("failed"), now)

    def _say(self, event: Say, now: float) -> None:
        member, message = self._here(event.member), event.message
        check(member.role, message)
        if isinstance(message, said.Report):
            can = self.health.take(member, message)
            if can is not None:
                self.delay.report(member.id, can, now)
            return
        if isinstance(message, said.Join):
            self.health.arrive(member.id, message.delivery)
            self.delay.leave(member.id)
            return
        act = self._ACTS.get(type(message))
        if act is None:
            raise Refused(Reason.NOT_NOW, "that is not for the room")
        if self.state.course.over:
            raise Refused(Reason.NOT_NOW, "the lesson has ended")
        once = _once(member, message)
        if once in self.state.once:
            return
        self._check_pace(member, now)
        entries: Entries = act(self, member, message)
        if once and entries:
            entries[0] |= {"once": once}
        self._keep(entries, now)

    def _check_pace(self, member: Member, now: float) -> None:
        if member.role is RoomRole.TEACHER:
            return
        if self._entries >= ENTRIES_LIMIT:
            raise Refused(Reason.TOO_MANY, "this lesson's book is full: tell the teacher")
        pace = self._paces.setdefault(member.id, Pace(KEPT_PER_S, KEPT_BURST, now))
        if not pace.take(now):
            raise Refused(Reason.TOO_FAST, "not so fast: wait a few seconds")

    def _hand(self, member: Member, message: said.Hand) -> Entries:
        return self.state.floor.hand(member, message.up)

    def _grant(self, member: Member, message: said.Grant) -> Entries:
        roster = self.state.roster
        wanted = roster.inside(message.member) if roster.here(message.member) else None
        return self.state.floor.grant(wanted)

    def _floor_end(self, member: Member, message: said.FloorEnd) -> Entries:
        mine = self.state.floor.holder == member.id
        if not mine and member.role is not RoomRole.TEACHER:
            raise Refused(Reason.NO_RIGHT, "the floor is not yours to end: ask the teacher")
        return self.state.floor.end("given back" if mine else "teacher")

    def _end(self, member: Member, message: said.End) -> Entries:
        self._events.append(EndAsked(member.id))
        return []

    _HANDLERS: Mapping[type[Input], Callable[..., None]] = {
        Arrive: _arrive, WasHere: _was_here, Depart: _depart, Say: _say, Turn: _turn,
        FloorFailed: _floor_failed,
    }  # fmt: skip
    _ACTS: Mapping[type[said.Message], Callable[..., Entries]] = {
        said.Hand: _hand,
        said.Grant: _grant,
        said.FloorEnd: _floor_end,
        said.Ask: lambda self, who, m: self.state.questions.ask(who, m.text),
        said.Answer: lambda self, who, m: self.state.questions.answer(who, m.question, m.text),
        said.Like: lambda self, who, m: self.state.questions.like(who, m.question),
        said.PollOpen: lambda self, who, m: self.state.polls.open(m.kind, m.text),
        said.Vote: lambda self, who, m: self.state.polls.vote(who, m.poll, m.choice),
        said.PollClose: lambda self, who, m: self.state.polls.close(m.poll),
        said.Chat: lambda self, who, m: self.state.talk.say(who, m.text),
        said.ChatOpen: lambda self, who, m: self.state.talk.set_open(m.open),
        said.Notice: lambda self, who, m: self.state.talk.notice(who, m.text),
        said.End: _end,
    }


def _name(who: Admitted, join: said.Join) -> str:
    return who.name or join.name or "访客"


def _once(member: Member, message: said.Message) -> str:
    """Name what counts once; empty for what has no id."""
    match message:
        case said.Ask() | said.Answer() | said.PollOpen() | said.Chat() | said.Notice():
            return f"{member.identity}/{message.id}" if message.id else ""
    return ""


def replay(log: Iterable[Entry]) -> RoomState:
    """Give the kept state that a log leads to."""
    state = RoomState()
    for entry in log:
        for _ in state.apply(entry):
            pass
    return state
