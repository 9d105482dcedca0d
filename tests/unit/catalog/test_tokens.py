"""Playback tokens: what opens a lesson and what does not."""

from __future__ import annotations

import base64
import json
import re
from contextlib import suppress

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import NoRight
from catalog.http.problem import status_of
from catalog.ids import make_id
from catalog.tokens import (
    KEY_BYTES,
    SETTLE_S,
    TOKEN_LIMIT_CHARS,
    Grant,
    Keyring,
    Signer,
    SigningKey,
    TokenError,
    TokenExpired,
    TokenForeign,
    TokenKind,
    TokenWrong,
    Verifier,
)

LESSON, OTHER = make_id(1, 1), make_id(2, 2)
SECRET = bytes(range(KEY_BYTES))
PRIVATE = Ed25519PrivateKey.from_private_bytes(SECRET)
SIGNER = Signer("k1", PRIVATE)
VERIFIER = Verifier({"k1": PRIVATE.public_key()})
GRANT = Grant(LESSON, 1000, 4600, "someone")


def sign_raw(claims: object, **headers: str) -> str:
    return jwt.api_jws.PyJWS().encode(
        json.dumps(claims).encode(), PRIVATE, "EdDSA", headers={"kid": "k1", **headers}
    )


def test_a_token_gives_back_what_was_granted() -> None:
    assert VERIFIER.verify(SIGNER.sign(GRANT), LESSON, 4599.9) == GRANT


def test_a_token_without_a_person_is_smaller_and_good() -> None:
    token = SIGNER.sign(Grant(LESSON, 1000, 4600))
    assert VERIFIER.verify(token, LESSON, 1000).person == ""
    assert len(token) < len(SIGNER.sign(GRANT)) < 300


def test_a_token_needs_no_escaping_in_a_url() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", SIGNER.sign(GRANT))


def test_expiry_is_the_first_second_that_does_not_hold() -> None:
    with pytest.raises(TokenExpired):
        VERIFIER.verify(SIGNER.sign(GRANT), LESSON, 4600)


def test_another_lesson_is_foreign() -> None:
    with pytest.raises(TokenForeign):
        VERIFIER.verify(SIGNER.sign(GRANT), OTHER, 2000)


def test_another_use_is_foreign() -> None:
    token = sign_raw({"lesson": LESSON, "use": "publish", "iat": 1, "exp": 9})
    with pytest.raises(TokenForeign):
        VERIFIER.verify(token, LESSON, 2)


def test_an_unknown_key_is_foreign() -> None:
    token = Signer("k2", PRIVATE).sign(GRANT)
    with pytest.raises(TokenForeign):
        VERIFIER.verify(token, LESSON, 2000)


def test_a_stranger_who_borrows_the_key_id_is_wrong() -> None:
    token = Signer("k1", Ed25519PrivateKey.generate()).sign(GRANT)
    with pytest.raises(TokenWrong):
        VERIFIER.verify(token, LESSON, 2000)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


CLAIMS = {"lesson": LESSON, "use": "play", "iat": 1000, "exp": 4600}
PUBLIC_RAW = PRIVATE.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "..",
        "a.b.c",
        "课.堂.",
        "\x00.\x00.\x00",
        part([]) + "." + part(CLAIMS) + ".x",
        part({"alg": "none", "kid": "k1"}) + "." + part(CLAIMS) + ".",
        part({"alg": "EdDSA", "kid": "k1"}) + "." + part(CLAIMS) + ".AAAA",
        jwt.encode(CLAIMS, PUBLIC_RAW, "HS256", headers={"kid": "k1"}),
        SIGNER.sign(GRANT)[:-8],
        SIGNER.sign(GRANT) + "." + "A" * TOKEN_LIMIT_CHARS,
        sign_raw(CLAIMS | {"exp": "tomorrow"}),
        sign_raw(CLAIMS | {"lesson": "../../etc/passwd"}),
        sign_raw(CLAIMS | {"sub": 7}),
        sign_raw(["lesson"]),
        sign_raw({}),
    ],
)
def test_what_is_not_ours_is_wrong(token: str) -> None:
    with pytest.raises(TokenWrong):
        VERIFIER.verify(token, LESSON, 2000)


@given(st.integers(0, len(SIGNER.sign(GRANT)) - 1), st.sampled_from("Aa0_-.!"))
def test_no_changed_character_opens_more(position: int, character: str) -> None:
    token = SIGNER.sign(GRANT)
    changed = token[:position] + character + token[position + 1 :]
    with suppress(TokenError):
        assert VERIFIER.verify(changed, LESSON, 2000) == GRANT


def test_every_leaf_means_403() -> None:
    for leaf in (TokenWrong, TokenExpired, TokenForeign):
        assert issubclass(leaf, NoRight)
        assert status_of(leaf("x")) == 403


def test_a_fresh_key_verifies_at_once_and_signs_when_it_has_settled() -> None:
    old = SigningKey("old", SECRET, 0.0)
    new = SigningKey("new", bytes(KEY_BYTES), 10_000.0)
    ring = Keyring([new, old], 10_001.0)
    grant = Grant(LESSON, 10_001, 20_000)
    by_old, by_new = ring.sign(grant), Signer("new", new.private).sign(grant)
    assert jwt.get_unverified_header(by_old)["kid"] == "old"
    assert ring.verify(by_old, LESSON, 10_002) == ring.verify(by_new, LESSON, 10_002) == grant

    ring.replace([old, new], 10_000 + SETTLE_S)
    assert jwt.get_unverified_header(ring.sign(grant))["kid"] == "new"
    assert ring.verify(by_old, LESSON, 10_002) == grant

    ring.replace([new], 10_000 + SETTLE_S)
    with pytest.raises(TokenForeign):
        ring.verify(by_old, LESSON, 10_002)


def test_the_first_key_signs_without_waiting() -> None:
    ring = Keyring([SigningKey("only", SECRET, 500.0)], 500.0)
    assert ring.verify(ring.sign(GRANT), LESSON, 2000, TokenKind.PLAYBACK) == GRANT
    assert set(ring.public_keys) == {"only"}
