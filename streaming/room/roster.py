"""Who is in a room, who is away for a moment, who was there. Pure.

A member is one identity at one client (a tab, a device). It keeps its id for the whole session.
Kept: members, and whether they are in the room. Not kept: who is connected right now; a member in
the room without a connection is away, and gone after 30 s.

Limits: 3000 members in the room, of which 2800 viewers (classrooms always find a seat), 300 of one
identity; 10 000 members remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.live import RoomRole
from streaming.room.errors import Reason, Refused
from streaming.room.inputs import Admitted, Device, Join
from streaming.room.rights import LISTED

MEMBERS_LIMIT = 3000
VIEWERS_LIMIT = 2800
OF_ONE_IDENTITY_LIMIT = 300
REMEMBERED_LIMIT = 10_000
AWAY_S = 30.0

Entry = Mapping[str, Any]
Key = tuple[str, ...]
COUNTS: Key = ("counts",)


@dataclass(slots=True)
class Member:
    """One person or device at one client."""

    id: str
    key: tuple[str, str]
    role: RoomRole
    name: str
    device: Device
    inside: bool = True

    @property
    def identity(self) -> str:
        """Whose it is."""
        return self.key[0]


@dataclass(frozen=True, slots=True)
class Away:
    """Since when a member has no connection, and whether it closed it on purpose."""

    since: float
    clean: bool


@dataclass(slots=True)
class Roster:
    """All members by id; `away` has those inside who are not connected."""

    members: dict[str, Member] = field(default_factory=dict)
    made: int = 0
    away: dict[str, Away] = field(default_factory=dict, compare=False)
    _ids: dict[tuple[str, str], str] = field(default_factory=dict, compare=False)
    _inside: Counter[RoomRole] = field(default_factory=Counter, compare=False)
    _of_one: Counter[str] = field(default_factory=Counter, compare=False)

    def arrive(self, who: Admitted, join: Join, name: str) -> tuple[str, dict[str, Any] | None]:
        """Give a member's id, and the entry to keep if anything is new. Raises: Refused."""
        key = key_of(who, join)
        found = self.find(key)
        if found is None or not found.inside:
            self._check_room(who)
        elif (found.role, found.name, found.device) == (who.role, name, join.device):
            return found.id, None
        member = found.id if found else f"m{self.made + 1}"
        return member, {
            "kind": "joined", "member": member, "key": list(key), "role": who.role.value,
            "name": name, "device": join.device.value,
        }  # fmt: skip

    def away_since(self, key: tuple[str, str]) -> tuple[Member, Away] | None:
        """Give who has this key if it is in the room without a connection."""
        found = self.find(key)
        away = self.away.get(found.id) if found else None
        return (found, away) if found and away else None

    def apply(self, entry: Entry) -> Iterator[Key]:
        """Take `joined` or `gone` from the log."""
        id_ = entry["member"]
        before = self.inside(id_)
        if entry["kind"] == "joined":
            member = Member(
                id_, (entry["key"][0], entry["key"][1]), RoomRole(entry["role"]),
                entry["name"], Device(entry["device"]),
            )  # fmt: skip
            self._leave(before)
            if before is None or before.role not in LISTED:
                self.members.pop(id_, None)
            self._enter(member)
        else:
            member = self.members[id_]
            self._leave(member)
            self._forget_oldest()
        yield COUNTS
        if member.role in LISTED or (before and before.role in LISTED):
            yield ("members", id_)

    def find(self, key: tuple[str, str]) -> Member | None:
        """Give the member of an identity and client."""
        id_ = self._ids.get(key)
        return self.members[id_] if id_ else None

    def inside(self, member: str) -> Member | None:
        """Give a member that is in the room, connected or away."""
        found = self.members.get(member)
        return found if found and found.inside else None

    def here(self, member: str) -> bool:
        """Tell whether a member is connected."""
        return self.inside(member) is not None and member not in self.away

    @property
    def empty(self) -> bool:
        """Tell whether nobody is in the room, not even away."""
        return not self._inside.total()

    def everyone_away(self, now: float) -> None:
        """After a restart nobody is connected."""
        for member in self.members.values():
            if member.inside:
                self.away[member.id] = Away(now, clean=False)

    def counts(self) -> dict[str, int]:
        """Give how many are connected, by role."""
        away = Counter(self.members[member].role for member in self.away)
        return {role.value: self._inside[role] - away[role] for role in RoomRole}

    def view(self, member: str, late: bool) -> dict[str, Any] | None:
        """Give a member as pages see it; None for one that is gone or only counted."""
        found = self.inside(member)
        if found is None or found.role not in LISTED:
            return None
        return {
            "role": found.role.value, "name": found.name, "device": found.device.value,
            "here": member not in self.away, "late": late,
        }  # fmt: skip

    def listed(self) -> list[str]:
        """Give the ids of those that pages list."""
        return [one.id for one in self.members.values() if one.inside and one.role in LISTED]

    def _check_room(self, who: Admitted) -> None:
        viewers = self._inside[RoomRole.VIEWER]
        full = self._inside.total() >= MEMBERS_LIMIT
        if full or (who.role is RoomRole.VIEWER and viewers >= VIEWERS_LIMIT):
            raise Refused(Reason.TOO_MANY, "the room is full: watch the lesson without the room")
        if self._of_one[who.identity] >= OF_ONE_IDENTITY_LIMIT:
            raise Refused(Reason.TOO_MANY, "too many pages are open for one account: close some")

    def _enter(self, member: Member) -> None:
        self.members[member.id] = member
        self._ids[member.key] = member.id
        self._inside[member.role] += 1
        self._of_one[member.identity] += 1
        self.made = max(self.made, int(member.id[1:]))

    def _leave(self, member: Member | None) -> None:
        if member is not None and member.inside:
            member.inside = False
            self._inside[member.role] -= 1
            self._of_one[member.identity] -= 1
            self.away.pop(member.id, None)

    def _forget_oldest(self) -> None:
        if len(self.members) > REMEMBERED_LIMIT:
            oldest = next((one for one in self.members.values() if not one.inside), None)
            if oldest is not None:
                del self.members[oldest.id], self._ids[oldest.key]


def key_of(who: Admitted, join: Join) -> tuple[str, str]:
    """Give what makes a member: whose it is, and at which client."""
    return who.identity, join.client or f"device {join.device.value}"
