"""Playback tokens: who may play a lesson, or join a session, until when. Pure.

A compact JWT signed with Ed25519; the header names the key, so keys can rotate. An edge in a
school needs the public keys and nothing else to check one. Wall time is an argument.

    TokenError (a NoRight: 403)
    ├── TokenWrong     no token of ours: form, algorithm, claims or signature
    ├── TokenExpired   was good until its expiry
    └── TokenForeign   for another lesson or use, or signed with a key that is not known here

Spec: RFC 7519 (JWT), RFC 8037 (EdDSA), RFC 7515 4.1.4 (kid).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.types import Options

from catalog.errors import Invalid, NoRight
from catalog.ids import is_id
from catalog.live import RoomRole

TOKEN_LIMIT_CHARS = 1024
NAME_LIMIT_CHARS = 40
KEY_BYTES = 32
SETTLE_S = 600.0
_ALGORITHM = "EdDSA"
_SIGNATURE_ONLY = Options(
    verify_exp=False, verify_iat=False, verify_nbf=False, verify_sub=False, verify_jti=False
)


class TokenError(NoRight):
    """Root: this token does not open this."""


class TokenWrong(TokenError):
    """Not a token of ours."""


class TokenExpired(TokenError):
    """A token of ours whose time is over."""


class TokenForeign(TokenError):
    """A token for something else, or of a key that is not known here."""


class TokenKind(Enum):
    """What a token is for."""

    PLAYBACK = "play"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: this lesson, for this use, from and to (whole Unix seconds), by whom."""

    lesson: str
    issued_utc: int
    expires_utc: int
    person: str = ""
    kind: TokenKind = TokenKind.PLAYBACK


