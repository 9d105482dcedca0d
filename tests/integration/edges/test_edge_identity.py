"""A box's own side: it enrols, remembers who it is, and keeps its certificate."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from catalog.db.keys import rotate_keys
from catalog.db.pool import Pool
from catalog.edge_ca import pem_of
from catalog.ids import new_id
from catalog.tokens import Grant, TokenError
from deploy import edge_asking
from deploy.edge_asking import IdentityError, Refused
from deploy.edge_identity import MADE_EVERY_S, EdgeIdentity, enrol, load
from tests.support.certificates import handshake
from tests.support.edges import Bureau
from tests.support.sessions import Town
from tests.support.wait import eventually

LAN = ("127.0.0.1", "192.168.1.5")


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """What carries a box's questions."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def origin(bureau: Bureau) -> str:
    """The origin's address."""
    return str(bureau.desk.client.make_url("")).rstrip("/")


async def enrolled(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, data: Path
) -> EdgeIdentity:
    _, code = await bureau.code(town.rural)
    origin = str(bureau.desk.client.make_url("/"))
    return await enrol(client, origin, code, data, LAN)


def modes_below(folder: Path) -> dict[str, int]:
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    return {"": stat.S_IMODE(folder.stat().st_mode), **found}


async def test_a_box_remembers_who_it_is(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, origin: str, tmp_path: Path
) -> None:
    data = tmp_path / "box"
    assert await asyncio.to_thread(load, data) is None
    made = await enrolled(bureau, town, client, data)
    again = await asyncio.to_thread(load, data)
    assert again is not None
    assert again.words == made.words
    assert (again.words.name, again.words.school.name, again.words.origin) == (
        "tianye", "田野小学", origin,
    )  # fmt: skip
    assert again.key.private_bytes_raw() == made.key.private_bytes_raw()
    await again.refresh(client)
    lesson, now = new_id(), int(time.time())
    token = bureau.keyring.sign(Grant(lesson, now, now + 60))
    assert again.verifier.verify(token, lesson, now).lesson == lesson
    modes = await asyncio.to_thread(modes_below, data / "identity")
    assert modes == {"": 0o700, "edge.key": 0o600, "tls.key": 0o600, "edge.json": 0o600}


