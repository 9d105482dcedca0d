"""People as JSON: an account, its affiliations, and what is asked when one is added or changed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from catalog.db.people import AffiliationRecord, PersonRecord
from catalog.http.lesson_json import Named
from catalog.http.listing import Id

Text = Annotated[str, Meta(max_length=100)]
RoleName = Literal[
    "administrator", "district", "school", "teacher", "researcher", "classroom", "pupil"
]
HIGHEST_QUOTA_BYTES = 1 << 50


class AffiliationBody(msgspec.Struct):
    """A role at a place; `until` is the first day that it no longer holds."""

    id: str
    role: str
    school: Named | None
    district: Named | None
    classroom: Named | None
    since: date
    until: date | None


class UserBody(msgspec.Struct):
    """An account."""

    id: str
    username: str
    name: str
    disabled: bool
    quota_bytes: int
    used_bytes: int
    affiliations: list[AffiliationBody]


class NewAffiliation(msgspec.Struct, forbid_unknown_fields=True):
    """A role to give; places by id, the narrowest only; from today unless said otherwise."""

    role: RoleName
    school: Id | None = None
    district: Id | None = None
    classroom: Id | None = None
    since: date | None = None
    until: date | None = None


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """An account to add; without a password one is made and answered once."""

    username: Text
    name: Text
    password: Annotated[str, Meta(max_length=128)] | None = None
    quota_bytes: Annotated[int, Meta(ge=0, le=HIGHEST_QUOTA_BYTES)] | None = None
    affiliations: Annotated[list[NewAffiliation], Meta(max_length=50)] = []


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to change of an account."""

    name: Text | None = None
    disabled: bool | None = None
    quota_bytes: Annotated[int, Meta(ge=0, le=HIGHEST_QUOTA_BYTES)] | None = None


class PasswordAnswer(msgspec.Struct):
    """A password that is shown this once."""

    password: str


class AddedUser(UserBody, kw_only=True):
    """A new account, with its password when that was made here."""

    password: str | None


def affiliation_body(item: AffiliationRecord) -> AffiliationBody:
    """Show an affiliation."""
    held = item.held
    return AffiliationBody(
        item.id,
        held.role.value,
        _place(held.school_id, item.school_name),
        _place(held.district_id, item.district_name),
        _place(held.classroom_id, item.classroom_name),
        held.since,
        held.until,
    )


def _place(key: str | None, name: str | None) -> Named | None:
    return Named(key, name or "") if key else None


def user_body(person: PersonRecord) -> UserBody:
    """Show an account."""
    return UserBody(
        person.id,
        person.username,
        person.name,
        person.disabled,
        person.quota_bytes,
        person.used_bytes,
        [affiliation_body(item) for item in person.affiliations],
    )


def added_user(person: PersonRecord, password: str | None) -> AddedUser:
    """Show a new account with the password that was made for it."""
    return AddedUser(**msgspec.structs.asdict(user_body(person)), password=password)