@dataclass(frozen=True, slots=True)
class SessionGrant:
    """What opens a session's /live: as whom, and for people and classrooms their id and name."""

    session: str
    issued_utc: int
    expires_utc: int
    role: RoomRole
    person: str = ""
    classroom: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs grants with one private key."""

    key_id: str
    private_key: Ed25519PrivateKey

    def sign(self, grant: Grant) -> str:
        """Give the token: URL-safe text of about 250 characters."""
        claims: dict[str, Any] = {
            "lesson": grant.lesson,
            "use": grant.kind.value,
            "iat": grant.issued_utc,
            "exp": grant.expires_utc,
        }
        if grant.person:
            claims["sub"] = grant.person
        return self._encode(claims)

    def sign_session(self, grant: SessionGrant) -> str:
        """Give the token of a session: at most TOKEN_LIMIT_CHARS, since the name is cut."""
        claims: dict[str, Any] = {
            "session": grant.session,
            "use": TokenKind.LIVE.value,
            "iat": grant.issued_utc,
            "exp": grant.expires_utc,
            "role": grant.role.value,
        }
        more = {"sub": grant.person, "room": grant.classroom, "name": grant.name[:NAME_LIMIT_CHARS]}
        return self._encode(claims | {name: text for name, text in more.items() if text})

    def _encode(self, claims: Mapping[str, Any]) -> str:
        return jwt.encode(dict(claims), self.private_key, _ALGORITHM, headers={"kid": self.key_id})


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks tokens with public keys, named by key id."""

    keys: Mapping[str, Ed25519PublicKey]

    def verify(
        self, token: str, lesson: str, now_utc: float, kind: TokenKind = TokenKind.PLAYBACK
    ) -> Grant:
        """Give what the token grants when it is for this lesson and use, and holds now.

        Raises: TokenWrong, TokenExpired, TokenForeign.
        """
        grant = _grant(self._read(token))
        if grant.lesson != lesson or grant.kind is not kind:
            raise TokenForeign("this playback token is for another lesson")
        if now_utc >= grant.expires_utc:
            raise TokenExpired("this playback token has expired: open the lesson again")
        return grant

    def verify_session(self, token: str, session: str, now_utc: float) -> SessionGrant:
        """Give what the token grants when it is for this session and holds now.

        Raises: TokenWrong, TokenExpired, TokenForeign.
        """
        grant = _session_grant(self._read(token))
        if grant.session != session:
            raise TokenForeign("this token is for another session")
        if now_utc >= grant.expires_utc:
            raise TokenExpired("this token has expired: open the session again")
        return grant

    def _read(self, token: str) -> Mapping[str, Any]:
        if len(token) > TOKEN_LIMIT_CHARS:
            raise TokenWrong("this is not a playback token")
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenWrong("this is not a playback token") from error
        key = self.keys.get(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise TokenForeign("this playback token was signed elsewhere")
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token, key, [_ALGORITHM], options=_SIGNATURE_ONLY
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenWrong("this playback token is damaged or forged") from error
        return claims


def public_words(keys: Mapping[str, Ed25519PublicKey]) -> dict[str, str]:
    """Give public keys as an edge is told them: base64 of 32 bytes, by key id."""
    return {name: b64encode(key.public_bytes_raw()).decode() for name, key in keys.items()}


def read_public_words(words: Mapping[str, str]) -> dict[str, Ed25519PublicKey]:
    """Read what `public_words` gave: the keys of a Verifier. Raises: Invalid."""
    try:
        return {
            name: Ed25519PublicKey.from_public_bytes(b64decode(word, validate=True))
            for name, word in words.items()
        }
    except ValueError as error:
        raise Invalid("these are no public keys of an origin") from error


def _grant(claims: Mapping[str, Any]) -> Grant:
    match claims:
        case {"lesson": str(lesson), "use": str(use), "iat": int(issued), "exp": int(expires)}:
            person = claims.get("sub", "")
            if is_id(lesson) and isinstance(person, str):
                return Grant(lesson, issued, expires, person, _kind(use))
    _require_not(claims, TokenKind.LIVE)
    raise TokenWrong("this playback token says nothing that is understood here")


def _session_grant(claims: Mapping[str, Any]) -> SessionGrant:
    match claims:
        case {"session": str(session), "use": TokenKind.LIVE.value, "iat": int(issued),
              "exp": int(expires), "role": str(role)} if is_id(session):  # fmt: skip
            rest = [claims.get(name, "") for name in ("sub", "room", "name")]
            if role in _ROLES and all(isinstance(text, str) for text in rest):
                return SessionGrant(session, issued, expires, RoomRole(role), *rest)
    _require_not(claims, TokenKind.PLAYBACK)
    raise TokenWrong("this token says nothing that is understood here")


def _require_not(claims: Mapping[str, Any], other: TokenKind) -> None:
    if claims.get("use") == other.value:
        raise TokenForeign("this token is for another use")


_ROLES = frozenset(role.value for role in RoomRole)


def _kind(use: str) -> TokenKind:
    try:
        return TokenKind(use)
    except ValueError:
        raise TokenForeign("this token is for another use") from None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key as it is kept: its id, 32 secret bytes, and since when (Unix seconds)."""

    id: str
    secret: bytes = field(repr=False)
    created_utc: float

    @property
    def private(self) -> Ed25519PrivateKey:
        """The key that signs."""
        return Ed25519PrivateKey.from_private_bytes(self.secret)


class Keyring:
    """The keys of an origin now; `replace` takes a newer set while requests go on.

    A fresh key verifies at once but signs only after SETTLE_S, when every origin has read it.
    """

    def __init__(self, keys: Iterable[SigningKey], now_utc: float) -> None:
        self.replace(keys, now_utc)

    def replace(self, keys: Iterable[SigningKey], now_utc: float) -> None:
        """Take this set of keys, at least one, in place of the present one."""
        ordered = sorted(keys, key=lambda key: (key.created_utc, key.id))
        settled = [key for key in ordered if key.created_utc + SETTLE_S <= now_utc]
        chosen = settled[-1] if settled else ordered[0]
        self._signer = Signer(chosen.id, chosen.private)
        self._verifier = Verifier({key.id: key.private.public_key() for key in ordered})

    def sign(self, grant: Grant) -> str:
        """Sign with the present key."""
        return self._signer.sign(grant)

    def sign_session(self, grant: SessionGrant) -> str:
        """Sign with the present key."""
        return self._signer.sign_session(grant)

    def verify_session(self, token: str, session: str, now_utc: float) -> SessionGrant:
        """Check as Verifier.verify_session does, with every key of the ring."""
        return self._verifier.verify_session(token, session, now_utc)

    def verify(
        self, token: str, lesson: str, now_utc: float, kind: TokenKind = TokenKind.PLAYBACK
    ) -> Grant:
        """Check as Verifier.verify does, with every key of the ring."""
        return self._verifier.verify(token, lesson, now_utc, kind)

    @property
    def public_keys(self) -> Mapping[str, Ed25519PublicKey]:
        """What an edge needs to verify."""
        return self._verifier.keys
