"""What a viewer is given to take part in a session: the grant that its token carries. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.live import RoomRole
from catalog.people import Role, Viewer
from catalog.session_rights import SessionPlace, room_role
from catalog.tokens import SessionGrant


def session_grant(
    viewer: Viewer,
    session: str,
    place: SessionPlace,
    rooms: Sequence[Mapping[str, Any]],
    now_utc: float,
    holds_s: int,
) -> SessionGrant | None:
    """Give what opens the session to the viewer, or None. `rooms` are a SessionRecord's."""
    role = room_role(viewer, place)
    if role is None:
        return None
    room = _own_room(viewer, rooms)
    name = f"{room['school_name']} {room['name']}" if room else viewer.name
    return SessionGrant(
        session, int(now_utc), int(now_utc) + holds_s, role, viewer.person_id,
        room["id"] if room else "", name,
    )  # fmt: skip


def may_publish(grant: SessionGrant) -> bool:
    """Tell whether who holds the grant may go live from the browser without a key."""
    return grant.role is RoomRole.TEACHER


def _own_room(viewer: Viewer, rooms: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    devices = {a.classroom_id for a in viewer.affiliations if a.role is Role.CLASSROOM}
    return next((room for room in rooms if room["id"] in devices), None)
