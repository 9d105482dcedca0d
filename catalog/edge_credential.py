"""What an edge shows with each request: a short-lived word, signed by its own key. Pure.

    Authorization: Edge <compact JWT, EdDSA; iss = the edge's id, aud = tongbu-edge, iat, exp>

The origin keeps the public key and asks it each time, so an edge that is revoked is out at once.
Nobody else's key makes one, and it is no playback token: those are signed by the origin's keys and
carry no audience. Wall time is an argument, for both sides have their own clock.

Spec: RFC 7519 (JWT), RFC 8037 (EdDSA).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.types import Options

from catalog.errors import SignInNeeded
from catalog.ids import is_id

SCHEME = "Edge"
AUDIENCE = "tongbu-edge"
LASTS_S = 120
LONGEST_S = 300
CLOCKS_APART_S = 60
CREDENTIAL_LIMIT_CHARS = 512
_ALGORITHM = "EdDSA"
_SIGNATURE_ONLY = Options(
    verify_exp=False, verify_iat=False, verify_nbf=False, verify_sub=False, verify_jti=False,
    verify_aud=False, verify_iss=False,
)  # fmt: skip


class CredentialWrong(SignInNeeded):
    """No credential of an edge that is known here."""


class CredentialExpired(SignInNeeded):
    """A credential whose time is over or has not come: look at the edge's clock."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a credential says: of which edge, from and to (whole Unix seconds)."""

    edge: str
    issued_utc: int
    expires_utc: int


def sign(edge: str, key: Ed25519PrivateKey, now_utc: float, lasts_s: int = LASTS_S) -> str:
    """Make a credential that holds from now on."""
    now = int(now_utc)
    claims = {"iss": edge, "aud": AUDIENCE, "iat": now, "exp": now + lasts_s}
    return jwt.encode(claims, key, _ALGORITHM)


def issuer_of(text: str) -> str:
    """Tell whose credential it claims to be, unproven: to find the key. Raises: CredentialWrong."""
    if len(text) > CREDENTIAL_LIMIT_CHARS:
        raise _wrong()
    try:
        claims = jwt.decode(text, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError) as error:
        raise _wrong() from error
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not is_id(issuer):
        raise _wrong()
    return issuer


def verify(text: str, public_key: bytes, now_utc: float) -> Credential:
    """Give what a credential says when this key has signed it and it holds now.

    Raises: CredentialWrong, CredentialExpired.
    """
    edge = issuer_of(text)
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        claims: Mapping[str, Any] = jwt.decode(text, key, [_ALGORITHM], options=_SIGNATURE_ONLY)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise CredentialWrong(
            "this credential is forged, or of a key that was replaced: enrol this edge anew"
        ) from error
    match claims:
        case {"aud": str(aud), "iat": int(issued), "exp": int(expires)} if aud == AUDIENCE:
            return _holding(Credential(edge, issued, expires), now_utc)
    raise _wrong()


def _holding(found: Credential, now_utc: float) -> Credential:
    if not 0 < found.expires_utc - found.issued_utc <= LONGEST_S:
        raise CredentialWrong(f"a credential lasts at most {LONGEST_S} s: make a new one")
    if now_utc >= found.expires_utc or found.issued_utc > now_utc + CLOCKS_APART_S:
        apart_s = found.issued_utc - now_utc
        raise CredentialExpired(
            f"this credential was made {abs(apart_s):.0f} s "
            f"{'ahead of' if apart_s > 0 else 'before'} the time here: set the edge's clock"
        )
    return found


def _wrong() -> CredentialWrong:
    return CredentialWrong("this is no credential of an edge: enrol it with a code")
