"""The boxes in the schools: what an edge is, its states, its one-time code, its name. Pure.

waiting ──enrolled──► enrolled ──revoked──► revoked ──new code──► waiting

A code enrols one box once; an edge that is enrolled may get a new code for the box that replaces
it, and the old box works until then. An edge sees what a pupil of its school sees: rights are asked
for `KnownEdge.viewer`, so that no second table of them can drift from catalog/people.py.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import date
from enum import Enum

from catalog.errors import Conflict, Invalid
from catalog.ids import is_id
from catalog.people import Affiliation, Role, Viewer
from catalog.rights import Place, rules

CODE_CHARS = 10
CODE_LASTS_S = 24 * 3600.0
CODE_LIMIT_CHARS = 32
KEY_BYTES = 32
EDGES_OF_SCHOOL_LIMIT = 20
VERSION_LIMIT_CHARS = 40
EDGE_PERSON = "edge:"
_READABLE = "34679ACDEFHJKMNPQRTVWXY"
_GROUP_CHARS = 5
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_ALWAYS = date(2000, 1, 1)


class EdgeState(Enum):
    """Where an edge stands."""

    WAITING = "waiting"
    ENROLLED = "enrolled"
    REVOKED = "revoked"


class EdgeInput(Enum):
    """What can happen to an edge."""

    CODE_GIVEN = "a new code"
    ENROLLED = "enrolment"
    REVOKED = "revocation"


_S, _I = EdgeState, EdgeInput
TRANSITIONS: dict[tuple[EdgeState, EdgeInput], EdgeState] = {
    (_S.WAITING, _I.CODE_GIVEN): _S.WAITING,
    (_S.WAITING, _I.ENROLLED): _S.ENROLLED,
    (_S.WAITING, _I.REVOKED): _S.REVOKED,
    (_S.ENROLLED, _I.CODE_GIVEN): _S.ENROLLED,
    (_S.ENROLLED, _I.ENROLLED): _S.ENROLLED,
    (_S.ENROLLED, _I.REVOKED): _S.REVOKED,
    (_S.REVOKED, _I.CODE_GIVEN): _S.WAITING,
}


def step(state: EdgeState, event: EdgeInput) -> EdgeState:
    """Give the next state. Raises: Conflict when the event makes no sense in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Conflict(f"an edge that is {state.value} cannot take: {event.value}") from None


@dataclass(frozen=True, slots=True)
class KnownEdge:
    """An enrolled edge as the origin knows it while it answers."""

    id: str
    name: str
    school_id: str
    school_name: str
    district_id: str
    group_id: str | None
    public_key: bytes
    names: tuple[str, ...] = ()

    @property
    def viewer(self) -> Viewer:
        """Whom rights are asked for: somebody of the school who may watch and nothing else."""
        place = Affiliation(
            Role.PUPIL, _ALWAYS, None, self.school_id, self.district_id, self.group_id
        )
        return Viewer(f"{EDGE_PERSON}{self.id}", self.name, (place,))


def may_keep_edges(viewer: Viewer, district_id: str) -> bool:
    """Adding, revoking and seeing edges is for administrators and the school's district."""
    return rules(viewer, Place(district_id))


def new_code() -> str:
    """Make a one-time code of 45 bits, without characters that look like others."""
    return "".join(secrets.choice(_READABLE) for _ in range(CODE_CHARS))


def shown_code(code: str) -> str:
    """Give a code as it is read out: two groups."""
    return f"{code[:_GROUP_CHARS]}-{code[_GROUP_CHARS:]}"


def code_of(text: str) -> str:
    """Give a code as it is compared: spaces, hyphens and small letters do not matter.

    Raises: Invalid.
    """
    code = re.sub(r"[\s-]", "", text[: CODE_LIMIT_CHARS + 1]).upper()
    if len(code) != CODE_CHARS or not set(code) <= set(_READABLE):
        sentence = f"has {CODE_CHARS} letters and digits, as the list of edges showed it"
        raise Invalid(f"code: it {sentence}", {"code": sentence})
    return code


def digest_of_code(code: str) -> bytes:
    """Give what the database keeps of a code."""
    return hashlib.sha256(b"tongbu edge code " + code.encode()).digest()


def public_key_of(raw: bytes) -> bytes:
    """Give an Ed25519 public key back when it has the right form. Raises: Invalid."""
    if len(raw) != KEY_BYTES:
        sentence = f"must be the {KEY_BYTES} bytes of an Ed25519 public key, in base64"
        raise Invalid(f"public_key {sentence}", {"public_key": sentence})
    return raw


def label_of(edge: str, name: str) -> str:
    """Give the first label of an edge's name in the DNS: its own name if it can be one.

    A name that looks like the label of another edge is passed over.

    Spec: RFC 1034 3.5.
    """
    label = name.casefold()
    if _LABEL.fullmatch(label) and not is_id(label.removeprefix("e-")):
        return label
    return f"e-{edge}"


def tls_name(edge: str, name: str, domain: str) -> str:
    """Give the name that an edge's certificate is for."""
    return f"{label_of(edge, name)}.edge.{domain}"
