"""Tokens that open a session's /live, and what they do not open."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalog.ids import make_id
from catalog.live import RoomRole
from catalog.tokens import (
    KEY_BYTES,
    TOKEN_LIMIT_CHARS,
    Grant,
    Keyring,
    SessionGrant,
    Signer,
    SigningKey,
    TokenExpired,
    TokenForeign,
    TokenWrong,
    Verifier,
)

SESSION, OTHER = make_id(1, 1), make_id(2, 2)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(KEY_BYTES)))
SIGNER = Signer("k1", PRIVATE)
VERIFIER = Verifier({"k1": PRIVATE.public_key()})
GRANT = SessionGrant(SESSION, 1000, 4600, RoomRole.CLASSROOM, make_id(3, 3), make_id(4, 4), "听讲")


def test_a_token_gives_back_what_was_granted() -> None:
    assert VERIFIER.verify_session(SIGNER.sign_session(GRANT), SESSION, 4599.9) == GRANT


def test_a_guests_token_is_small() -> None:
    guest = SessionGrant(SESSION, 1000, 4600, RoomRole.VIEWER)
    token = SIGNER.sign_session(guest)
    assert VERIFIER.verify_session(token, SESSION, 1000) == guest
    assert len(token) < 300


def test_a_long_name_is_cut_so_that_the_token_fits() -> None:
    long = SessionGrant(SESSION, 1000, 4600, RoomRole.TEACHER, make_id(3, 3), "", "课" * 100)
    token = SIGNER.sign_session(long)
    assert len(token) < TOKEN_LIMIT_CHARS
    assert VERIFIER.verify_session(token, SESSION, 1000).name == "课" * 40


def test_another_session_time_or_use_is_refused() -> None:
    token = SIGNER.sign_session(GRANT)
    with pytest.raises(TokenForeign):
        VERIFIER.verify_session(token, OTHER, 1000)
    with pytest.raises(TokenExpired):
        VERIFIER.verify_session(token, SESSION, 4600)
    with pytest.raises(TokenForeign):
        VERIFIER.verify(token, SESSION, 1000)
    with pytest.raises(TokenForeign):
        VERIFIER.verify_session(SIGNER.sign(Grant(SESSION, 1000, 4600)), SESSION, 1000)


@pytest.mark.parametrize(
    "change",
    [{"role": "king"}, {"role": 1}, {"session": "short"}, {"exp": "soon"}, {"name": 7}],
)
def test_claims_of_another_form_are_wrong(change: dict[str, object]) -> None:
    claims = {"session": SESSION, "use": "live", "iat": 1, "exp": 9, "role": "viewer", **change}
    token = jwt.encode(claims, PRIVATE, "EdDSA", headers={"kid": "k1"})
    with pytest.raises(TokenWrong):
        VERIFIER.verify_session(token, SESSION, 2)


def test_a_keyring_signs_and_verifies() -> None:
    ring = Keyring([SigningKey("k1", bytes(range(KEY_BYTES)), 0.0)], 1000.0)
    assert ring.verify_session(ring.sign_session(GRANT), SESSION, 1000) == GRANT
