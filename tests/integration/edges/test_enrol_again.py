"""A code given to a box that has come in before: it stays who it is, unless told otherwise."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from catalog.errors import TongbuError
from deploy.config import ConfigError, load
from deploy.edge_identity import EdgeIdentity
from deploy.roles.edge import identify
from deploy.settings import Settings
from tests.support.edges import Bureau
from tests.support.sessions import Town

UNKNOWN = "ACDEF-HJKMN"


@pytest.fixture
def settings(bureau: Bureau, tmp_path: Path) -> Settings:
    return settings_at(tmp_path / "box", str(bureau.desk.client.make_url("/")))


def settings_at(data: Path, origin: str) -> Settings:
    """What `tongbu edge --data DATA --origin ORIGIN` is run with."""
    said = {"TONGBU_SERVER_DATA": str(data), "TONGBU_EDGE_ORIGIN": origin}
    return load(Settings, {}, said, {})


async def code_of(bureau: Bureau, town: Town, name: str = "tianye") -> str:
    return (await bureau.code(town.rural, name))[1]


def key_of(found: EdgeIdentity) -> bytes:
    return found.key.private_bytes_raw()


async def test_a_box_that_has_come_in_stays_who_it_is_whatever_the_code(
    bureau: Bureau, town: Town, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await code_of(bureau, town)
    first = await identify(settings, code)
    assert capsys.readouterr().out == "enrolled as tianye of 田野小学\n"
    fresh = await code_of(bureau, town, "tianye2")
    for again in (code, UNKNOWN, fresh):
        found = await identify(settings, again)
        assert (found.words, key_of(found)) == (first.words, key_of(first))
        assert capsys.readouterr().out == (
            "enrolled as tianye of 田野小学 already: "
            "the code is not used (--enrol-again takes it)\n"
        )
    forced = await identify(settings, fresh, again=True)
    assert (forced.words.name, key_of(forced) != key_of(first)) == ("tianye2", True)
    assert capsys.readouterr().out == "enrolled as tianye2 of 田野小学\n"


async def test_another_origin_is_another_identity(
    bureau: Bureau, town: Town, settings: Settings
) -> None:
    await identify(settings, await code_of(bureau, town))
    asked: list[str] = []

    async def enrol(request: web.Request) -> web.Response:
        asked.append((await request.json())["code"])
        return web.json_response({"detail": "no such code"}, status=404)

    app = web.Application()
    app.router.add_post("/api/v1/edges/enrol", enrol)
    async with TestServer(app) as server:
        elsewhere = settings_at(settings.server.data, str(server.make_url("/")))
        with pytest.raises(TongbuError, match="no such code"):
            await identify(elsewhere, UNKNOWN)
    assert asked == [UNKNOWN]


async def test_an_identity_that_cannot_be_read_is_made_anew(
    bureau: Bureau, town: Town, settings: Settings
) -> None:
    await identify(settings, await code_of(bureau, town))
    words = settings.server.data / "identity" / "edge.json"
    await asyncio.to_thread(words.write_text, "{", "ascii")
    found = await identify(settings, await code_of(bureau, town, "tianye2"))
    assert found.words.name == "tianye2"


async def test_to_come_in_again_needs_a_code(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="add --enrol CODE"):
        await identify(settings, None, again=True)
