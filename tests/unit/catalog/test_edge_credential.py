"""What an edge shows with each request: only its own key makes it, and only for a while."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalog.edge_credential import (
    AUDIENCE,
    CLOCKS_APART_S,
    CREDENTIAL_LIMIT_CHARS,
    LASTS_S,
    LONGEST_S,
    Credential,
    CredentialExpired,
    CredentialWrong,
    issuer_of,
    sign,
    verify,
)
from catalog.errors import Invalid, SignInNeeded
from catalog.ids import make_id
from catalog.tokens import Grant, Signer, TokenError, Verifier, public_words, read_public_words

NOW = 1_790_000_000.5
EDGE = make_id(1, 1)
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
GOOD = {"iss": EDGE, "aud": AUDIENCE, "iat": int(NOW), "exp": int(NOW) + 60}


def made(key: Ed25519PrivateKey = KEY, **changes: Any) -> str:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return jwt.encode(claims, key, "EdDSA")


def test_a_credential_of_the_edges_own_key_holds_for_a_while() -> None:
    text = sign(EDGE, KEY, NOW)
    found = Credential(EDGE, int(NOW), int(NOW) + LASTS_S)
    assert issuer_of(text) == EDGE
    assert verify(text, PUBLIC, NOW) == found
    assert verify(text, PUBLIC, NOW + LASTS_S - 1) == found
    with pytest.raises(CredentialExpired, match="set the edge's clock"):
        verify(text, PUBLIC, NOW + LASTS_S)
    assert len(text) < CREDENTIAL_LIMIT_CHARS


def test_clocks_may_differ_a_little() -> None:
    text = sign(EDGE, KEY, NOW)
    assert verify(text, PUBLIC, NOW - CLOCKS_APART_S).edge == EDGE
    with pytest.raises(CredentialExpired, match="120 s ahead"):
        verify(text, PUBLIC, NOW - 120.5)


@pytest.mark.parametrize(
    "text",
    [
        made(OTHER),
        made(aud="tongbu"),
        made(aud=None),
        made(aud=[AUDIENCE]),
        made(iat=None),
        made(exp=None),
        made(exp=str(int(NOW) + 60)),
        made(exp=int(NOW) + LONGEST_S + 1),
        made(exp=int(NOW) - 1, iat=int(NOW)),
        made(iss=None),
        made(iss="../../x"),
        jwt.encode(GOOD, "", "none"),
        jwt.encode(GOOD, "k" * 32, "HS256"),
        "",
        "a.b.c",
        "课" * 40,
        made() + "x" * CREDENTIAL_LIMIT_CHARS,
        made()[:-4] + "AAAA",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(CredentialWrong):
        verify(text, PUBLIC, NOW)


def test_a_refusal_asks_to_sign_in() -> None:
    with pytest.raises(SignInNeeded):
        verify("", PUBLIC, NOW)


def test_a_public_key_that_is_none_proves_nothing() -> None:
    with pytest.raises(CredentialWrong):
        verify(sign(EDGE, KEY, NOW), b"short", NOW)


def test_an_edge_cannot_make_a_playback_token() -> None:
    origin = Ed25519PrivateKey.generate()
    verifier = Verifier(read_public_words(public_words({"k1": origin.public_key()})))
    lesson = make_id(1, 9)
    grant = Grant(lesson, int(NOW), int(NOW) + 60)
    assert verifier.verify(Signer("k1", origin).sign(grant), lesson, NOW) == grant
    forged = [
        Signer("k1", KEY).sign(grant),
        Signer(EDGE, KEY).sign(grant),
        sign(EDGE, KEY, NOW),
        jwt.encode({**GOOD, "lesson": lesson, "use": "play"}, KEY, "EdDSA", {"kid": "k1"}),
    ]
    for text in forged:
        with pytest.raises(TokenError):
            verifier.verify(text, lesson, NOW)


@pytest.mark.parametrize("words", [{"k": "!"}, {"k": "AAAA"}, {"k": ""}])
def test_what_is_no_public_key_is_refused(words: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        read_public_words(words)
