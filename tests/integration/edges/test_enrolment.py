"""Edges come in by a code, once; who keeps them; and who is shut out is out at once."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalog.db.edges_known import SEEN_EVERY_S
from catalog.db.pool import Pool
from catalog.edge_credential import SCHEME, sign
from catalog.edges import EDGES_OF_SCHOOL_LIMIT
from catalog.http.edges import TRIES_A_NETWORK
from catalog.http.endpoint import VIEWER
from catalog.http.problem import problems
from catalog.http.signin import EDGE_VERSION, SignIn, SignInSettings
from catalog.people import Affiliation, Role
from tests.support.api import Caller
from tests.support.edges import Box, Bureau, open_bureau
from tests.support.lessons import SINCE
from tests.support.sessions import Town
from tests.support.wait import eventually

DAY_S = 86_400.0


async def test_a_box_becomes_the_edge_of_its_code(bureau: Bureau, town: Town) -> None:
    status, made = await bureau.boss.ask(
        "POST", "/edges", {"name": "田野小学的盒子", "school": town.rural}
    )
    assert (status, sorted(made)) == (201, ["code", "expires_at", "id"])
    box = Box(bureau.desk.client)
    status, found = await box.enrol(f" {made['code'].lower()} ")
    assert status == 200
    assert found == {
        "id": made["id"], "name": "田野小学的盒子", "names": [], "certificate": "",
        "school": {"id": town.rural, "name": "田野小学"}, "keys": found["keys"],
    }  # fmt: skip
    assert list(found["keys"]) == list(bureau.keyring.public_keys)
    status, own = await box.ask("GET", "/edge/self")
    assert (status, own) == (
        200,
        {"id": box.id, "name": "田野小学的盒子", "school": found["school"], "state": "enrolled",
         "keys": found["keys"], "names": [], "time_zone": "Asia/Shanghai"},
    )  # fmt: skip


async def test_the_list_tells_state_version_and_when_it_was_seen(
    bureau: Bureau, town: Town
) -> None:
    waiting, _ = await bureau.code(town.urban, "haibin")
    box = await bureau.box(town.rural)
    await box.ask("GET", "/edge/self", headers={EDGE_VERSION: "0.1.0"})

    async def seen() -> bool:
        _, page = await bureau.boss.ask("GET", "/edges")
        rows = {row["id"]: row for row in page["items"]}
        assert rows[waiting]["state"] == "waiting"
        assert rows[waiting]["seen_at"] is None
        assert rows[waiting]["code_expires_at"] is not None
        assert rows[box.id]["state"] == "enrolled"
        assert rows[box.id]["code_expires_at"] is None
        return rows[box.id]["seen_at"] is not None and rows[box.id]["version"] == "0.1.0"

    await eventually(seen)
    _, page = await bureau.boss.ask("GET", f"/edges?school={town.urban}&state=waiting&q=HAI")
    assert [row["id"] for row in page["items"]] == [waiting]


async def test_when_it_was_seen_is_written_rarely(
    dsn: str, pool: Pool, tmp_path: Path, town: Town
) -> None:
    now = [time.time()]
    async with open_bureau(dsn, pool, tmp_path, lambda: now[0]) as bureau:
        box = await bureau.box(town.rural)
        box.clock = lambda: now[0]

        async def seen_at() -> float:
            async with pool.connection() as connection:
                cursor = await connection.execute(
                    "select coalesce(extract(epoch from seen_at), 0)::float8 as at from edge"
                )
                row = await cursor.fetchone()
            assert row is not None
            return float(row["at"])

        async def written() -> bool:
            return abs(await seen_at() - now[0]) < 0.001

        await box.ask("GET", "/edge/self")
        await eventually(written)
        first = now[0]
        now[0] += SEEN_EVERY_S - 1
        await box.ask("GET", "/edge/self")
        now[0] += 2
        await box.ask("GET", "/edge/self")
        await eventually(written)
        assert now[0] == first + SEEN_EVERY_S + 1


async def test_of_two_boxes_with_one_code_one_comes_in(bureau: Bureau, town: Town) -> None:
    for turn in range(2):
        _, code = await bureau.code(town.rural, f"box-{turn}")
        boxes = [Box(bureau.desk.client) for _ in range(4)]
        answers = await asyncio.gather(*(box.enrol(code) for box in boxes))
        assert sorted(status for status, _ in answers) == [200, 401, 401, 401]
        entered = [(await box.ask("GET", "/edge/self"))[0] for box in boxes if box.id]
        assert entered == [200]


async def test_a_code_ends_with_use_time_and_the_next_one(
    dsn: str, pool: Pool, tmp_path: Path, town: Town
) -> None:
    now = [time.time()]
    async with open_bureau(dsn, pool, tmp_path, lambda: now[0]) as bureau:
        edge, code = await bureau.code(town.rural)
        _, newer = await bureau.boss.ask("POST", f"/edges/{edge}/code")
        box = Box(bureau.desk.client)
        assert (await box.enrol(code))[0] == 401
        now[0] += DAY_S
        status, problem = await box.enrol(newer["code"])
        assert (status, problem["detail"]) == (
            401, "this code is wrong, used or older than a day: ask for a new one",
        )  # fmt: skip
        assert (await box.enrol("ACDE"))[0] == 422


async def test_codes_are_kept_only_as_digests(bureau: Bureau, pool: Pool, town: Town) -> None:
    _, code = await bureau.code(town.rural)
    async with pool.connection() as connection:
        cursor = await connection.execute("select to_jsonb(e)::text as whole from edge e")
        row = await cursor.fetchone()
    assert row is not None
    assert code.replace("-", "") not in row["whole"].upper()
    assert (await bureau.boss.ask("GET", "/edges"))[1]["items"][0].get("code") is None


async def test_wrong_codes_are_few(bureau: Bureau, town: Town) -> None:
    _, code = await bureau.code(town.rural)
    box = Box(bureau.desk.client)
    for _ in range(TRIES_A_NETWORK.burst):
        assert (await box.enrol("AAAAA-CCCCC"))[0] == 401
    status, problem = await box.enrol(code)
    assert (status, problem["detail"]) == (
        429, "too many wrong codes: wait a little, then try again",
    )  # fmt: skip


async def test_wrong_codes_through_a_box_are_each_their_own(bureau: Bureau, town: Town) -> None:
    """One pupil who tries does not shut out the school: a box says whose request it passes on."""
    box = await bureau.box(town.rural)

    async def tries(address: str, voucher: str) -> int:
        headers = {"X-Forwarded-For": f"9.9.9.9, {address}", "Tongbu-Edge": voucher}
        body = {"code": "AAAAA-CCCCC", "public_key": box.public, "csr": ""}
        status, _ = await Caller(box.client, headers=headers).ask("POST", "/edges/enrol", body)
        return status

    assert (await box.ask("GET", "/edge/self"))[0] == 200
    voucher = box.header["Authorization"].partition(" ")[2]
    for _ in range(TRIES_A_NETWORK.burst):
        assert await tries("192.168.1.20", voucher) == 401
    assert await tries("192.168.1.20", voucher) == 429
    assert await tries("192.168.1.21", voucher) == 401
    for _ in range(TRIES_A_NETWORK.burst):
        await tries("192.168.1.22", "forged")
    assert await tries("192.168.1.23", "forged") == 429, "who is no box speaks for nobody"


async def test_enrolling_anew_ends_the_old_box(bureau: Bureau, town: Town) -> None:
    old = await bureau.box(town.rural)
    _, made = await bureau.boss.ask("POST", f"/edges/{old.id}/code")
    assert (await old.ask("GET", "/edge/self"))[0] == 200  # works until the other comes
    new = Box(bureau.desk.client)
    assert (await new.enrol(made["code"]))[0] == 200
    assert new.id == old.id
    assert (await new.ask("GET", "/edge/self"))[0] == 200

    async def out() -> bool:
        return (await old.ask("GET", "/edge/self"))[0] == 401

    await eventually(out, 1.0)


async def test_a_key_is_of_one_edge(bureau: Bureau, town: Town) -> None:
    box = await bureau.box(town.rural)
    _, code = await bureau.code(town.rural, "second")
    assert (await Box(bureau.desk.client, box.key).enrol(code))[0] == 409
    assert (await Box(bureau.desk.client).enrol(code))[0] == 200  # the code was not used up


async def test_who_is_revoked_is_out_within_a_second(bureau: Bureau, town: Town) -> None:
    box = await bureau.box(town.rural)
    kept = box.header  # good for two minutes more, were it not revoked
    assert (await box.ask("GET", "/edge/self", headers=kept))[0] == 200
    status, row = await bureau.boss.ask("POST", f"/edges/{box.id}/revoke")
    assert (status, row["state"]) == (200, "revoked")

    async def out() -> bool:
        return (await box.ask("GET", "/edge/self", headers=kept))[0] == 401

    await eventually(out, 1.0)
    assert (await bureau.boss.ask("POST", f"/edges/{box.id}/revoke"))[0] == 409
    _, made = await bureau.boss.ask("POST", f"/edges/{box.id}/code")
    assert (await Box(bureau.desk.client).enrol(made["code"]))[0] == 200
    assert (await box.ask("GET", "/edge/self"))[0] == 401


async def test_what_a_revoked_edge_still_listens_to_is_cut(bureau: Bureau, town: Town) -> None:
    box = await bureau.box(town.rural)
    inside = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        inside.set()
        await socket.receive()
        return socket

    sign_in = SignIn(bureau.desk.pool, SignInSettings(), edges=bureau.known)
    app = web.Application(middlewares=[problems, sign_in.middleware])
    app.router.add_get("/live/x/stream", stream)
    async with TestClient(TestServer(app)) as client:
        socket = await client.ws_connect("/live/x/stream", headers=box.header)
        await inside.wait()
        await bureau.boss.ask("POST", f"/edges/{box.id}/revoke")
        async with asyncio.timeout(1.0):
            message = await socket.receive()
        assert message.type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)


async def test_an_edge_of_another_origin_is_known_at_once(
    bureau: Bureau, dsn: str, pool: Pool, town: Town
) -> None:
    sign_in = SignIn(pool, SignInSettings(), edges=type(bureau.known)(pool))  # hears nothing

    async def who(request: web.Request) -> web.StreamResponse:
        return web.Response(text=request[VIEWER].person_id)

    app = web.Application(middlewares=[problems, sign_in.middleware])
    app.router.add_get("/api/v1/edge/who", who)
    box = await bureau.box(town.rural)
    async with (
        TestClient(TestServer(app)) as client,
        client.get("/api/v1/edge/who", headers=box.header) as response,
    ):
        assert await response.text() == f"edge:{box.id}"


async def test_forged_foreign_and_expired_credentials_are_refused(
    bureau: Bureau, town: Town
) -> None:
    box, other = await bureau.box(town.rural), await bureau.box(town.urban, "haibin")
    now = time.time()
    wrong = [
        sign(box.id, Ed25519PrivateKey.generate(), now),
        sign(box.id, other.key, now),
        sign("0" * 20, box.key, now),
        sign(box.id, box.key, now - 200),
        sign(box.id, box.key, now + 200),
        sign(box.id, box.key, now, 301),
        "",
        "x" * 5000,
    ]
    for text in wrong:
        headers = {"Authorization": f"{SCHEME} {text}"}
        status, problem = await bureau.desk.guest.ask("GET", "/edge/self", headers=headers)
        assert (status, problem["status"]) == (401, 401), text
    person = await bureau.boss.ask("GET", "/edge/self")
    assert person[0] == 403
    assert (await bureau.desk.guest.ask("GET", "/edge/self"))[0] == 401


async def test_districts_keep_the_edges_of_their_schools(bureau: Bureau, town: Town) -> None:
    shinan, pingdu = town.districts
    own = await bureau.desk.person("own", Affiliation(Role.DISTRICT, SINCE, district_id=pingdu))
    other = await bureau.desk.person("other", Affiliation(Role.DISTRICT, SINCE, district_id=shinan))
    head = await bureau.desk.person("head", Affiliation(Role.SCHOOL, SINCE, school_id=town.rural))
    body = {"name": "tianye", "school": town.rural}
    assert (await other.ask("POST", "/edges", body))[0] == 403
    assert (await head.ask("POST", "/edges", body))[0] == 403
    status, made = await own.ask("POST", "/edges", body)
    assert status == 201
    one = f"/edges/{made['id']}"
    assert (await own.ask("POST", f"{one}/code"))[0] == 200
    assert [(await who.ask("GET", one))[0] for who in (own, other, head)] == [200, 404, 403]
    assert (await other.ask("POST", f"{one}/revoke"))[0] == 404
    assert (await other.ask("POST", f"{one}/code"))[0] == 404
    assert (await other.ask("DELETE", one))[0] == 404
    assert len((await own.ask("GET", "/edges"))[1]["items"]) == 1
    assert (await other.ask("GET", "/edges"))[1]["items"] == []
    assert (await head.ask("GET", "/edges"))[0] == 403


async def test_only_an_edge_that_no_box_is_can_be_removed(bureau: Bureau, town: Town) -> None:
    box = await bureau.box(town.rural)
    one = f"/edges/{box.id}"
    assert (await bureau.boss.ask("DELETE", one))[0] == 409
    await bureau.boss.ask("POST", f"{one}/revoke")
    assert (await bureau.boss.ask("DELETE", one))[0] == 204
    assert (await bureau.boss.ask("GET", one))[0] == 404
    assert (await box.ask("GET", "/edge/self"))[0] == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "", "school": "x" * 20}, 422),
        ({"name": "箱\n子", "school": "0" * 20}, 422),
        ({"name": "箱子", "school": "0" * 20}, 422),
        ({"name": "箱" * 101, "school": "0" * 20}, 422),
        ({"school": "0" * 20}, 422),
    ],
)
async def test_what_is_no_edge_is_refused(
    bureau: Bureau, body: dict[str, Any], status: int
) -> None:
    assert (await bureau.boss.ask("POST", "/edges", body))[0] == status


async def test_names_are_unique_and_edges_few(bureau: Bureau, town: Town) -> None:
    await bureau.code(town.rural)
    taken = {"name": "TianYe", "school": town.urban}
    assert (await bureau.boss.ask("POST", "/edges", taken))[0] == 409
    for number in range(EDGES_OF_SCHOOL_LIMIT - 1):
        await bureau.code(town.rural, f"box-{number}")
    full = {"name": "more", "school": town.rural}
    assert (await bureau.boss.ask("POST", "/edges", full))[0] == 409


async def test_bodies_that_are_no_enrolment_are_refused(bureau: Bureau, town: Town) -> None:
    _, code = await bureau.code(town.rural)
    key = b64encode(b"k" * 32).decode()
    for body in (
        {"code": code},
        {"code": code, "public_key": "!"},
        {"code": code, "public_key": b64encode(b"k").decode()},
        {"code": code, "public_key": key, "csr": "-----BEGIN"},
        {"code": code, "public_key": key, "csr": "x" * 9000},
        {"code": "A" * 33, "public_key": key},
    ):
        assert (await bureau.desk.guest.ask("POST", "/edges/enrol", body))[0] == 422
    for method in ("GET", "DELETE"):  # it is no edge of that name
        assert (await bureau.desk.guest.ask(method, "/edges/enrol"))[0] == 405
    assert (await Box(bureau.desk.client).enrol(code))[0] == 200