async def test_a_credential_is_made_anew_all_the_while(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    box = await enrolled(bureau, town, client, tmp_path)
    now = [time.time()]
    box.clock = lambda: now[0]
    first = box.headers()["Authorization"]
    now[0] += MADE_EVERY_S / 2
    assert box.headers()["Authorization"] == first
    now[0] += MADE_EVERY_S
    assert box.headers()["Authorization"] != first


async def test_a_certificate_comes_with_enrolment_and_is_renewed(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    ca = await asyncio.to_thread(bureau.ca.make, "school.example")
    box = await enrolled(bureau, town, client, tmp_path)
    assert box.words.names == ["tianye.edge.school.example", *LAN]
    trusted = pem_of((ca.certificate,))

    def shake(name: str) -> str:
        own = serialization.load_pem_private_key(box.tls_key_file.read_bytes(), None)
        assert isinstance(own, ec.EllipticCurvePrivateKey)
        return handshake(trusted, box.chain_file.read_text(), own, name, tmp_path)

    assert await asyncio.to_thread(shake, "127.0.0.1") == ""
    assert await asyncio.to_thread(shake, "tianye.edge.school.example") == ""
    assert not await asyncio.to_thread(box.needs_renewal, LAN)
    assert await asyncio.to_thread(box.needs_renewal, (*LAN, "10.0.0.9"))
    box.clock = lambda: time.time() + 61 * 86_400
    assert await asyncio.to_thread(box.needs_renewal, LAN)
    box.clock = time.time
    before = await asyncio.to_thread(box.chain_file.read_text)
    await box.renew(client, ("10.0.0.9", "127.0.0.1"))
    assert await asyncio.to_thread(box.chain_file.read_text) != before
    assert box.words.names == ["tianye.edge.school.example", "10.0.0.9", "127.0.0.1"]
    assert await asyncio.to_thread(shake, "127.0.0.1") == ""
    _, row = await bureau.boss.ask("GET", f"/edges/{box.words.id}")
    assert row["names"] == box.words.names


async def test_a_revoked_box_gets_no_certificate(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    await asyncio.to_thread(bureau.ca.make, "school.example")
    box = await enrolled(bureau, town, client, tmp_path)
    await bureau.boss.ask("POST", f"/edges/{box.words.id}/revoke")

    async def refused() -> bool:
        try:
            await box.renew(client, LAN)
        except IdentityError as error:
            # A question that was on its way at that instant is cut.
            return isinstance(error, Refused) and error.status == 401
        return False

    await eventually(refused, 1.0)


async def test_without_an_authority_there_is_none(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    box = await enrolled(bureau, town, client, tmp_path)
    assert not await asyncio.to_thread(box.chain_file.exists)
    assert await asyncio.to_thread(box.needs_renewal, LAN)
    with pytest.raises(Refused, match="tongbu edges ca"):
        await box.renew(client, LAN)


def clock_off_by(wrong_s: float) -> float:
    return time.time() + wrong_s


async def test_a_box_whose_clock_is_wrong_learns_the_time(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    box = await enrolled(bureau, town, client, tmp_path)
    for wrong_s in (-86_400.0 * 365, 3600.0):
        box.clock = partial(clock_off_by, wrong_s)
        await box.refresh(client)
        assert abs(box.now_utc() - time.time()) < 5
    box.hear({"Date": "yesterday"})
    box.hear({})
    assert abs(box.now_utc() - time.time()) < 5


async def test_new_keys_of_the_origin_are_kept(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, pool: Pool, tmp_path: Path
) -> None:
    box = await enrolled(bureau, town, client, tmp_path)
    async with pool.connection() as connection:
        keys = await rotate_keys(connection)
    bureau.keyring.replace(keys, time.time() + 1000)
    lesson, now = new_id(), int(time.time())
    token = bureau.keyring.sign(Grant(lesson, now, now + 60))
    with pytest.raises(TokenError):
        box.verifier.verify(token, lesson, now)
    await box.refresh(client)
    again = await asyncio.to_thread(load, tmp_path)
    assert again is not None
    assert again.verifier.verify(token, lesson, now).lesson == lesson


async def test_a_wrong_code_says_what_to_do(
    bureau: Bureau, client: aiohttp.ClientSession, origin: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="ask for a new one"):
        await enrol(client, origin, "AAAAA-CCCCC", tmp_path)
    with pytest.raises(Refused, match="10 letters"):
        await enrol(client, origin, "?", tmp_path)
    assert await asyncio.to_thread(load, tmp_path) is None


ENROLLED = (
    '{"id": "%s", "name": "a", "school": {"id": "b", "name": "c"}, "keys": {"k": "AAAA"},'
    ' "names": [], "certificate": ""}' % ("0" * 20)
)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, "<html>", "is not Tongbu's origin"),
        (200, "[]", "not understood"),
        (200, '{"id": 1}', "not understood"),
        (200, ENROLLED, "no public keys"),
        (200, '"' + "x" * edge_asking.ANSWER_LIMIT_BYTES + '"', "is not Tongbu's origin"),
        (502, "{}", "refuses \\(502\\)"),
        (307, "{}", "refuses \\(307\\)"),
    ],
)
async def test_a_stranger_at_the_origins_address_is_not_believed(
    client: aiohttp.ClientSession, tmp_path: Path, status: int, body: str, why: str
) -> None:
    async def stranger(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/api/v1/edges/enrol", stranger)
    async with TestServer(app) as server:
        with pytest.raises(Exception, match=why) as caught:
            await enrol(client, str(server.make_url("/")), "ACDEF-HJKMN", tmp_path)
        gone = str(server.make_url("/"))
        assert type(caught.value).__module__ in {"deploy.edge_asking", "catalog.errors"}
    with pytest.raises(IdentityError, match="does not answer"):
        await enrol(client, gone, "ACDEF-HJKMN", tmp_path)
    assert await asyncio.to_thread(load, tmp_path) is None


@pytest.mark.parametrize("name", ["edge.json", "edge.key"])
async def test_a_damaged_identity_says_what_to_do(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, tmp_path: Path, name: str
) -> None:
    await enrolled(bureau, town, client, tmp_path)
    await asyncio.to_thread((tmp_path / "identity" / name).write_text, "{")
    with pytest.raises(IdentityError, match="enrol this box anew"):
        await asyncio.to_thread(load, tmp_path)
