"""Who was in a room behind the box while the origin could not see it. Pure.

A member that is here while its way upstream is away has a **stay**: from when it came until it
left, or until the origin sees it again. A stay is told (`stayed`, streaming/room/README.md) on the
member's own connection when that is back; one of a member that has left meanwhile, on a connection
made for it with what the member had shown. It is kept until the room has noted it.

A member that comes back within BACK_S, as after a restart of the box, goes on with its stay: the
origin, too, takes such a break for none. Times are monotonic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

BACK_S = 30.0
OLD_S = 24 * 3600.0
STAYS_LIMIT = 2000
JOIN_LIMIT_CHARS = 2048

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Voice:
    """What a member showed and said when it came: with that it can be spoken for."""

    path: str
    headers: Mapping[str, str] = field(repr=False)
    join: str = field(repr=False)


@dataclass(slots=True)
class Stay:
    """One stay; `here` while its member is, else it ended when it was last seen.

    left: it was seen to leave (and did not end with the box).
    """

    id: str
    key: Key
    voice: Voice
    began_at: float
    seen_at: float
    here: bool = True
    left: bool = False
    telling: bool = False


@dataclass(slots=True)
class _Member:
    key: Key
    voice: Voice
    began_at: float
    stay: str | None = None


class Stays:
    """All stays that the origin has not noted; `back_s` as BACK_S."""

    def __init__(self, new_id: Callable[[], str], back_s: float = BACK_S) -> None:
        self._new_id = new_id
        self._back_s = back_s
        self._members: dict[int, _Member] = {}
        self._stays: dict[str, Stay] = {}
        self._changed: set[str] = set()
        self._numbers = count()
        self._tellings = count(1)
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._stays)

    @property
    def any_here(self) -> bool:
        """Tell whether somebody is here unseen by the origin."""
        return any(stay.here for stay in self._stays.values())

    def restore(self, stays: Iterable[Stay]) -> None:
        """Take what was kept when the box ended; nobody is here yet."""
        for stay in stays:
            stay.here = False
            self._stays[stay.id] = stay

    def came(self, key: Key, voice: Voice, now: float) -> int:
        """A member has come; give its number here."""
        number = next(self._numbers)
        member = self._members[number] = _Member(key, voice, now)
        before = self._of_before(key, now)
        if before is not None:
            before.voice, before.here, before.left = voice, True, False
            member.began_at, member.stay = before.began_at, before.id
            self._changed.add(before.id)
        return number

    def hidden(self, number: int, now: float) -> None:
        """The origin does not see this member now."""
        member = self._members[number]
        if member.stay in self._stays or len(member.voice.join) > JOIN_LIMIT_CHARS:
            return
        stay = Stay(self._new_id(), member.key, member.voice, member.began_at, now)
        member.stay = stay.id
        self._stays[stay.id] = stay
        self._changed.add(stay.id)
        if len(self._stays) > STAYS_LIMIT:
            self.dropped += 1
            self.forget(next(iter(self._stays)))

    def left(self, number: int, now: float, seen: bool) -> None:
        """A member has left; `seen`: the origin saw that itself."""
        if not seen:
            self.hidden(number, now)
        member = self._members.pop(number)
        stay = self._stays.get(member.stay or "")
        if stay is not None and not self._is_had(stay):
            stay.here, stay.left, stay.seen_at = False, True, now
            self._changed.add(stay.id)

    def see(self, now: float) -> None:
        """Everybody who is here is here now."""
        for stay in self._stays.values():
            if stay.here:
                stay.seen_at = now

    def word_of(self, number: int, now: float) -> str | None:
        """Give what is to be said of a member's stay, on its own connection."""
        stay = self._stays.get(self._members[number].stay or "")
        return None if stay is None else self._word(f"{stay.id}.{next(self._tellings)}", stay, now)

    def stay_of(self, number: int) -> str | None:
        """Give the id of a member's stay, if it has one."""
        return self._members[number].stay

    def due(self, now: float) -> Stay | None:
        """Give a stay of somebody who will not come back to it."""
        for stay in list(self._stays.values()):
            if not stay.here and now - stay.seen_at > OLD_S:
                self.dropped += 1
                self.forget(stay.id)
        over = (one for one in self._stays.values() if not one.here)
        return next((one for one in over if now >= one.seen_at + self._back_s), None)

    def due_at(self) -> float | None:
        """Tell when `due` has something to give; None: nobody knows."""
        over = (one.seen_at + self._back_s for one in self._stays.values() if not one.here)
        return min(over, default=None)

    def tell(self, stay: Stay, now: float) -> str:
        """Give what is to be said of a stay that is over; nobody goes on with it any more."""
        stay.telling = True
        return self._word(stay.id, stay, now)

    def not_told(self, stay: Stay) -> None:
        """It did not work; the others go first."""
        if self._stays.pop(stay.id, None) is not None:
            self._stays[stay.id] = stay

    def forget(self, stay: str) -> None:
        """Keep a stay no longer."""
        if self._stays.pop(stay, None) is not None:
            self._changed.add(stay)

    def changes(self) -> tuple[Sequence[Stay], Sequence[str]]:
        """Give what is to be kept anew, and the ids of what is not to be kept any more."""
        changed, self._changed = self._changed, set()
        kept = [self._stays[one] for one in changed if one in self._stays]
        return kept, [one for one in changed if one not in self._stays]

    def not_kept(self, stays: Iterable[str]) -> None:
        """The disk did not take these: they come again with the next changes."""
        self._changed.update(stays)

    def _of_before(self, key: Key, now: float) -> Stay | None:
        found = (one for one in self._stays.values() if one.key == key and not one.telling)
        return next((one for one in found if one.here or now - one.seen_at <= self._back_s), None)

    def _is_had(self, stay: Stay) -> bool:
        """Tell whether another connection of the same member goes on with it."""
        return any(one.stay == stay.id for one in self._members.values())

    def _word(self, word: str, stay: Stay, now: float) -> str:
        ended_ago_s = 0.0 if stay.here else max(0.0, now - stay.seen_at)
        began_ago_s = max(ended_ago_s, now - stay.began_at)
        return json.dumps(
            {
                "type": "stayed", "id": word, "left": stay.left,
                "began_ago_s": round(min(OLD_S, began_ago_s), 3),
                "ended_ago_s": round(min(OLD_S, ended_ago_s), 3),
                "join": json.loads(stay.voice.join),
            },
            ensure_ascii=False,
        )  # fmt: skip
