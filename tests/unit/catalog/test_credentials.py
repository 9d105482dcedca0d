"""Forms of user names, passwords and session tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.credentials import (
    PASSWORD_LIMIT_CHARS,
    USERNAME_LIMIT_CHARS,
    csrf_of,
    digest_of,
    is_token,
    network_of,
    new_token,
    normal_password,
    password_of,
    random_password,
    same,
    username_of,
)
from catalog.errors import Invalid


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" Wang.Li ", "wang.li"),
        ("ＷＡＮＧ", "wang"),
        ("王老师", "王老师"),
        ("a@qdedu.cn", "a@qdedu.cn"),
    ],
)
def test_user_names_have_one_form(text: str, name: str) -> None:
    assert username_of(text) == name


@pytest.mark.parametrize(
    "text",
    ["", "a", "-a", "_a", "a b", "a/b", "../x", "a\x00b", "a\nb", "a'--", "<b>", "\ud800a",
     "a" * (USERNAME_LIMIT_CHARS + 1), "a" * 10_000_000],
)  # fmt: skip
def test_other_user_names_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        username_of(text)
    assert set(caught.value.fields) == {"username"}


@pytest.mark.parametrize(
    ("text", "why"),
    [("short12", "at least"), ("x1" * 65, "at most"), ("wang.laoshi", "user name"),
     ("abababab", "repeat")],
)  # fmt: skip
def test_weak_passwords_are_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        password_of(text, "wang.laoshi")


def test_a_password_fits_however_it_was_typed() -> None:
    assert password_of("e\u0301cole-des-filles") == normal_password("école-des-filles")


def test_what_is_too_long_or_broken_is_cut_and_never_raises() -> None:
    assert len(normal_password("x" * 10_000_000)) == PASSWORD_LIMIT_CHARS + 1
    assert normal_password("a\ud800b") == "a?b"


def test_made_passwords_are_good_and_differ() -> None:
    made = {random_password() for _ in range(100)}
    assert len(made) == 100
    assert {password_of(text) for text in made} == made


def test_tokens_have_a_form_and_a_digest() -> None:
    token = new_token()
    assert is_token(token)
    assert not is_token(token + "\n")
    assert not is_token(token[:-1])
    assert len(digest_of(token)) == 32
    assert csrf_of(token) == csrf_of(token) != csrf_of(new_token())
    assert token not in csrf_of(token)


@given(st.text(), st.text())
def test_secrets_compare_whatever_they_are(one: str, other: str) -> None:
    assert same(one, one)
    assert not same(one + "x", one)
    assert same(one, other) == (one.encode("utf-8", "replace") == other.encode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:aaaa::7", "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("", "unknown"),
        ("x" * 1000, "unknown"),
    ],
)
def test_rate_limits_count_households(address: str, network: str) -> None:
    assert network_of(address) == network
