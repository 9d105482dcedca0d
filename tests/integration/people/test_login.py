"""Signing in, through real HTTP on a real database."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher

from catalog.accounts import set_disabled
from catalog.credentials import digest_of
from catalog.db.logins import SESSIONS_LIMIT, read_credentials
from catalog.db.pool import Pool
from catalog.errors import TooMany
from catalog.http.login import TRIES_A_NAME, WRONG
from catalog.http.signin import COOKIE, SignInSettings
from catalog.passwords import Passwords
from catalog.people import Affiliation, Role
from tests.support.api import PASSWORD, QUICK, Desk, open_desk

START = date(2024, 9, 1)
ADMINISTRATOR = Affiliation(Role.ADMINISTRATOR, START)


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    async with open_desk(pool) as desk:
        yield desk


def login(username: str, password: str = PASSWORD) -> dict[str, str]:
    return {"username": username, "password": password}


async def rows(pool: Pool, query: str, *values: Any) -> list[dict[str, Any]]:
    async with pool.connection() as connection:
        cursor = await connection.execute(query.encode(), values)
        return await cursor.fetchall()


async def test_a_token_tells_who_one_is(desk: Desk) -> None:
    wang = await desk.person("wang", ADMINISTRATOR)
    status, me = await wang.ask("GET", "/me")
    assert (status, me["username"], me["roles"]) == (200, "wang", ["administrator"])
    assert me["is_administrator"]
    assert me["may_upload"]
    assert me["csrf"] == ""
    assert me["quota_bytes"] > me["used_bytes"] == 0


async def test_a_guest_is_nobody(desk: Desk) -> None:
    status, me = await desk.guest.ask("GET", "/me")
    assert (status, me["person_id"], me["may_upload"]) == (200, "", False)


async def test_the_user_name_s_case_and_width_do_not_matter(desk: Desk) -> None:
    await desk.add("wang")
    assert (await desk.guest.ask("POST", "/login", login(" ＷANG ")))[0] == 200


async def test_unknown_wrong_and_disabled_answer_the_same(desk: Desk) -> None:
    await desk.add("wang")
    gone = await desk.add("gone")
    async with desk.pool.connection() as connection:
        await set_disabled(connection, gone, True, START)
    tries = [login("nobody"), login("wang", "wrong-password"), login("gone"), login("-' or 1=1")]
    answers = [await desk.guest.ask("POST", "/login", body) for body in tries]
    assert {status for status, _ in answers} == {401}
    assert {found["detail"] for _, found in answers} == {WRONG}


class Counting(PasswordHasher):
    """Remembers what it was made to work on."""

    def __init__(self, seen: list[str]) -> None:
        super().__init__(time_cost=2, memory_cost=1024, parallelism=1)
        self.seen = seen

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.seen.append(str(hash))
        return super().verify(hash, password)


async def test_an_unknown_name_costs_as_much_as_a_wrong_password() -> None:
    seen: list[str] = []
    passwords = Passwords(Counting(seen))
    kept = await passwords.hash(PASSWORD)
    for stored in (kept, None):
        assert not (await passwords.check(stored, "wrong")).fits
    strength = kept.split("$")[:4]
    assert [text.split("$")[:4] for text in seen] == [strength, strength]


async def test_the_stand_in_s_own_password_opens_nothing() -> None:
    assert not (await Passwords(QUICK).check(None, "nobody has this password")).fits


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b'{"username":1,"password":2}', b"\xff\xfe", b'{"username":"a"',
     b'{"username":"' + b"a" * 100 + b'","password":"x"}', b"[" * 100_000],
)  # fmt: skip
async def test_a_broken_request_is_422(desk: Desk, raw: bytes) -> None:
    status, found = await desk.guest.ask("POST", "/login", data=raw)
    assert (status, found["status"]) == (422, 422)


@pytest.mark.parametrize(
    "name", ["a\u0000b", "a\ud800b", "课" * 64, "<b>x</b>", "'; drop table person"]
)
async def test_strange_names_and_passwords_are_only_wrong(desk: Desk, name: str) -> None:
    raw = json.dumps({"username": name, "password": name}).encode()
    assert (await desk.guest.ask("POST", "/login", data=raw))[0] in (401, 422)


async def test_the_cookie_is_closed_to_scripts_and_other_sites(desk: Desk) -> None:
    await desk.add("wang")
    async with desk.client.post("/api/v1/login", json=login("wang")) as response:
        kept = response.headers["Set-Cookie"]
        found = await response.json()
    assert f"{COOKIE}={found['token']}" in kept
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="):
        assert part in kept
    assert "Secure" not in kept


async def test_behind_https_the_cookie_is_secure(pool: Pool) -> None:
    settings = SignInSettings(public_url="https://tongbu.example")
    async with open_desk(pool, settings=settings) as desk:
        await desk.add("wang")
        async with desk.client.post("/api/v1/login", json=login("wang")) as response:
            assert "Secure" in response.headers["Set-Cookie"]


async def test_only_the_digest_is_kept(desk: Desk) -> None:
    wang = await desk.person("wang")
    token = wang.headers["Authorization"].removeprefix("Bearer ")
    kept = await rows(desk.pool, "select digest from login")
    assert [row["digest"] for row in kept] == [digest_of(token)]
    hashes = await rows(desk.pool, "select password_hash from person")
    assert hashes[0]["password_hash"].startswith("$argon2id$")


async def test_with_the_cookie_a_change_needs_the_page_s_token(desk: Desk) -> None:
    await desk.add("wang")
    status, _ = await desk.guest.ask("POST", "/login", login("wang"))
    assert status == 200
    csrf = (await desk.guest.ask("GET", "/me"))[1]["csrf"]
    change = {"old": PASSWORD, "new": "another-long-password"}
    for headers in ({}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": csrf[:-1]}):
        status, found = await desk.guest.ask("POST", "/me/password", change, headers=headers)
        assert (status, "X-CSRF-Token" in found["detail"]) == (403, True)
    good = {"X-CSRF-Token": csrf}
    assert (await desk.guest.ask("POST", "/me/password", change, headers=good))[0] == 204


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("null", 403),
        ("http://127.0.0.1:1", 403),
        ("http://[", 403),
        ("https://tongbu.example", 204),
        ("", 204),
    ],
)
async def test_a_page_of_another_site_changes_nothing(pool: Pool, origin: str, status: int) -> None:
    settings = SignInSettings(public_url="https://tongbu.example/")
    async with open_desk(pool, settings=settings) as desk:
        await desk.add("wang")
        sent = {"Origin": origin} if origin else {}
        own = f"http://127.0.0.1:{desk.client.port}"
        assert (await desk.guest.ask("POST", "/logout", headers={"Origin": own}))[0] == 204
        assert (await desk.guest.ask("POST", "/logout", headers=sent))[0] == status


async def test_signing_out_ends_the_session_for_good(desk: Desk) -> None:
    wang = await desk.person("wang")
    assert (await wang.ask("POST", "/logout"))[0] == 204
    status, found = await wang.ask("GET", "/me")
    assert (status, found["status"]) == (401, 401)


@pytest.mark.parametrize("header", ["Bearer x", "Basic YTpi", "Bearer " + "A" * 43, "", "Bearer"])
async def test_a_foreign_bearer_is_401(desk: Desk, header: str) -> None:
    status, _ = await desk.guest.ask("GET", "/me", headers={"Authorization": header})
    assert status == 401


async def test_an_ended_cookie_makes_a_guest_and_not_an_error(desk: Desk) -> None:
    headers = {"Cookie": f"{COOKIE}={'A' * 43}"}
    status, me = await desk.guest.ask("GET", "/me", headers=headers)
    assert (status, me["person_id"]) == (200, "")


async def test_a_session_ends_on_time(pool: Pool) -> None:
    now = [time.time()]
    settings = SignInSettings(session_s=3600.0)
    async with open_desk(pool, settings=settings, clock=lambda: now[0]) as desk:
        wang = await desk.person("wang")
        now[0] += 3599.0
        assert (await wang.ask("GET", "/me"))[0] == 200
        now[0] += 1.0
        assert (await wang.ask("GET", "/me"))[0] == 401
        await desk.enter("wang")
        assert len(await rows(pool, "select from login")) == 1


async def test_one_person_has_only_so_many_sessions(desk: Desk) -> None:
    first = await desk.person("wang")
    for _ in range(SESSIONS_LIMIT):
        await desk.enter("wang")
    assert len(await rows(desk.pool, "select from login")) == SESSIONS_LIMIT
    assert (await first.ask("GET", "/me"))[0] == 401


async def test_wrong_tries_run_out_for_the_name_but_not_for_others(desk: Desk) -> None:
    await desk.add("wang")
    await desk.add("li")
    wrong = [await desk.guest.ask("POST", "/login", login("wang", "wrong"))
             for _ in range(TRIES_A_NAME.burst)]  # fmt: skip
    assert {status for status, _ in wrong} == {401}
    async with desk.client.post("/api/v1/login", json=login("wang")) as response:
        assert response.status == 429
        assert 1 <= int(response.headers["Retry-After"]) <= TRIES_A_NAME.refill_s
    assert (await desk.guest.ask("POST", "/login", login("li")))[0] == 200


async def test_tries_at_once_do_not_slip_by(desk: Desk) -> None:
    await desk.add("wang")
    body = login("wang", "wrong")
    answers = await asyncio.gather(
        *(desk.guest.ask("POST", "/login", body) for _ in range(3 * TRIES_A_NAME.burst))
    )
    assert sorted(status for status, _ in answers).count(401) == TRIES_A_NAME.burst


async def test_many_good_sign_ins_are_never_slowed(desk: Desk) -> None:
    await desk.add("classroom")
    for _ in range(3 * TRIES_A_NAME.burst):
        assert (await desk.guest.ask("POST", "/login", login("classroom")))[0] == 200


async def test_behind_our_proxy_the_limit_counts_the_viewer_s_network(pool: Pool) -> None:
    async with open_desk(pool, settings=SignInSettings(proxies=1)) as desk:
        await desk.add("wang")
        for forged in ("9.9.9.9, 1.1.1.1", "1.1.1.1"):
            headers = {"X-Forwarded-For": forged}
            status, _ = await desk.guest.ask("POST", "/login", login("wang"), headers=headers)
            assert status == 200


async def test_a_hash_of_an_older_strength_is_renewed(desk: Desk) -> None:
    person = await desk.add("wang")
    old = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(PASSWORD)
    await rows(desk.pool, "update person set password_hash = %s where id = %s returning id",
               old, person)  # fmt: skip
    await desk.enter("wang")
    async with desk.pool.connection() as connection:
        kept = await read_credentials(connection, "wang")
    assert kept is not None
    assert kept.password_hash is not None
    assert not QUICK.check_needs_rehash(kept.password_hash)
    await desk.enter("wang")


async def test_too_many_hashes_at_once_are_refused() -> None:
    passwords = Passwords(QUICK, queue=2)
    made = await asyncio.gather(
        *(passwords.hash(PASSWORD) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(item, TooMany) for item in made) == 3
    assert (await passwords.check(str(made[0]), PASSWORD)).fits


async def test_changing_the_password_ends_other_sessions(desk: Desk) -> None:
    here, there = await desk.person("wang"), await desk.enter("wang")
    status, found = await here.ask("POST", "/me/password", {"old": "wrong", "new": "long-enough-1"})
    assert (status, set(found["fields"])) == (422, {"old"})
    status, found = await here.ask("POST", "/me/password", {"old": PASSWORD, "new": "short"})
    assert (status, set(found["fields"])) == (422, {"password"})
    change = {"old": PASSWORD, "new": "long-enough-1"}
    assert (await here.ask("POST", "/me/password", change))[0] == 204
    assert (await here.ask("GET", "/me"))[0] == 200
    assert (await there.ask("GET", "/me"))[0] == 401
    assert (await desk.guest.ask("POST", "/login", login("wang")))[0] == 401
    await desk.enter("wang", "long-enough-1")


async def test_rights_in_a_session_follow_the_day(pool: Pool) -> None:
    now = [1_790_000_000.0]
    async with open_desk(pool, clock=lambda: now[0]) as desk:
        until = date(2026, 9, 23)
        wang = await desk.person("wang", Affiliation(Role.ADMINISTRATOR, START, until))
        assert (await wang.ask("GET", "/me"))[1]["is_administrator"]
        now[0] += 2 * 86400
        assert not (await wang.ask("GET", "/me"))[1]["is_administrator"]
